import { randomUUID } from 'node:crypto'
import type { Caller } from '../../kernel/caller.ts'
import { createChannel, type Channel } from './channel.ts'
import { createEventStream, SSE_HEADERS } from './event-stream.ts'
import { accepted, errorResponse } from './http-error.ts'
import type { HttpRequest } from './http-parts.ts'
import type { McpHttpOptions } from './http.ts'
import { RpcError } from '../../kernel/mcp/message.ts'
import { RPC } from '../../kernel/mcp/protocol.ts'

/** The two endpoints of HTTP+SSE, the transport of 2024-11-05 (deprecated since 2025-03-26, still spoken). */
export interface OldSse {
  /** GET: a stream whose first event names where to POST. */
  open(http: HttpRequest): Response
  /** POST: one message; its answer comes on the stream. */
  post(http: HttpRequest): Promise<Response>
  close(): void
}

export interface OldSseOptions extends Pick<McpHttpOptions, 'server' | 'mostSessions'> {
  /** Path of the POST endpoint. */
  readonly postPath: string
}

export function createOldSse({ server, mostSessions, postPath }: OldSseOptions): OldSse {
  const open = new Map<string, { channel: Channel; caller: Caller; end: () => void }>()

  const begin = (caller: Caller): Response => {
    if (open.size >= mostSessions) throw new RpcError(RPC.invalidRequest, 'Too many open sessions.', { status: 503 })
    const id = randomUUID()
    const close = () => {
      open.get(id)?.channel.close()
      open.delete(id)
    }
    const stream = createEventStream({
      clock: server.clock,
      onLeave: close,
      opening: `event: endpoint\ndata: ${postPath}?session=${id}`,
    })
    const channel = createChannel(server, caller, (message) => stream.push(message))
    open.set(id, { channel, caller, end: () => stream.end() })
    return new Response(stream.connect(), { headers: SSE_HEADERS })
  }

  const receive = async (http: HttpRequest, caller: Caller): Promise<Response> => {
    const place = open.get(http.query('session') ?? '')
    if (place?.caller.id !== caller.id)
      throw new RpcError(RPC.sessionNotFound, 'Session not found: its event stream is closed.', { status: 404 })
    place.channel.take(await http.json())
    return accepted()
  }

  return {
    open(http) {
      try {
        return begin(http.authenticate())
      } catch (error) {
        return errorResponse(server.errorOf(error))
      }
    },
    async post(http) {
      try {
        return await receive(http, http.authenticate())
      } catch (error) {
        return errorResponse(server.errorOf(error))
      }
    },
    close() {
      for (const { channel, end } of open.values()) {
        channel.close()
        end()
      }
      open.clear()
    },
  }
}
