import { Fault, faultBody, faultText, type FaultCode } from '../../kernel/fault.ts'
import type { Call } from '../../kernel/invoke.ts'
import { isObject, RpcError, rpcErrorOf, type Params } from '../../kernel/mcp/message.ts'
import { peerLog } from '../../kernel/mcp/peer-log.ts'
import { MODERN_REVISION, RPC, since } from '../../kernel/mcp/protocol.ts'
import type { JsonText } from '../../kernel/mcp/raw.ts'
import { RelayedError, RelayedResult } from '../../kernel/mcp/relayed.ts'
import type { Entry } from '../../kernel/registry.ts'
import type { Progress } from '../../kernel/tool.ts'
import type { Exchange } from './exchange.ts'
import type { McpServer } from './server.ts'

/** These are the client's affair; every other fault is a tool result, so that the model can read it and react. */
const PROTOCOL_FAULTS: ReadonlySet<FaultCode> = new Set(['unknown_operation', 'unauthenticated', 'forbidden'])

/** Answers `tools/call`. Throws RpcError where the protocol, not the tool, is what went wrong. */
export async function callTool(server: McpServer, params: Params, exchange: Exchange): Promise<JsonText> {
  const { name, arguments: input = {} } = params
  if (typeof name !== 'string') throw new RpcError(RPC.invalidParams, 'Invalid params: name must be a string.')
  if (!isObject(input)) throw new RpcError(RPC.invalidParams, 'Invalid params: arguments must be an object.')
  const { view } = exchange.client
  try {
    const entry = view.find(name)
    const output = await server.invoke(callOf(name, input, metaOf(params), exchange))
    return fit(server, resultOf(server, entry, output, exchange), entry, exchange)
  } catch (error) {
    if (!(error instanceof Fault) || error instanceof RelayedError) throw error
    if (!PROTOCOL_FAULTS.has(error.code) || isForModel(error)) return failure(error, exchange, server)
    // On HTTP a 404 would mean that the endpoint or the session is gone.
    throw rpcErrorOf(error, error.code === 'unknown_operation' ? 200 : error.status)
  }
}

/** No other token would help: somebody refused, it lies outside of what the caller may, or it is for people alone. */
const isForModel = ({ code, details }: Fault): boolean => code === 'forbidden' && details?.['scope'] === undefined

function resultOf(server: McpServer, { provider }: Entry, output: unknown, exchange: Exchange): JsonText {
  if (!(output instanceof RelayedResult)) return success(output, exchange, server)
  const from = output.provider ?? provider.id
  server.tasks.note(from, output.text, exchange.caller)
  return exchange.client.view.catalog.exposeAddresses(from, output.text)
}

/** A result that is more than this client's model can use is shown in parts. */
const fit = ({ fitResult }: McpServer, result: JsonText, { tool }: Entry, peer: Exchange): JsonText =>
  fitResult ? fitResult(result, { tool, peer, profile: peer.client.view.profile, caller: peer.caller }) : result

const NO_META: Params = {}

export const metaOf = (params: Params): Params => (isObject(params['_meta']) ? params['_meta'] : NO_META)

/** The request as a call of a tool of that name. */
export function callOf(operation: string, input: unknown, meta: Params, exchange: Exchange): Call {
  const { progressToken, traceparent } = meta
  return {
    operation,
    input,
    caller: exchange.caller,
    controller: exchange.controller,
    peer: exchange,
    trace: typeof traceparent === 'string' ? traceparent : undefined,
    emit:
      typeof progressToken === 'string' || typeof progressToken === 'number'
        ? ({ progress, total, message }: Progress) =>
            exchange.notify('notifications/progress', JSON.stringify({ progressToken, progress, total, message }))
        : undefined,
    logTo: peerLog(exchange, operation),
  }
}

/** Characters of one result. No model can use more, and as text and structure it is twice in memory and on the wire. */
const LARGEST_RESULT = 16 * 1024 * 1024

/** The result twice where the revision knows structured content: for programs, and as text for models. */
function success(output: unknown, { revision }: Exchange, server: McpServer): JsonText {
  const text = JSON.stringify(output) ?? 'null'
  if (text.length > LARGEST_RESULT) throw tooLarge(text.length)
  const content = `"content":[{"type":"text","text":${JSON.stringify(text)}}]`
  const structured = since(revision, '2025-06-18') && isObject(output) ? `,"structuredContent":${text}` : ''
  if (revision !== MODERN_REVISION) return `{${content}${structured}}`
  return `{"resultType":"complete",${content}${structured},"_meta":${server.metaText}}`
}

const tooLarge = (length: number) =>
  new Fault('too_large', `The result has ${length} characters; an MCP result may have ${LARGEST_RESULT}.`, {
    hint: 'Ask for less at once. REST takes results of any size.',
  })

function failure(fault: Fault, { revision }: Exchange, server: McpServer): JsonText {
  const isModern = revision === MODERN_REVISION
  return JSON.stringify({
    ...(isModern && { resultType: 'complete' }),
    content: [{ type: 'text', text: `${faultText(fault)} (${fault.code})` }],
    isError: true,
    _meta: { fault: faultBody(fault), ...(isModern && server.meta) },
  })
}
