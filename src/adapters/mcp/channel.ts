import { SmallMap } from '../../kernel/small-map.ts'
import type { Caller } from '../../kernel/caller.ts'
import { readJsonText } from '../../kernel/json.ts'
import {
  batchTooLarge,
  invalidRequest,
  readMessage,
  refuseTooMany,
  RpcError,
  type Id,
  type Notification,
  type Request,
} from '../../kernel/mcp/message.ts'
import { MOST_IN_BATCH, RPC } from '../../kernel/mcp/protocol.ts'
import { readElements, type JsonText } from '../../kernel/mcp/raw.ts'
import { Exchange } from './exchange.ts'
import { answerModern, claimedRevision, isModern, readClient } from './modern.ts'
import { errorText, resultText } from './outgoing.ts'
import type { McpServer } from './server.ts'
import { Session } from './session.ts'

/** Two-way transport of whole messages: a WebSocket, standard input and output, the old HTTP+SSE pair. */
export interface Channel {
  /** Takes one message as it came; its answers go out by `send`. `caller`: who sent it, where each message shows that anew. */
  receive(text: JsonText, caller?: Caller): void
  /** Resolves when everything received so far has been answered. */
  settled(): Promise<void>
  /** Cancels what runs; subscriptions end with their result. */
  close(): void
}

export interface ChannelOptions {
  readonly server: McpServer
  readonly caller: Caller
  /** Absent: everything. */
  readonly profile?: string
  /** Sends one message, one line. */
  send(message: JsonText): void
}

/**
 * Both eras on one channel: a message that says its revision is answered by itself, `initialize` opens a session. Throws
 * Fault `not_found` for a profile that does not exist.
 */
export function createChannel({ server, caller, profile, send }: ChannelOptions): Channel {
  const view = server.view(profile)
  const running = new SmallMap<Id, Exchange>()
  const answers = new Set<Promise<void>>()
  let session: Session | undefined
  let closed = false

  const open = ({ params }: Request, sender: Caller): Session => {
    server.limit(sender, 'initialize')
    session?.close()
    return (session = new Session({ server, view, caller, params, send }))
  }

  const answerOld = async (request: Request, text: JsonText, sender: Caller) => {
    if (request.method === 'ping' && !session) return send(resultText(request.exactId, '{}'))
    const own = request.method === 'initialize' ? open(request, sender) : session
    if (!own) throw invalidRequest('begin with initialize, or send _meta as of 2026-07-28')
    const answer = await own.answer(request, text, { send }, sender)
    if (answer) send(answer.text)
  }

  const answerNew = async (request: Request, text: JsonText, sender: Caller) => {
    const { id, exactId, params } = request
    if (running.has(id)) throw new RpcError(RPC.invalidRequest, `Invalid request: id ${id} is in use already.`)
    refuseTooMany(running.size)
    const exchange = new Exchange(readClient(sender, view, params), text, { send })
    running.set(id, exchange)
    try {
      const result = await answerModern(server, request, exchange)
      if (!exchange.isWithdrawn || closed) send(resultText(exactId, result))
    } catch (error) {
      // 2026-07-28, cancellation: no message for a request that was cancelled.
      if (!exchange.isWithdrawn) throw error
    } finally {
      exchange.close()
      running.delete(id)
    }
  }

  const notice = (notification: Notification) => {
    session?.notice(notification)
    if (notification.method === 'notifications/cancelled')
      running.get(notification.params['requestId'] as Id)?.withdraw()
  }

  const handle = (value: unknown, text: JsonText, sender: Caller) => {
    const message = readMessage(value, text)
    switch (message.kind) {
      case 'invalid':
        return send(errorText(message.id, invalidRequest(message.why)))
      case 'notification':
        return notice(message)
      case 'response':
        return session?.receive(message, text)
      case 'request': {
        const claim = claimedRevision(message.params)
        const isOld = claim === undefined || (message.method === 'initialize' && !isModern(claim))
        const answer = (isOld ? answerOld(message, text, sender) : answerNew(message, text, sender))
          .catch((error: unknown) => send(errorText(message.exactId, server.errorOf(error))))
          .finally(() => answers.delete(answer))
        answers.add(answer)
      }
    }
  }

  const takeBatch = (values: readonly unknown[], text: JsonText, sender: Caller) => {
    if (session?.revision !== '2025-03-26' || values.length === 0)
      throw invalidRequest('only revision 2025-03-26 has batches')
    if (values.length > MOST_IN_BATCH) throw batchTooLarge()
    const texts = readElements(text)
    for (const [index, value] of values.entries()) handle(value, texts[index] ?? '', sender)
  }

  return {
    receive(text, sender = caller) {
      let value: unknown
      try {
        value = readJsonText(text, 'The message')
      } catch (error) {
        const parse = new RpcError(RPC.parseError, `Parse error: ${server.errorOf(error).message}`)
        return send(errorText(undefined, parse))
      }
      try {
        if (Array.isArray(value)) takeBatch(value, text, sender)
        else handle(value, text, sender)
      } catch (error) {
        send(errorText(undefined, server.errorOf(error)))
      }
    },
    async settled() {
      await Promise.all(answers)
    },
    close() {
      closed = true
      for (const exchange of running.values()) exchange.withdraw()
      session?.close()
    },
  }
}
