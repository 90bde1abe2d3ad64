import type { ClientSession } from '../../kernel/mcp/peer.ts'
import type { LogLevel } from '../../kernel/mcp/protocol.ts'
import type { Connection } from '../connection/connection.ts'
import type { Line } from './line.ts'

type State =
  | { readonly is: 'opening'; readonly connection: Promise<Connection> }
  | { readonly is: 'open'; readonly connection: Connection }
  | { readonly is: 'ended' }

/** A connection for one client alone: a session's while that lasts, or a caller's from call to call. */
export class Lease {
  /** Which client it is for. */
  readonly key: string
  readonly line: Line
  readonly session: ClientSession | undefined
  /** What the server was told last. */
  level: LogLevel | undefined
  /** It is not closed for want of calls. */
  isKept = false
  /** Monotonic milliseconds. */
  usedAtMs = 0
  #users = 0
  #state: State

  /** `connect` is called at once; what it returns is closed when the lease ended meanwhile. */
  constructor(key: string, lineFor: (lease: Lease) => Line, connect: (lease: Lease) => Promise<Connection>) {
    this.key = key
    this.line = lineFor(this)
    const { owner } = this.line
    this.session = owner.is === 'session' ? owner.session : undefined
    this.#state = { is: 'opening', connection: this.#open(connect) }
  }

  /** The connection, as soon as there is one. */
  get connection(): Connection | Promise<Connection> {
    if (this.#state.is === 'ended') throw new Error('The lease has ended.')
    return this.#state.connection
  }

  /** Nobody uses it; a parked call does. */
  get isIdle(): boolean {
    return this.#state.is === 'open' && this.#users === 0 && this.line.isIdle
  }

  /** Whether another call can have it: a session's calls share theirs. */
  get isFree(): boolean {
    return this.session === undefined ? this.isIdle : this.#state.is !== 'ended'
  }

  use(): void {
    this.#users += 1
  }

  release(): void {
    this.#users -= 1
  }

  /** Resolves when the connection is closed. */
  async end(): Promise<void> {
    const state = this.#state
    this.#state = { is: 'ended' }
    if (state.is === 'open') await state.connection.close()
    if (state.is === 'opening') await state.connection.catch(() => undefined)
  }

  async #open(connect: (lease: Lease) => Promise<Connection>): Promise<Connection> {
    const connection = await connect(this)
    if (this.#state.is === 'ended') await connection.close()
    else this.#state = { is: 'open', connection }
    return connection
  }
}
