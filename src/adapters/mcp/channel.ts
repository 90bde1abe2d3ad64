import type { Caller } from '../../kernel/caller.ts'
import { readJsonText } from '../../kernel/json.ts'
import {
  batchTooLarge,
  errorMessage,
  invalidRequest,
  notificationMessage,
  readMessage,
  refuseTooMany,
  resultMessage,
  RpcError,
  type Id,
  type Notification,
  type Outgoing,
  type Request,
} from '../../kernel/mcp/message.ts'
import { answerModern, checkMetadata, claimedRevision, isModern } from './modern.ts'
import { MODERN_REVISION, MOST_IN_BATCH, RPC } from '../../kernel/mcp/protocol.ts'
import type { McpServer } from './server.ts'
import { createSession, negotiate, type Session } from './session.ts'

/** Two-way transport of whole messages: a WebSocket, standard input and output, the old HTTP+SSE pair. */
export interface Channel {
  /** Takes one message as it came; its answers go out by `send`. */
  receive(text: string): void
  /** The same, parsed already. */
  take(value: unknown): void
  /** Resolves when everything received so far has been answered. */
  settled(): Promise<void>
  /** Cancels what runs; subscriptions end with their result. */
  close(): void
}

/** Both eras on one channel: a message that says its revision is answered by itself, `initialize` opens a session. */
export function createChannel(server: McpServer, caller: Caller, send: (message: Outgoing) => void): Channel {
  const running = new Map<Id, AbortController>()
  const answers = new Set<Promise<void>>()
  const notify = (method: string, params: object) => send(notificationMessage(method, params))
  let session: Session | undefined
  let closed = false
  let stopAnnouncing = () => {}

  const open = (request: Request): Session => {
    session?.close()
    stopAnnouncing()
    stopAnnouncing = server.events.on('tools.changed', () =>
      send(notificationMessage('notifications/tools/list_changed')),
    )
    return createSession(server, caller, negotiate(request.params))
  }

  const answerOld = async (request: Request) => {
    if (request.method === 'initialize') session = open(request)
    const notYet = 'begin with initialize, or send _meta as of 2026-07-28'
    if (!session && request.method !== 'ping') return send(errorMessage(request.id, invalidRequest(notYet)))
    const own = session ?? createSession(server, caller, negotiate({}))
    const answer = await own.answer(request, notify)
    if (answer) send(answer)
  }

  const answerNew = async (request: Request) => {
    const { id, params } = request
    if (running.has(id)) throw new RpcError(RPC.invalidRequest, `Invalid request: id ${id} is in use already.`)
    refuseTooMany(running.size)
    const logLevel = checkMetadata(params)
    const cancel = new AbortController()
    running.set(id, cancel)
    try {
      const exchange = { caller, revision: MODERN_REVISION, signal: cancel.signal, logLevel, notify } as const
      const result = await answerModern(server, request, exchange)
      if (!cancel.signal.aborted || closed) send(resultMessage(id, result))
    } catch (error) {
      // 2026-07-28, cancellation: no message for a request that was cancelled.
      if (!cancel.signal.aborted) throw error
    } finally {
      running.delete(id)
    }
  }

  const notice = (notification: Notification) => {
    session?.notice(notification)
    if (notification.method === 'notifications/cancelled') running.get(notification.params['requestId'] as Id)?.abort()
  }

  const handle = (value: unknown) => {
    const message = readMessage(value)
    switch (message.kind) {
      case 'invalid':
        return send(errorMessage(message.id, invalidRequest(message.why)))
      case 'notification':
        return notice(message)
      case 'response':
        return
      case 'request': {
        const claim = claimedRevision(message.params)
        const isOld = claim === undefined || (message.method === 'initialize' && !isModern(claim))
        const answer = (isOld ? answerOld(message) : answerNew(message))
          .catch((error: unknown) => send(errorMessage(message.id, server.errorOf(error))))
          .finally(() => answers.delete(answer))
        answers.add(answer)
      }
    }
  }

  const take = (value: unknown) => {
    if (!Array.isArray(value)) return handle(value)
    if (session?.revision !== '2025-03-26' || value.length === 0)
      return send(errorMessage(undefined, invalidRequest('only revision 2025-03-26 has batches')))
    if (value.length > MOST_IN_BATCH) return send(errorMessage(undefined, batchTooLarge()))
    for (const element of value) handle(element)
  }

  return {
    take,
    receive(text) {
      try {
        take(readJsonText(text, 'The message'))
      } catch (error) {
        const parse = new RpcError(RPC.parseError, `Parse error: ${server.errorOf(error).message}`)
        send(errorMessage(undefined, parse))
      }
    },
    async settled() {
      await Promise.all(answers)
    },
    close() {
      stopAnnouncing()
      closed = true
      for (const cancel of running.values()) cancel.abort()
      session?.close()
    },
  }
}
