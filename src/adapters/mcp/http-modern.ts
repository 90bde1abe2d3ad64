import { errorText, resultText } from './outgoing.ts'
import { EventStream } from './event-stream.ts'
import { Exchange } from './exchange.ts'
import { checkHeaders } from './headers.ts'
import { answerAccepted, challengeOf } from './http-error.ts'
import type { HttpParts, Posted } from './http-parts.ts'
import { invalidRequest, type Request } from '../../kernel/mcp/message.ts'
import { answerModern, headerMismatch, readClient } from './modern.ts'
import { MODERN_REVISION } from '../../kernel/mcp/protocol.ts'
import { Reply } from './reply.ts'

/** Answers a message of 2026-07-28. Throws RpcError for what is refused before it runs. */
export function postModern(parts: HttpParts, posted: Posted): void {
  const { http, caller, view, nowMs, message, text } = posted
  if (message.kind === 'notification') return answerAccepted(http)
  if (message.kind !== 'request') throw invalidRequest('a client sends requests and notifications')
  const named = http.header('mcp-protocol-version')
  const client = readClient(caller, view, message.params, named)
  if (named === undefined) throw headerMismatch('MCP-Protocol-Version', undefined, MODERN_REVISION)
  checkHeaders(message, http, view)
  const { server, patience, running } = parts
  const reply = new Reply(http, patience, nowMs, () => new EventStream({ clock: server.clock }))
  const exchange = new Exchange(client, text, reply)
  running.add(exchange)
  // 2026-07-28, cancellation: on HTTP, a client that leaves cancels what it asked for.
  http.onLeave(() => exchange.withdraw())
  void finish(parts, { ...posted, message }, exchange, reply)
}

async function finish(
  { server, running }: HttpParts,
  { http, caller, message: request }: Posted<Request>,
  exchange: Exchange,
  reply: Reply,
): Promise<void> {
  try {
    const result = await answerModern(server, request, exchange)
    exchange.close()
    reply.finish(resultText(request.exactId, result))
  } catch (error) {
    exchange.close()
    const rpcError = server.errorOf(error)
    reply.finish(errorText(request.exactId, rpcError), rpcError.status, challengeOf(rpcError, http, caller))
  } finally {
    running.delete(exchange)
  }
}
