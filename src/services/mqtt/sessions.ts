import type { Caller } from '../../kernel/caller.ts'
import type { Clock } from '../../kernel/clock.ts'
import { Fault } from '../../kernel/fault.ts'
import type { Log } from '../../kernel/log.ts'
import type { Secrets } from '../../kernel/ports.ts'
import type { Connection } from './connection.ts'
import { addressOf } from './connection-string.ts'
import type { ConnectionSpec, Dial } from './dial.ts'
import type { MqttLimits } from './limits.ts'
import { guardedConnection } from './guard/guarded-connection.ts'
import { DEFAULT_RULES, type SessionRules } from './guard/session-rules.ts'
import { createGuard, type Guard } from './guard/write-guard.ts'
import { createLinks, type Links, type LinkState } from './links.ts'
import { sealContext, type SessionRow, type SessionRows } from './session-rows.ts'
import { isBound } from './touches.ts'

/** What may be shown of a session. Times are wall-clock milliseconds. */
export interface SessionFacts {
  readonly id: string
  readonly name: string | undefined
  /** Without credentials; undefined for the hub's own broker. */
  readonly address: string | undefined
  readonly createdMs: number
  readonly usedMs: number
  readonly expiresMs: number
}

export interface Session extends SessionFacts {
  /** Their connections enforce the session's rules. */
  readonly links: Links
  readonly guard: Guard
}

/** A session in a list; its rules are unknown where what was sealed cannot be opened any more. */
export interface ListedSession extends SessionFacts {
  readonly state: LinkState
  readonly rules: SessionRules | undefined
}

/**
 * The callers' sessions. The store has them all, so that they outlive the process; here are only the connections.
 * A caller sees its own: a session of another's is `not_found`, exactly as one that never was.
 */
export interface Sessions {
  /** Connects, and keeps the session. Throws Fault: `conflict` at the limits, or why there is no connection. */
  establish(
    caller: Caller,
    request: { spec: ConnectionSpec; name?: string | undefined },
    signal: AbortSignal,
  ): Promise<{ session: Session; connection: Connection }>
  /** Counts as a use: the hour begins anew. Throws Fault `not_found`. */
  find(caller: Caller, id: string): Promise<Session>
  list(caller: Caller): Promise<ListedSession[]>
  /** Throws Fault `not_found`. */
  close(caller: Caller, id: string): Promise<void>
  /** Closes the connections; the sessions stay in the store. */
  stop(): Promise<void>
}

export interface SessionsOptions {
  rows: SessionRows
  secrets: Secrets
  dial: Dial
  clock: Clock
  log: Log
  limits: MqttLimits
}

/** How exactly the last use is recorded: a write to the disk per call would be too much. Milliseconds. */
const TOUCH_MS = 60_000

export function createSessions({ rows, secrets, dial, clock, log, limits }: SessionsOptions): Sessions {
  const live = new Map<string, Pick<Session, 'links' | 'guard'>>()
  /** Callers who are connecting just now: they count towards the limits. */
  const arriving: string[] = []
  let sweeping = Promise.resolve()
  let cancelSweep = () => {}

  // A minute late rather than early: the last use may be recorded as one that was up to a minute before.
  const sinceMs = () => clock.now() - limits.sessionTtlMs - TOUCH_MS

  const factsOf = (row: SessionRow): SessionFacts => ({
    id: row.id,
    name: row.name ?? undefined,
    address: row.address ?? undefined,
    createdMs: row.created_ms,
    usedMs: row.used_ms,
    expiresMs: row.used_ms + limits.sessionTtlMs,
  })

  const specOf = async (id: string, callerId: string): Promise<ConnectionSpec> => {
    const row = await rows.find(id, callerId, sinceMs())
    if (!row) throw unknownSession(id)
    const plain = secrets.open(row.sealed, sealContext(id))
    if (secrets.isStale(row.sealed)) await rows.reseal(id, secrets.seal(plain, sealContext(id)))
    return JSON.parse(plain) as ConnectionSpec
  }

  const rulesOf = (row: SessionRow): SessionRules => {
    const { rules } = JSON.parse(secrets.open(row.sealed, sealContext(row.id))) as ConnectionSpec
    return rules ?? DEFAULT_RULES
  }

  /** What a session has in memory. Its rules never change. */
  const liveOf = (row: SessionRow, opened?: Connection) => {
    const known = live.get(row.id)
    if (known) return known
    const { id, caller_id: callerId } = row
    const guard = createGuard({ rules: rulesOf(row), clock, atOwnBroker: row.address === null })
    const links = createLinks({
      // The spec is opened for each attempt and not kept: while nothing connects, no password is in memory.
      async dial(signal, number) {
        const spec = await specOf(id, callerId)
        if (number === limits.subscriptionsPerSession && spec.isIndexed === false) throw notIndexed()
        const clientId = number === 0 ? spec.clientId : `${spec.clientId}x${number}`
        return guardedConnection(await dial(spec, signal, clientId), guard)
      },
      clock,
      idleMs: limits.idleMs,
      maxSubscriptions: limits.subscriptionsPerSession,
      ...(opened && { opened: guardedConnection(opened, guard) }),
    })
    const made = { links, guard }
    live.set(id, made)
    return made
  }

  const requireRoom = async (callerId: string) => {
    const { all, own } = await rows.count(callerId, sinceMs())
    if (own + arriving.filter((id) => id === callerId).length > limits.sessionsPerCaller)
      throw full(`You have ${limits.sessionsPerCaller} MQTT sessions, the most one caller may have.`)
    if (all + arriving.length > limits.sessions)
      throw full(`There are ${limits.sessions} MQTT sessions, the most this hub keeps.`)
  }

  const drop = async (id: string) => {
    const gone = live.get(id)
    live.delete(id)
    await gone?.links.close()
  }

  const sweep = async () => {
    for (const [id, { links }] of live) if (links.inUse()) await rows.touch(id, clock.now())
    const ids = await rows.removeUnused(sinceMs())
    await Promise.all(ids.map(drop))
    // What carries no connection is made again when it is needed.
    for (const [id, { links }] of live)
      if (links.state().is === 'idle' && !links.inUse() && !links.watched()) live.delete(id)
    if (ids.length > 0) log.info('MQTT sessions expired', { count: ids.length })
  }

  const sweepLater = () => {
    cancelSweep = clock.after(TOUCH_MS, () => {
      sweeping = sweep().catch((error: unknown) => log.warn('expired MQTT sessions could not be removed', { error }))
      sweepLater()
    })
  }
  sweepLater()

  return {
    async establish(caller, { spec, name }, signal) {
      arriving.push(caller.id)
      try {
        await requireRoom(caller.id)
        const connection = await dial(spec, signal)
        const id = crypto.randomUUID()
        const nowMs = clock.now()
        const row: SessionRow = {
          id,
          caller_id: caller.id,
          name: name ?? null,
          address: spec.broker === 'own' ? null : addressOf(spec.broker),
          sealed: secrets.seal(JSON.stringify(spec), sealContext(id)),
          created_ms: nowMs,
          used_ms: nowMs,
        }
        await rows.add(row).catch(async (error: unknown) => {
          await connection.close()
          throw error
        })
        return { session: { ...factsOf(row), ...liveOf(row, connection) }, connection }
      } finally {
        arriving.splice(arriving.indexOf(caller.id), 1)
      }
    },
    async find(caller, id) {
      const row = await rows.find(id, caller.id, sinceMs())
      // At another broker, made with a wider grant of the same person: rooms are topics of the own one.
      if (!row || (row.address !== null && isBound(caller))) throw unknownSession(id)
      const nowMs = clock.now()
      if (nowMs - row.used_ms >= TOUCH_MS) await rows.touch(id, nowMs)
      return { ...factsOf({ ...row, used_ms: nowMs }), ...liveOf(row) }
    },
    async list(caller) {
      const own = await rows.list(caller.id, sinceMs())
      return own.map((row) => ({
        ...factsOf(row),
        state: live.get(row.id)?.links.state() ?? { is: 'idle' },
        rules: live.get(row.id)?.guard.rules ?? readable(() => rulesOf(row)),
      }))
    },
    async close(caller, id) {
      if (!(await rows.remove(id, caller.id))) throw unknownSession(id)
      await drop(id)
    },
    async stop() {
      cancelSweep()
      await sweeping
      await Promise.all([...live.keys()].map(drop))
    },
  }
}

/** Undefined instead of a fault: one session that cannot be opened must not hide the others. */
function readable<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch {
    return undefined
  }
}

const notIndexed = () =>
  new Fault('forbidden', 'This session was established with index: false.', {
    hint: 'Establish another without it, or use subscribe_and_collect.',
  })

const unknownSession = (id: string) =>
  new Fault('not_found', `There is no MQTT session ${id}.`, {
    hint:
      'Sessions end when they are not used for long. list_active_connections shows yours; ' +
      'establish_connection makes a new one.',
  })

const full = (message: string) =>
  new Fault('conflict', message, { hint: 'Close one with close_connection; list_active_connections shows them.' })
