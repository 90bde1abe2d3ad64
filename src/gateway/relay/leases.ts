import { sleep, type Clock } from '../../kernel/clock.ts'
import { Fault } from '../../kernel/fault.ts'
import type { ClientSession, Peer } from '../../kernel/mcp/peer.ts'
import type { Log } from '../../kernel/log.ts'
import { MODERN_REVISION, type LogLevel } from '../../kernel/mcp/protocol.ts'
import type { CallContext } from '../../kernel/tool.ts'
import type { ClientFace, Connection } from '../connection/connection.ts'
import { Lease } from './lease.ts'
import { Line, type LineOptions } from './line.ts'
import { setLevel } from './log-levels.ts'
import type { Owner } from './news.ts'
import type { RelayOptions } from './relay-options.ts'

/** An unused connection of a session is closed after this time, and opened again when it is needed. */
const SESSION_IDLE_MS = 600_000
/** One that is kept for a caller's next call, because the last one asked something. */
const POOL_IDLE_MS = 60_000
const SWEEP_EVERY_MS = 15_000
/** How long a call waits for another client's connection to fall idle. */
const PATIENCE_MS = 5_000

export interface LeasesOptions extends LineOptions {
  readonly name: string
  readonly connectFor: RelayOptions['connectFor']
  readonly sharing: RelayOptions['sharing']
  readonly mostConnections: number
  readonly hubFace: ClientFace
  readonly clock: Clock
  readonly log: Log
  /** Aborts when the relay closes. */
  readonly signal: AbortSignal
}

/** Connections of single clients, for servers that ask their clients questions. */
export class Leases {
  readonly #options: LeasesOptions
  readonly #leases = new Set<Lease>()
  readonly #waiting = new Set<() => void>()
  #cancelSweep: (() => void) | undefined

  constructor(options: LeasesOptions) {
    this.#options = options
  }

  get size(): number {
    return this.#leases.size
  }

  /** Whether this client should have a connection of its own, beside that one. */
  wanted(peer: Peer, shared: Connection): boolean {
    const { sharing, interactive, settled } = this.#options
    if (sharing !== 'auto') return sharing === 'per_client'
    if (shared.revision === MODERN_REVISION || !canBeAskedFor(interactive.asks(), peer)) return false
    // What the server knows of a session stays with it. A request that stands alone needs its questions told apart, no more.
    return peer.session === undefined ? !shared.correlates : !settled.has(peer.session, shared)
  }

  /**
   * The client's connection, ready for a call; `put` gives it back. Throws Fault `unavailable` when all are in use and stay
   * so, and what `connectFor` throws.
   */
  async take(peer: Peer, context: CallContext): Promise<{ readonly lease: Lease; readonly connection: Connection }> {
    const { clock } = this.#options
    const untilMs = clock.monotonic() + PATIENCE_MS
    const key = keyOf(peer, context)
    for (;;) {
      this.#options.signal.throwIfAborted()
      const lease = this.#existing(key) ?? this.#open(key, peer)
      if (lease === undefined) {
        await this.#room(untilMs, context.signal)
        continue
      }
      lease.use()
      try {
        const connection = await lease.connection
        await this.#level(lease, connection, peer.logLevel)
        return { lease, connection }
      } catch (error) {
        this.put(lease)
        throw error
      }
    }
  }

  /** The session hears of something by its connection from now on, whether it calls or not. */
  keep(lease: Lease): void {
    lease.isKept = true
  }

  put(lease: Lease): void {
    lease.release()
    this.#idle(lease)
  }

  async closed(session: ClientSession): Promise<void> {
    const lease = this.#ofSession(session)
    if (lease) await this.#end(lease)
  }

  async levelChanged(session: ClientSession): Promise<void> {
    const lease = this.#ofSession(session)
    if (lease) await this.#level(lease, await lease.connection, session.logLevel)
  }

  async rootsChanged(session: ClientSession): Promise<void> {
    const connection = await this.#ofSession(session)?.connection
    connection?.notify('notifications/roots/list_changed', '{}')
  }

  async close(): Promise<void> {
    this.#cancelSweep?.()
    await Promise.all([...this.#leases].map((lease) => this.#end(lease)))
  }

  #ofSession(session: ClientSession): Lease | undefined {
    return this.#leases.values().find((lease) => lease.session?.id === session.id)
  }

  #existing(key: string): Lease | undefined {
    return this.#leases.values().find((lease) => lease.key === key && lease.isFree)
  }

  /** Undefined: there is no room. */
  #open(key: string, peer: Peer): Lease | undefined {
    if (this.#leases.size >= this.#options.mostConnections && !this.#evict()) return undefined
    const { session } = peer
    const owner: Owner = session === undefined ? { is: 'caller' } : { is: 'session', session }
    const lineFor = (lease: Lease) => new Line(owner, this.#options, () => this.#idle(lease))
    const { clientInfo = this.#options.hubFace.clientInfo, capabilities } = session ?? peer
    const lease = new Lease(key, lineFor, (lease) => this.#connect(lease, { clientInfo, capabilities }))
    this.#leases.add(lease)
    this.#sweepLater()
    return lease
  }

  async #connect(lease: Lease, face: ClientFace): Promise<Connection> {
    const { connectFor, signal } = this.#options
    const { onNotification, onRequest } = lease.line
    const handlers = { onNotification, onRequest, onClose: () => this.#forget(lease) }
    try {
      return await connectFor(face, handlers, signal)
    } catch (error) {
      this.#forget(lease)
      throw error
    }
  }

  /** Maybe: a call may have it still. */
  #idle(lease: Lease): void {
    if (!lease.isIdle) return
    lease.usedAtMs = this.#options.clock.monotonic()
    if (lease.session === undefined && lease.line.isTainted) void this.#end(lease)
    else this.#next()
  }

  /** Makes room by closing what was unused longest. */
  #evict(): boolean {
    const idle = [...this.#leases]
      .filter(({ isIdle }) => isIdle)
      .sort((a, b) => Number(a.isKept) - Number(b.isKept) || a.usedAtMs - b.usedAtMs)[0]
    if (idle) void this.#end(idle)
    return idle !== undefined
  }

  async #end(lease: Lease): Promise<void> {
    this.#forget(lease)
    await lease.end()
  }

  #forget(lease: Lease): void {
    this.#leases.delete(lease)
    this.#next()
  }

  /** One that waits for room may look again. */
  #next(): void {
    const [first] = this.#waiting
    first?.()
  }

  async #room(untilMs: number, signal: AbortSignal): Promise<void> {
    const { clock, name, mostConnections } = this.#options
    const freed = new AbortController()
    const wake = () => {
      // At once: where several fall free together, the next one is somebody else's.
      this.#waiting.delete(wake)
      freed.abort()
    }
    this.#waiting.add(wake)
    try {
      await sleep(clock, untilMs - clock.monotonic(), AbortSignal.any([signal, freed.signal]))
    } catch {
      if (!signal.aborted) return
      // It was told in the moment in which it gave up: the room is the next one's.
      if (freed.signal.aborted) this.#next()
      throw signal.reason
    } finally {
      this.#waiting.delete(wake)
    }
    throw new Fault(
      'unavailable',
      `${name} talks with ${mostConnections} clients already, each on its own connection.`,
      {
        hint: 'Try again soon, or allow it more connections.',
        retryAfterMs: PATIENCE_MS,
        details: { provider: name },
      },
    )
  }

  async #level(lease: Lease, connection: Connection, level: LogLevel | undefined): Promise<void> {
    if (level === undefined || level === lease.level) return
    lease.level = level
    await setLevel(connection, level, this.#options.signal, this.#options.log)
  }

  #sweepLater(): void {
    this.#cancelSweep ??= this.#options.clock.after(SWEEP_EVERY_MS, () => this.#sweep())
  }

  #sweep(): void {
    this.#cancelSweep = undefined
    const nowMs = this.#options.clock.monotonic()
    // Where it was said that each client needs its own, the server may keep something there for the next call.
    const poolIdleMs = this.#options.sharing === 'per_client' ? SESSION_IDLE_MS : POOL_IDLE_MS
    for (const lease of this.#leases) {
      const idleMs = lease.session === undefined ? poolIdleMs : SESSION_IDLE_MS
      if (lease.isIdle && !lease.isKept && nowMs - lease.usedAtMs >= idleMs) void this.#end(lease)
    }
    if (this.#leases.size > 0) this.#sweepLater()
  }
}

const canBeAskedFor = (asks: ReadonlySet<string>, { capabilities }: Peer): boolean =>
  [...asks].some((capability) => capability in capabilities)

/** Clients that the server could not tell apart may have the same connection, one after the other. */
function keyOf({ session, capabilities, clientInfo }: Peer, { caller }: CallContext): string {
  if (session !== undefined) return `session ${session.id}`
  return JSON.stringify([caller.id, capabilities, clientInfo])
}
