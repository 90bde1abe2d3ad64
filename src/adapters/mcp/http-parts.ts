import type { Context } from 'hono'
import type { McpServer } from './server.ts'
import type { SessionTable } from './session-table.ts'

/** What serving one HTTP request takes. */
export interface HttpParts {
  readonly server: McpServer
  readonly sessions: SessionTable
  /** Aborts when the hub stops. */
  readonly shutdown: AbortSignal
  /** Tells when the client's connection ends before the answer is out. */
  readonly onDisconnect: (context: Context, left: () => void) => void
}
