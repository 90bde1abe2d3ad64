import type { Caller } from '../../kernel/caller.ts'
import type { McpServer } from './server.ts'
import type { SessionTable } from './session-table.ts'

/** An HTTP request as the MCP endpoint needs it; the HTTP server's own form stays outside. */
export interface HttpRequest {
  readonly method: string
  /** By lower-case name. */
  header(name: string): string | undefined
  query(name: string): string | undefined
  /** Throws Fault `unauthenticated` for a token that is wrong or missing. */
  authenticate(): Caller
  /** The body. Throws Fault `too_large`, `unsupported_media` or `invalid_request`. */
  json(): Promise<unknown>
  /** Tells when the client's connection ends before the answer is out. */
  onDisconnect(left: () => void): void
}

/** What serving one HTTP request takes. */
export interface HttpParts {
  readonly server: McpServer
  readonly sessions: SessionTable
  /** What cancels each stateless request that runs, for when the hub stops; sessions cancel their own. */
  readonly running: Set<() => void>
}
