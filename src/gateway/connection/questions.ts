import { Fault } from '../../kernel/fault.ts'
import type { Log } from '../../kernel/log.ts'
import type { Id } from '../../kernel/mcp/message.ts'
import { MOST_RUNNING, RPC } from '../../kernel/mcp/protocol.ts'
import type { JsonText } from '../../kernel/mcp/raw.ts'
import { RelayedError, type RelayedErrorBody, type RelayedResult } from '../../kernel/mcp/relayed.ts'
import type { ServerRequest } from './connection.ts'
import type { InboundRequest } from './inbound.ts'

export type Answerer = (request: ServerRequest) => Promise<RelayedResult>

/** What the server has asked and nobody has answered yet. */
export class Questions {
  readonly #log: Log
  readonly #running = new Map<Id, AbortController>()

  constructor(log: Log) {
    this.#log = log
  }

  /** Has it answered, and the answer sent. `ping` is answered here. */
  async ask(asked: InboundRequest, answerer: Answerer, reply: (message: JsonText) => void): Promise<void> {
    const { id, idText, method, params } = asked
    if (method === 'ping') return reply(resultText(idText, '{}'))
    if (this.#running.has(id)) return this.#log.debug('a server asks twice under one id', { method })
    if (this.#running.size >= MOST_RUNNING)
      return reply(errorText(idText, { code: RPC.internal, message: 'Too many requests are waiting for an answer.' }))
    const controller = new AbortController()
    const { signal } = controller
    this.#running.set(id, controller)
    let message: JsonText
    try {
      const result = await answerer({ id, method, params, signal })
      message = resultText(idText, result.text)
    } catch (error) {
      message = errorText(idText, errorBodyOf(error))
    }
    this.#running.delete(id)
    // MCP, cancellation: what was cancelled is not answered.
    if (!signal.aborted) reply(message)
  }

  /** The server does not want to know any more. */
  cancel(id: unknown): void {
    this.#running
      .get(id as Id)
      ?.abort(new Fault('cancelled', 'The server withdrew its question.', { hint: 'Nothing needs to be done.' }))
  }

  /** Nobody is left to hear an answer. */
  end(fault: Fault): void {
    for (const controller of this.#running.values()) controller.abort(fault)
    this.#running.clear()
  }
}

function errorBodyOf(error: unknown): RelayedErrorBody {
  if (error instanceof RelayedError) return error.error
  return { code: RPC.internal, message: 'The client could not answer.' }
}

const resultText = (id: JsonText, result: JsonText): JsonText => `{"jsonrpc":"2.0","id":${id},"result":${result}}`

const errorText = (id: JsonText, error: RelayedErrorBody): JsonText =>
  `{"jsonrpc":"2.0","id":${id},"error":${error.text ?? JSON.stringify(error)}}`
