import type { Clock } from '../../kernel/clock.ts'
import { SSE_HEADERS, type EventStream } from './event-stream.ts'
import type { Outgoing } from '../../kernel/mcp/message.ts'

/** After this long without an answer the reply becomes a stream: its keep-alives hold the connection open. */
const PATIENCE_MS = 5000

/** The answer to one POST: plain JSON when there is nothing to say before it, else an event stream. */
export interface Reply {
  readonly response: Promise<Response>
  /** Says something before the answer. */
  send(message: Outgoing): void
  /** The answer, and its HTTP status and headers if nothing was said before; undefined: the client gave up on it. */
  finish(message: Outgoing | undefined, status?: number, headers?: Record<string, string>): void
}

export function createReply(clock: Clock, stream: EventStream, headers: Record<string, string> = {}): Reply {
  const { promise: response, resolve } = Promise.withResolvers<Response>()
  let streaming = false
  const openStream = () => {
    if (streaming) return
    streaming = true
    cancelPatience()
    resolve(new Response(stream.connect(), { headers: { ...SSE_HEADERS, ...headers } }))
  }
  const cancelPatience = clock.after(PATIENCE_MS, openStream)
  return {
    response,
    send(message) {
      stream.push(message)
      openStream()
    },
    finish(message, status = 200, more = {}) {
      cancelPatience()
      if (streaming) {
        if (message) stream.push(message)
        stream.end()
        return
      }
      resolve(
        message
          ? jsonResponse(message, status, { ...headers, ...more })
          : new Response(null, { status: 202, headers: { ...headers, ...more } }),
      )
    },
  }
}

export const jsonResponse = (body: unknown, status: number, headers: Record<string, string> = {}): Response =>
  new Response(JSON.stringify(body), { status, headers: { 'content-type': 'application/json', ...headers } })
