import type { Clock } from '../../kernel/clock.ts'
import { Fault } from '../../kernel/fault.ts'
import type { Response } from '../../kernel/mcp/message.ts'
import { MOST_RUNNING } from '../../kernel/mcp/protocol.ts'
import { readMember, type JsonText } from '../../kernel/mcp/raw.ts'
import { RelayedError, RelayedResult } from '../../kernel/mcp/relayed.ts'
import { notificationText, requestText } from './outgoing.ts'

/** A person may be asked, and a person takes time. */
const LONGEST_ANSWER_MS = 600_000

export interface Question {
  readonly method: string
  readonly params: JsonText
  readonly signal: AbortSignal
  /** Which way it goes: the stream of the request that it belongs to, or the session's own. */
  send(message: JsonText): void
}

interface Open {
  resolve(result: RelayedResult): void
  reject(why: Error): void
}

/** What other servers ask one client (of a revision up to 2025-11-25), under ids of the hub's own. */
export class Questions {
  readonly #clock: Clock
  readonly #open = new Map<number, Open>()
  #count = 0
  #isClosed = false

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Throws RelayedError with the client's error; Fault `cancelled`, `timeout`, or `rate_limited` with too many open. */
  async ask({ method, params, signal, send }: Question): Promise<RelayedResult> {
    if (this.#isClosed) throw sessionEnded()
    if (this.#open.size >= MOST_RUNNING)
      throw new Fault('rate_limited', `The client has ${this.#open.size} questions to answer already.`)
    const id = ++this.#count
    const giveUp = (why: Fault) => {
      send(notificationText('notifications/cancelled', JSON.stringify({ requestId: id, reason: why.message })))
      this.#open.get(id)?.reject(why)
    }
    const stop = () =>
      giveUp(signal.reason instanceof Fault ? signal.reason : new Fault('cancelled', `${method} was withdrawn.`))
    const stopClock = this.#clock.after(LONGEST_ANSWER_MS, () =>
      giveUp(new Fault('timeout', `The client did not answer ${method} within ${LONGEST_ANSWER_MS / 60_000} minutes.`)),
    )
    try {
      signal.throwIfAborted()
      signal.addEventListener('abort', stop, { once: true })
      return await new Promise<RelayedResult>((resolve, reject) => {
        this.#open.set(id, { resolve, reject })
        send(requestText(id, method, params))
      })
    } finally {
      signal.removeEventListener('abort', stop)
      stopClock()
      this.#open.delete(id)
    }
  }

  /** The client's answer. One to nothing that was asked, or given up meanwhile, is nobody's. */
  receive({ id, outcome }: Response, message: JsonText): void {
    const open = typeof id === 'number' ? this.#open.get(id) : undefined
    if (!open) return
    if ('result' in outcome)
      return open.resolve(new RelayedResult(readMember(message, 'result') ?? '{}', outcome.result))
    const text = readMember(message, 'error')
    open.reject(new RelayedError('The client', { ...outcome.error, ...(text !== undefined && { text }) }))
  }

  close(): void {
    this.#isClosed = true
    for (const { reject } of this.#open.values()) reject(sessionEnded())
  }
}

const sessionEnded = () => new Fault('cancelled', 'The client ended its session.')
