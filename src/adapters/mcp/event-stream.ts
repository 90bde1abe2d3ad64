import type { Clock } from '../../kernel/clock.ts'
import type { Outgoing } from '../../kernel/mcp/message.ts'

/** Comments between events, so that proxies and idle time-outs leave a quiet stream alone. */
const KEEP_ALIVE_MS = 15_000
/** Unread bytes at which a reader counts as gone: keeping more would let one slow client fill the memory. */
const LARGEST_BACKLOG_BYTES = 8 * 1024 * 1024
/** Events kept for a reader that comes back, and characters of all but the latest. */
const MOST_KEPT_EVENTS = 1000
const MOST_KEPT_CHARACTERS = 4 * 1024 * 1024
/** What a disconnected reader is told to wait before it comes back (SSE `retry`). */
const RETRY_MS = 1000

export const SSE_HEADERS = {
  'content-type': 'text/event-stream',
  'cache-control': 'no-cache, no-transform',
  // Nginx and its kind would hold events back otherwise (2026-07-28, Streamable HTTP, "Receiving Messages").
  'x-accel-buffering': 'no',
} as const

export interface EventStreamOptions {
  clock: Clock
  /** Events get `<name>_<number>` as id and are kept, so that a reader can come back with Last-Event-ID. */
  name?: string
  /** Opens with an event that has an id and no data, so that a reader can come back even before the first message. */
  primed?: boolean
  /** The fields of a first event that is no message. */
  opening?: string
  /** The reader went away before the end. */
  onLeave?: () => void
}

/** Server-sent events to one reader at a time. Messages pushed while nobody reads wait for the next reader. */
export interface EventStream {
  push(message: Outgoing): void
  /** No more messages; the reader's connection ends when it has read them all. */
  end(): void
  /** Connects a reader, from the event after number `after`. An earlier reader's connection ends. */
  connect(after?: number): ReadableStream<Uint8Array>
  /** Not a getter: V8 keeps a hidden class for each getter that a literal closes over, and with it the whole request. */
  isConnected(): boolean
}

const encoder = new TextEncoder()

export function createEventStream(options: EventStreamOptions): EventStream {
  const { clock, name } = options
  /** Events from number `first` on; without a name only those nobody has read yet. */
  let kept: string[] = []
  let first = 1
  let keptCharacters = 0
  let ended = false
  let reader: ReadableStreamDefaultController<Uint8Array> | undefined
  let stopKeepAlive = () => {}

  const disconnect = (how: 'close' | 'error') => {
    stopKeepAlive()
    const left = reader
    reader = undefined
    if (how === 'close') left?.close()
    else left?.error(new Error('The reader is too slow.'))
  }
  const write = (text: string) => {
    if (!reader) return
    reader.enqueue(encoder.encode(text))
    if ((reader.desiredSize ?? 0) > -LARGEST_BACKLOG_BYTES) return
    disconnect('error')
    options.onLeave?.()
  }
  const keepAlive = () => {
    write(': keep-alive\n\n')
    stopKeepAlive = clock.after(KEEP_ALIVE_MS, keepAlive)
  }
  const keep = (event: string) => {
    kept.push(event)
    keptCharacters += event.length
    while (kept.length > MOST_KEPT_EVENTS || (keptCharacters > MOST_KEPT_CHARACTERS && kept.length > 1)) {
      keptCharacters -= kept.shift()?.length ?? 0
      first++
    }
  }
  const add = (fields: string) => {
    const number = first + kept.length
    const event = name === undefined ? `${fields}\n\n` : `id: ${name}_${number}\n${fields}\n\n`
    if (name !== undefined || !reader) keep(event)
    write(event)
  }
  if (options.primed) add(`retry: ${RETRY_MS}\ndata: `)
  if (options.opening !== undefined) add(options.opening)

  return {
    push(message) {
      if (!ended) add(`event: message\ndata: ${JSON.stringify(message)}`)
    },
    end() {
      ended = true
      disconnect('close')
    },
    connect(after) {
      disconnect('close')
      return new ReadableStream<Uint8Array>(
        {
          start(controller) {
            reader = controller
            const backlog = after === undefined ? kept : kept.slice(Math.max(0, after + 1 - first))
            for (const event of backlog) write(event)
            if (name === undefined) [kept, keptCharacters] = [[], 0]
            if (ended) return disconnect('close')
            stopKeepAlive = clock.after(KEEP_ALIVE_MS, keepAlive)
          },
          cancel() {
            stopKeepAlive()
            reader = undefined
            options.onLeave?.()
          },
        },
        { highWaterMark: 0, size: (chunk) => chunk.byteLength },
      )
    },
    isConnected: () => reader !== undefined,
  }
}

/** `<name>_<number>` taken apart; undefined when it is no event id of ours. */
export function readEventId(id: string): { name: string; number: number } | undefined {
  const split = id.lastIndexOf('_')
  const number = Number(id.slice(split + 1))
  return split > 0 && Number.isInteger(number) ? { name: id.slice(0, split), number } : undefined
}
