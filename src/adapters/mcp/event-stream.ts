import type { Clock } from '../../kernel/clock.ts'
import type { JsonText } from '../../kernel/mcp/raw.ts'
import type { Sink } from './http-exchange.ts'

/** Comments between events, so that proxies and idle time-outs leave a quiet stream alone. */
const KEEP_ALIVE_MS = 15_000
/** Unread bytes at which a reader counts as gone: keeping more would let one slow client fill the memory. */
const LARGEST_BACKLOG_BYTES = 8 * 1024 * 1024
/** Events kept for a reader that comes back, and characters of all but the latest. */
const MOST_KEPT_EVENTS = 1000
const MOST_KEPT_CHARACTERS = 4 * 1024 * 1024
/** What a disconnected reader is told to wait before it comes back (SSE `retry`). */
const RETRY_MS = 1000

export const SSE_HEADERS: Readonly<Record<string, string>> = {
  'content-type': 'text/event-stream',
  'cache-control': 'no-store, no-transform',
  // Nginx and its kind would hold events back otherwise (2026-07-28, Streamable HTTP, "Receiving Messages").
  'x-accel-buffering': 'no',
}

export interface EventStreamOptions {
  clock: Clock
  /** Events get `<name>_<number>` as id and are kept, so that a reader can come back with Last-Event-ID. */
  name?: string
  /** Opens with an event that has an id and no data, so that a reader can come back even before the first message. */
  primed?: boolean
  /** The fields of a first event that is no message. */
  opening?: string
  /** The reader went away before the end, or was too slow. */
  onLeave?: () => void
  /** There will be no more messages. */
  onEnd?: () => void
}

/** Server-sent events to one reader at a time. Messages pushed while nobody reads wait for the next reader. */
export class EventStream {
  readonly #options: EventStreamOptions
  /** Events from number `#first` on; without a name only those nobody has read yet. */
  #kept: string[] = []
  #first = 1
  #keptCharacters = 0
  #ended = false
  #reader: Sink | undefined
  #onReleased: (() => void) | undefined
  #stopKeepAlive = () => {}

  constructor(options: EventStreamOptions) {
    this.#options = options
    if (options.primed) this.#add(`retry: ${RETRY_MS}\ndata: `)
    if (options.opening !== undefined) this.#add(options.opening)
  }

  /** `message` is one line of JSON. */
  push(message: JsonText): void {
    if (!this.#ended) this.#add(`event: message\ndata: ${message}`)
  }

  /** No more messages; the reader's connection ends when it has read them all. */
  end(): void {
    if (this.#ended) return
    this.#ended = true
    this.#release()?.end()
    this.#options.onEnd?.()
  }

  /** Ends the reader's connection, and not the stream: what comes meanwhile waits. */
  letGo(): void {
    this.#release()?.end()
  }

  /**
   * Connects a reader, from the event after number `after`. An earlier reader's connection ends. `onReleased`: it is the reader no
   * more, for whatever reason.
   */
  connect(reader: Sink, after?: number, onReleased?: () => void): void {
    this.#release()?.end()
    this.#reader = reader
    this.#onReleased = onReleased
    const backlog = after === undefined ? this.#kept : this.#kept.slice(Math.max(0, after + 1 - this.#first))
    for (const event of backlog) this.#write(event)
    if (this.#options.name === undefined) [this.#kept, this.#keptCharacters] = [[], 0]
    if (this.#ended) this.#release()?.end()
    else this.#stopKeepAlive = this.#options.clock.after(KEEP_ALIVE_MS, this.#keepAlive)
  }

  /** That reader's connection has ended. */
  leave(reader: Sink): void {
    if (reader !== this.#reader) return
    this.#release()
    this.#options.onLeave?.()
  }

  get isConnected(): boolean {
    return this.#reader !== undefined
  }

  #release(): Sink | undefined {
    this.#stopKeepAlive()
    const reader = this.#reader
    this.#reader = undefined
    this.#onReleased?.()
    this.#onReleased = undefined
    return reader
  }

  readonly #keepAlive = () => {
    this.#write(': keep-alive\n\n')
    if (this.#reader) this.#stopKeepAlive = this.#options.clock.after(KEEP_ALIVE_MS, this.#keepAlive)
  }

  #write(text: string): void {
    const reader = this.#reader
    if (!reader) return
    // What waits before it counts: one large answer is no sign of a slow reader.
    if (reader.waitingBytes < LARGEST_BACKLOG_BYTES) return reader.write(text)
    reader.cut()
    this.leave(reader)
  }

  #add(fields: string): void {
    const { name } = this.#options
    const number = this.#first + this.#kept.length
    const event = name === undefined ? `${fields}\n\n` : `id: ${name}_${number}\n${fields}\n\n`
    if (name !== undefined || !this.#reader) this.#keep(event)
    this.#write(event)
  }

  #keep(event: string): void {
    this.#kept.push(event)
    this.#keptCharacters += event.length
    while (
      this.#kept.length > MOST_KEPT_EVENTS ||
      (this.#keptCharacters > MOST_KEPT_CHARACTERS && this.#kept.length > 1)
    ) {
      this.#keptCharacters -= this.#kept.shift()?.length ?? 0
      this.#first++
    }
  }
}

/** `<name>_<number>` taken apart; undefined when it is no event id of ours. */
export function readEventId(id: string): { name: string; number: number } | undefined {
  const split = id.lastIndexOf('_')
  const digits = id.slice(split + 1)
  return split > 0 && /^(?:0|[1-9]\d{0,14})$/.test(digits)
    ? { name: id.slice(0, split), number: Number(digits) }
    : undefined
}
