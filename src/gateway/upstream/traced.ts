import { Fault } from '../../kernel/fault.ts'
import { readMembers, writeMembers, type JsonText } from '../../kernel/mcp/raw.ts'
import type { RelayedResult } from '../../kernel/mcp/relayed.ts'
import type { Span } from '../../kernel/trace.ts'
import type { PassedRequest } from './tools.ts'

/** One attempt as a step of the call's trace: the server is told of that step, so that its own steps belong to it. */
export async function traced(
  call: Span,
  request: PassedRequest,
  server: string,
  send: (request: PassedRequest) => Promise<RelayedResult>,
): Promise<RelayedResult> {
  const span = call.child(`${request.method} ${server}`, { method: request.method, server })
  try {
    const result = await send({ ...request, params: withTraceparent(request.params, span.traceparent) })
    span.end(result.isError ? 'upstream_failed' : 'ok')
    return result
  } catch (error) {
    span.end(error instanceof Fault ? error.code : 'internal')
    throw error
  }
}

/** MCP 2026-07-28, basic, "`_meta`": trace context stands under its own names, without a prefix. */
export function withTraceparent(params: JsonText, traceparent: string): JsonText {
  const members = readMembers(params)
  const own = members.get('_meta')
  const meta = own?.startsWith('{') ? readMembers(own) : new Map<string, JsonText>()
  meta.set('traceparent', JSON.stringify(traceparent))
  return writeMembers(members.set('_meta', writeMembers(meta)))
}
