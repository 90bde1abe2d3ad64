import type { Caller } from '../../kernel/caller.ts'
import { Fault, faultBody, faultText, type FaultCode } from '../../kernel/fault.ts'
import type { Call, Invoke } from '../../kernel/invoke.ts'
import type { Progress } from '../../kernel/tool.ts'
import { isObject, RpcError, rpcErrorOf, type Params } from '../../kernel/mcp/message.ts'
import { atLeast, RPC, since, type LogLevel, type Revision } from '../../kernel/mcp/protocol.ts'

/** One request's surroundings: who asks, and the way back to them. */
export interface Exchange {
  readonly caller: Caller
  readonly revision: Revision
  /** Aborts when the client cancelled or went away. */
  readonly signal: AbortSignal
  /** Lowest severity of log messages the client wants; undefined: none. */
  readonly logLevel: LogLevel | undefined
  /** Sends a notification that belongs to this request, before its answer. */
  notify(method: string, params: object): void
}

/** These are the client's affair; every other fault is a tool result, so that the model can read it and react. */
const PROTOCOL_FAULTS: ReadonlySet<FaultCode> = new Set(['unknown_operation', 'unauthenticated', 'forbidden'])

/** Answers `tools/call`. Throws RpcError where the protocol, not the tool, is what went wrong. */
export async function callTool(invoke: Invoke, params: Params, exchange: Exchange): Promise<object> {
  const { name, arguments: input = {}, _meta: meta } = params
  if (typeof name !== 'string') throw new RpcError(RPC.invalidParams, 'Invalid params: name must be a string.')
  if (!isObject(input)) throw new RpcError(RPC.invalidParams, 'Invalid params: arguments must be an object.')
  try {
    return success(await invoke(callOf(name, input, isObject(meta) ? meta : {}, exchange)), exchange.revision)
  } catch (error) {
    if (!(error instanceof Fault)) throw error
    if (!PROTOCOL_FAULTS.has(error.code)) return failure(error)
    // On HTTP a 404 would mean that the endpoint or the session is gone.
    throw rpcErrorOf(error, error.code === 'unknown_operation' ? 200 : error.status)
  }
}

function callOf(operation: string, input: unknown, meta: Params, exchange: Exchange): Call {
  const { progressToken, traceparent } = meta
  const { logLevel } = exchange
  return {
    operation,
    input,
    caller: exchange.caller,
    signal: exchange.signal,
    ...(typeof traceparent === 'string' && { trace: traceparent }),
    ...((typeof progressToken === 'string' || typeof progressToken === 'number') && {
      emit: ({ progress, total, message }: Progress) =>
        exchange.notify('notifications/progress', {
          progressToken,
          progress,
          ...(total !== undefined && { total }),
          ...(message !== undefined && { message }),
        }),
    }),
    ...(logLevel !== undefined && {
      logTo: (level, message, fields) => {
        const severity = level === 'warn' ? 'warning' : level
        if (exchange.signal.aborted || !atLeast(severity, logLevel)) return
        exchange.notify('notifications/message', { level: severity, logger: operation, data: { message, ...fields } })
      },
    }),
  }
}

/** Characters of one result. No model can use more, and as text and structure it is twice in memory and on the wire. */
const LARGEST_RESULT = 16 * 1024 * 1024

/** The result twice where the revision knows structured content: for programs, and as text for models. */
function success(output: unknown, revision: Revision): object {
  const text = JSON.stringify(output)
  if (text.length > LARGEST_RESULT) throw tooLarge(text.length)
  const content = [{ type: 'text', text }]
  const structured = since(revision, '2025-06-18') && isObject(output)
  return structured ? { content, structuredContent: output } : { content }
}

const tooLarge = (length: number) =>
  new Fault('too_large', `The result has ${length} characters; an MCP result may have ${LARGEST_RESULT}.`, {
    hint: 'Ask for less at once. REST takes results of any size.',
  })

function failure(fault: Fault): object {
  return {
    content: [{ type: 'text', text: `${faultText(fault)} (${fault.code})` }],
    isError: true,
    _meta: { fault: faultBody(fault) },
  }
}
