import type { Caller } from '../../kernel/caller.ts'
import { Fault, FAULTS } from '../../kernel/fault.ts'
import { errorResponse } from './http-error.ts'
import { findSession, initialize, openAnnouncements, postBatch, postLegacy } from './http-legacy.ts'
import { postModern } from './http-modern.ts'
import type { HttpParts, HttpRequest } from './http-parts.ts'
import { invalidRequest, readMessage, RpcError } from '../../kernel/mcp/message.ts'
import { claimedRevision, isModern } from './modern.ts'
import { RPC } from '../../kernel/mcp/protocol.ts'
import type { McpServer } from './server.ts'
import { createSessionTable } from './session-table.ts'

export interface McpHttpOptions {
  readonly server: McpServer
  readonly mostSessions: number
  /** Milliseconds after its last use that a session of an old revision is forgotten. */
  readonly sessionIdleMs: number
}

export interface McpHttp {
  /** Serves the MCP endpoint: POST for every revision, GET and DELETE for those with sessions. */
  handle(http: HttpRequest): Promise<Response>
  /** Ends every stream and session: modern ones with a result that says so. */
  close(): void
}

/** Streamable HTTP of every revision on one endpoint (2026-07-28 and 2025-03-26 to 2025-11-25, "Streamable HTTP"). */
export function createMcpHttp(options: McpHttpOptions): McpHttp {
  const { server } = options
  const { clock, events } = server
  const sessions = createSessionTable({ clock, events, most: options.mostSessions, idleMs: options.sessionIdleMs })
  const running = new Set<() => void>()
  const parts: HttpParts = { server, sessions, running }

  const handle = async (http: HttpRequest): Promise<Response> => {
    const caller = http.authenticate()
    switch (http.method) {
      case 'POST':
        return await post(parts, http, caller, await readBody(http))
      case 'GET':
        return openAnnouncements(findSession(parts, http, caller), http)
      case 'DELETE':
        sessions.remove(findSession(parts, http, caller).session.id)
        return new Response(null, { status: 204 })
      default:
        throw new RpcError(FAULTS.method_not_allowed.rpc, 'The MCP endpoint takes POST, GET and DELETE.', {
          status: 405,
        })
    }
  }

  return {
    handle: (http) => handle(http).catch((error: unknown) => errorResponse(server.errorOf(error))),
    close() {
      for (const cancel of running) cancel()
      sessions.close()
    },
  }
}

async function readBody(http: HttpRequest): Promise<unknown> {
  try {
    return await http.json()
  } catch (error) {
    if (!(error instanceof Fault) || error.code !== 'invalid_request') throw error
    throw new RpcError(RPC.parseError, `Parse error: ${error.message}`, { status: 400 })
  }
}

/** Which era a message is of shows in itself; the header only has to agree (SEP-2575). */
async function post(parts: HttpParts, http: HttpRequest, caller: Caller, body: unknown): Promise<Response> {
  if (Array.isArray(body)) return postBatch(findSession(parts, http, caller), body)
  const message = readMessage(body)
  if (message.kind === 'invalid') return errorResponse(invalidRequest(message.why), message.id)
  const named = http.header('mcp-protocol-version')
  try {
    const claim = 'params' in message ? claimedRevision(message.params) : undefined
    if (message.kind === 'request' && message.method === 'initialize' && !isModern(claim))
      return await initialize(parts, caller, message, named)
    if (claim !== undefined || isModern(named)) return await postModern(parts, http, caller, message)
    return await postLegacy(parts, http, caller, message)
  } catch (error) {
    return errorResponse(parts.server.errorOf(error), message.kind === 'request' ? message.id : undefined)
  }
}
