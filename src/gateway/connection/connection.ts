import type { Id, Params } from '../../kernel/mcp/message.ts'
import type { Revision } from '../../kernel/mcp/protocol.ts'
import type { JsonText } from '../../kernel/mcp/raw.ts'
import type { RelayedResult } from '../../kernel/mcp/relayed.ts'

/** Something the server said without being asked: method and params as text. */
export interface ServerNotification {
  readonly method: string
  readonly params: JsonText
}

/** Something the server (of a revision up to 2025-11-25) wants to know of its client. */
export interface ServerRequest {
  readonly id: Id
  readonly method: string
  readonly params: JsonText
  /** Aborts when the server cancels it or the connection ends. */
  readonly signal: AbortSignal
}

/** A request to the server. */
export interface UpstreamRequest {
  readonly method: string
  /**
   * The params, given the id that the request will have on this connection: it is unique there, and so it is the
   * progress token too, where the caller wants progress.
   */
  readonly params: (id: number) => JsonText
  /** When it aborts, the server is told (`notifications/cancelled`, or a closed stream) and the promise rejects. */
  readonly signal: AbortSignal
  /** `Mcp-Name` and `Mcp-Param-*` of 2026-07-28, which HTTP alone has. */
  readonly headers?: Readonly<Record<string, string>>
  /**
   * What is known to belong to this request, in the order it came and before the answer: progress by its token, and on
   * HTTP whatever came on the request's own stream.
   */
  onNotification?(notification: ServerNotification): void
  /**
   * The server let go of the request's stream and works on: it is taken up again by itself (2025-11-25, Streamable HTTP,
   * "Sending Messages to the Server", 6).
   */
  onLetGo?(): void
  /** What the server asks on the request's own stream. Absent, or no such stream: `ConnectionHandlers.onRequest`. */
  onRequest?(request: ServerRequest): Promise<RelayedResult>
}

/** What comes from the server and belongs to no request that the transport could name. */
export interface ConnectionHandlers {
  onNotification(notification: ServerNotification): void
  /** Throws RelayedError to answer with that error; anything else becomes an internal error without details. */
  onRequest(request: ServerRequest): Promise<RelayedResult>
  /** Once, when the connection is of no use any more; not after `close`. `reason` says why, for people, without a full stop. */
  onClose(reason: string): void
  /** The stream of the server's news broke off and is open again: what was said meanwhile is lost. */
  onGap?(): void
}

/** A connection to an MCP server, past its handshake. */
export interface Connection {
  readonly revision: Revision
  /** `ServerCapabilities`, `serverInfo` and instructions as the server declared them. */
  readonly capabilities: Params
  readonly serverInfo: Params
  readonly instructions: string | undefined
  /** Whether the transport itself tells which request a question of the server belongs to (HTTP does, pipes do not). */
  readonly correlates: boolean
  /** Requests that wait for their answer. */
  readonly running: number
  /** Throws RelayedError with the server's error as it came; Fault `unavailable` when the connection breaks. */
  request(request: UpstreamRequest): Promise<RelayedResult>
  notify(method: string, params: JsonText): void
  /** Ends the connection and what it started. Never throws. */
  close(): Promise<void>
}

/** Who the hub says it is: itself, or the client that a connection is for. */
export interface ClientFace {
  readonly clientInfo: Params
  readonly capabilities: Params
}
