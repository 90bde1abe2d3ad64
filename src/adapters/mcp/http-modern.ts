import type { Caller } from '../../kernel/caller.ts'
import { createEventStream } from './event-stream.ts'
import { checkNameHeaders } from './headers.ts'
import { accepted, challengeOf } from './http-error.ts'
import type { HttpParts, HttpRequest } from './http-parts.ts'
import { errorMessage, invalidRequest, resultMessage, type Message } from '../../kernel/mcp/message.ts'
import { answerModern, checkMetadata, headerMismatch } from './modern.ts'
import { MODERN_REVISION } from '../../kernel/mcp/protocol.ts'
import { createReply } from './reply.ts'

export async function postModern(
  parts: HttpParts,
  http: HttpRequest,
  caller: Caller,
  message: Message,
): Promise<Response> {
  if (message.kind === 'notification') return accepted()
  if (message.kind !== 'request') throw invalidRequest('a client sends requests and notifications')
  const { server, running } = parts
  const named = http.header('mcp-protocol-version')
  const logLevel = checkMetadata(message.params, named)
  if (named === undefined) throw headerMismatch('MCP-Protocol-Version', undefined, MODERN_REVISION)
  checkNameHeaders(message, (name) => http.header(name))

  const cancel = new AbortController()
  // 2026-07-28, cancellation: on HTTP, a client that leaves cancels what it asked for.
  const leave = () => cancel.abort()
  http.onDisconnect(leave)
  running.add(leave)
  const stream = createEventStream({ clock: server.clock, onLeave: leave })
  const reply = createReply(server.clock, stream)
  const notify = (method: string, params: object) => reply.send({ jsonrpc: '2.0', method, params })
  const exchange = { caller, revision: MODERN_REVISION, signal: cancel.signal, logLevel, notify } as const
  answerModern(server, message, exchange)
    .then(
      (result) => reply.finish(resultMessage(message.id, result)),
      (error: unknown) => {
        const rpcError = server.errorOf(error)
        reply.finish(errorMessage(message.id, rpcError), rpcError.status, challengeOf(rpcError))
      },
    )
    .finally(() => running.delete(leave))
  return await reply.response
}
