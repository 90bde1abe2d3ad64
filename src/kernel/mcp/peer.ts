import type { Caller } from '../caller.ts'
import type { Params } from './message.ts'
import type { LegacyRevision, LogLevel, Revision } from './protocol.ts'
import type { JsonText } from './raw.ts'
import type { RelayedResult } from './relayed.ts'

/** The MCP client behind one request, as far as another MCP server has to do with it. */
export interface Peer {
  readonly revision: Revision
  /** As the client declared them, unknown ones included. */
  readonly capabilities: Params
  readonly clientInfo: Params | undefined
  /** Lowest severity of log messages it wants; undefined: it did not say. */
  readonly logLevel: LogLevel | undefined
  /** The profile it uses; empty: it sees everything. */
  readonly profile?: string
  /**
   * The request's `params` as the client wrote them, with the provider's own name or address where the hub offers a prompt
   * or a resource under another. `{}` where it sent none.
   */
  readonly params: JsonText
  /** Absent: a client of 2026-07-28, whose requests stand alone. */
  readonly session?: ClientSession
  /** Sends a notification that belongs to this request, before its answer. */
  notify(method: string, params: JsonText): void
  /**
   * The other server let go of this request's stream and works on: the client may be let go too, and comes back for the
   * answer. Absent: a client that does not know that.
   */
  readonly letGo?: (() => void) | undefined
  /**
   * Asks the client something while the request runs, on the request's own stream. Absent: a client of 2026-07-28, which
   * is asked by an `input_required` result. Throws RelayedError with the client's error; Fault `cancelled`.
   */
  readonly ask?: ((method: string, params: JsonText, signal: AbortSignal) => Promise<RelayedResult>) | undefined
}

/** A client of a revision up to 2025-11-25, from its `initialize` on. */
export interface ClientSession {
  readonly id: string
  readonly caller: Caller
  readonly revision: LegacyRevision
  readonly capabilities: Params
  readonly clientInfo: Params | undefined
  /** What `logging/setLevel` said last; undefined: nothing yet. */
  readonly logLevel: LogLevel | undefined
  /** Sends a notification that belongs to no request. */
  notify(method: string, params: JsonText): void
  /** Asks the client something that belongs to no request. Throws like `Peer.ask`. */
  ask(method: string, params: JsonText, signal: AbortSignal): Promise<RelayedResult>
}
