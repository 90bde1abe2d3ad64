import type { Events } from '../../kernel/events.ts'
import type { Clock } from '../../kernel/clock.ts'
import { Fault, toFault } from '../../kernel/fault.ts'
import type { Invoke } from '../../kernel/invoke.ts'
import type { Log } from '../../kernel/log.ts'
import type { Registry } from '../../kernel/registry.ts'
import { RpcError, rpcErrorOf } from '../../kernel/mcp/message.ts'
import { createToolsList, type ToolsList } from './tools.ts'

/** What the MCP server is made from, whatever the transport and revision. */
export interface McpServerOptions {
  readonly registry: Registry
  readonly invoke: Invoke
  readonly events: Events
  readonly clock: Clock
  readonly log: Log
  readonly version: string
  /** Told to every model at the start: what this server is for and where to begin. */
  readonly instructions: string
}

/** The part that all transports and revisions share. It holds no state of any client. */
export interface McpServer extends McpServerOptions {
  readonly tools: ToolsList
  readonly info: { readonly name: string; readonly title: string; readonly version: string }
  /** What went wrong as the protocol says it; a defect becomes a reference. */
  errorOf(error: unknown): RpcError
}

export const CAPABILITIES = { tools: { listChanged: true }, logging: {} } as const

export function createMcpServer(options: McpServerOptions): McpServer {
  const { registry, log, version } = options
  return {
    ...options,
    tools: createToolsList(registry),
    info: { name: 'alicia', title: 'Alicia', version },
    errorOf(error) {
      if (error instanceof RpcError) return error
      if (error instanceof Fault) return rpcErrorOf(error)
      return rpcErrorOf(
        toFault(error, (reference, cause) => log.error('MCP request failed', { reference, error: cause })),
      )
    },
  }
}
