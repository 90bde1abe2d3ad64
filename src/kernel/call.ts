import type { LogListener } from './call-log.ts'
import type { Caller } from './caller.ts'
import type { Peer } from './mcp/peer.ts'
import type { Progress } from './tool.ts'

/** A call, as an adapter hands it over. */
export interface Call {
  /** The exposed name, or the full `service.verb_noun`. */
  readonly operation: string
  readonly input: unknown
  readonly caller: Caller
  /** Aborts when the caller goes away. */
  readonly signal?: AbortSignal
  /**
   * In place of `signal`: the adapter's own controller, made for this call alone. The call takes it as its own: the
   * deadline aborts it too, so it must not be shared. Whoever aborts it gives a Fault as the reason.
   */
  readonly controller?: AbortController
  /** Milliseconds the caller is willing to wait; it can shorten the operation's own limit, not lengthen it. */
  readonly timeoutMs?: number
  readonly emit?: ((progress: Progress) => void) | undefined
  /** Where the handler's log lines go besides the hub's log. */
  readonly logTo?: LogListener | undefined
  /** W3C `traceparent` of the caller: for the log, and the trace that the call joins. */
  readonly trace?: string | undefined
  /** The MCP client that asks. */
  readonly peer?: Peer
  /** `false`: one attempt only, because whoever calls has somebody else to ask. */
  readonly retry?: false
  /** Under which the log and the audit have the call, where the adapter tells its caller; made by `invoke` otherwise. */
  readonly requestId?: string
  /** The request id of the call for whose sake this one is made: the audit has both, and which belong together. */
  readonly within?: string
}
