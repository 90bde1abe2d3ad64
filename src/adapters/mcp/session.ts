import { randomUUID } from 'node:crypto'
import type { Caller } from '../../kernel/caller.ts'
import type { Fault } from '../../kernel/fault.ts'
import {
  isObject,
  refuseTooMany,
  RpcError,
  unknownMethod,
  type ExactId,
  type Id,
  type Notification,
  type Params,
  type Request,
  type Response,
} from '../../kernel/mcp/message.ts'
import type { ClientSession } from '../../kernel/mcp/peer.ts'
import {
  isLegacyRevision,
  isLogLevel,
  LEGACY_REVISIONS,
  RPC,
  since,
  type LegacyRevision,
  type LogLevel,
} from '../../kernel/mcp/protocol.ts'
import type { JsonText } from '../../kernel/mcp/raw.ts'
import type { RelayedResult } from '../../kernel/mcp/relayed.ts'
import { Exchange, type Client, type WayBack } from './exchange.ts'
import { answerMethod } from './methods.ts'
import { announceTo } from './news.ts'
import { errorText, notificationText, resultText } from './outgoing.ts'
import { Questions } from './questions.ts'
import type { McpServer } from './server.ts'
import { SmallMap } from '../../kernel/small-map.ts'
import type { View } from './view.ts'
import { WatchList } from './watch-list.ts'

/** The revision the client asked for if Alicia knows it, else the newest that begins with a handshake. */
export const negotiate = (params: Params): LegacyRevision =>
  isLegacyRevision(params['protocolVersion']) ? params['protocolVersion'] : LEGACY_REVISIONS[0]

export interface SessionOptions {
  readonly server: McpServer
  readonly view: View
  readonly caller: Caller
  /** Those of `initialize`. */
  readonly params: Params
  /** Sends what belongs to no request. */
  send(message: JsonText): void
}

/** A whole message, and the error in it if it is one. */
export interface Answer {
  readonly text: JsonText
  readonly error?: RpcError
}

/** A client of a revision up to 2025-11-25, from its `initialize` on. */
export class Session implements Client, ClientSession {
  readonly id: string = randomUUID()
  readonly session = this
  readonly caller: Caller
  readonly revision: LegacyRevision
  readonly capabilities: Params
  readonly clientInfo: Params | undefined
  readonly view: View
  readonly watched: WatchList
  readonly #server: McpServer
  readonly #send: (message: JsonText) => void
  readonly #running = new SmallMap<Id, Exchange>()
  readonly #questions: Questions
  #stopAnnouncing: () => void
  #logLevel: LogLevel | undefined

  constructor({ server, view, caller, params, send }: SessionOptions) {
    const { capabilities, clientInfo } = params
    this.caller = caller
    this.revision = negotiate(params)
    this.capabilities = isObject(capabilities) ? capabilities : {}
    this.clientInfo = isObject(clientInfo) ? clientInfo : undefined
    this.view = view
    this.watched = new WatchList(server.watches, caller)
    this.#server = server
    this.#send = send
    this.#questions = new Questions(server.clock)
    this.#stopAnnouncing = announceTo(this, server)
    server.events.emit('mcp.session', { session: this, change: 'opened' })
  }

  get logLevel(): LogLevel | undefined {
    return this.#logLevel
  }

  notify(method: string, params?: JsonText): void {
    this.#send(notificationText(method, params))
  }

  ask(method: string, params: JsonText, signal: AbortSignal): Promise<RelayedResult> {
    return this.#questions.ask({ method, params, signal, send: this.#send })
  }

  /**
   * Answers one request; undefined when the client cancelled it. `message` is its text; `caller`: who sent it, who decides what
   * it may. Never throws.
   */
  async answer(
    request: Request,
    message: JsonText,
    back: Omit<WayBack, 'ask'>,
    caller = this.caller,
  ): Promise<Answer | undefined> {
    const { id, exactId } = request
    if (this.#running.has(id))
      return refusal(exactId, new RpcError(RPC.invalidRequest, `Invalid request: id ${id} is in use already.`))
    const exchange = new Exchange(this, message, new WayBackWithQuestions(back, this.#questions), caller)
    try {
      refuseTooMany(this.#running.size)
      this.#running.set(id, exchange)
      const result = await this.#result(request, exchange)
      return exchange.isWithdrawn ? undefined : { text: resultText(exactId, result) }
    } catch (error) {
      return exchange.isWithdrawn ? undefined : refusal(exactId, this.#server.errorOf(error))
    } finally {
      exchange.close()
      if (this.#running.get(id) === exchange) this.#running.delete(id)
    }
  }

  notice({ method, params }: Notification): void {
    if (method === 'notifications/cancelled') this.#running.get(params['requestId'] as Id)?.withdraw()
    if (method === 'notifications/roots/list_changed')
      this.#server.events.emit('mcp.session', { session: this, change: 'roots' })
  }

  /** The client's answer to a question; `message` is its text. */
  receive(response: Response, message: JsonText): void {
    this.#questions.receive(response, message)
  }

  /** Cancels what still runs; with a reason, that is the answer. */
  close(why?: Fault): void {
    this.#stopAnnouncing()
    this.#stopAnnouncing = () => {}
    for (const exchange of this.#running.values()) {
      if (why) exchange.end(why)
      else exchange.withdraw()
    }
    this.#questions.close()
    this.watched.close()
    this.#server.events.emit('mcp.session', { session: this, change: 'closed' })
  }

  #result(request: Request, exchange: Exchange): Promise<JsonText> | JsonText {
    const { method, params } = request
    switch (method) {
      case 'initialize':
        return initializeResult(this.#server, this, exchange.caller)
      case 'ping':
        return '{}'
      case 'logging/setLevel':
        this.#logLevel = levelOf(params)
        this.#server.events.emit('mcp.session', { session: this, change: 'level' })
        return '{}'
      case 'resources/subscribe':
      case 'resources/unsubscribe':
        return this.watched.change(this.#server, request, exchange)
      case 'server/discover':
      case 'subscriptions/listen':
        throw unknownMethod(method)
      default:
        return answerMethod(this.#server, request, exchange)
    }
  }
}

/** A way back to a client that can be asked on it. */
class WayBackWithQuestions implements WayBack {
  readonly #back: Omit<WayBack, 'ask'>
  readonly #questions: Questions
  readonly mayLetGo: boolean

  constructor(back: Omit<WayBack, 'ask'>, questions: Questions) {
    this.#back = back
    this.#questions = questions
    this.mayLetGo = back.letGo !== undefined
  }

  send(message: JsonText): void {
    this.#back.send(message)
  }

  ask(method: string, params: JsonText, signal: AbortSignal): Promise<RelayedResult> {
    return this.#questions.ask({ method, params, signal, send: (text) => this.#back.send(text) })
  }

  get letGo(): (() => void) | undefined {
    return this.mayLetGo ? () => this.#back.letGo?.() : undefined
  }
}

const refusal = (id: ExactId, error: RpcError): Answer => ({ text: errorText(id, error), error })

function initializeResult(server: McpServer, { view, revision }: Session, caller: Caller): JsonText {
  const { title, ...info } = server.info
  return JSON.stringify({
    protocolVersion: revision,
    capabilities: view.capabilities(revision),
    serverInfo: since(revision, '2025-06-18') ? { ...info, title } : info,
    instructions: view.instructions(caller),
  })
}

function levelOf(params: Params): LogLevel {
  if (isLogLevel(params['level'])) return params['level']
  throw new RpcError(RPC.invalidParams, 'Invalid params: level is not a log level.')
}
