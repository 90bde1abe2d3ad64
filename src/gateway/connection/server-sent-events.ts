import { StringDecoder } from 'node:string_decoder'
import { textPieces } from '../../kernel/pieces.ts'

/** One event of a stream (HTML standard, "Server-sent events"). */
export interface ServerSentEvent {
  /** `message` where the server named none. */
  readonly type: string
  readonly data: string
}

export interface EventListener {
  onEvent(event: ServerSentEvent): void
}

/** Reads an event stream, whichever way it was cut into chunks. Throws RangeError at an event over the limit. */
export class EventReader {
  readonly #decoder = new StringDecoder('utf8')
  readonly #largestCharacters: number
  readonly #listener: EventListener
  /** The beginning of a line whose end has not come, in parts: joining them at each chunk would take the square of time. */
  readonly #parts = textPieces()
  #characters = 0
  #data: string[] = []
  #type = ''
  #skipNewline = false
  #begun = false
  /** Of the event that is being read: one that breaks off was not received, and is to be sent again. */
  #id: string | undefined
  /** Where to go on after a break (`Last-Event-ID`). */
  lastEventId: string | undefined
  /** How long the server wants to be left alone before that, in milliseconds. */
  retryMs: number | undefined

  constructor(largestCharacters: number, listener: EventListener) {
    this.#largestCharacters = largestCharacters
    this.#listener = listener
  }

  push(chunk: Buffer): void {
    let text = this.#decoder.write(chunk)
    if (text === '') return
    // A byte order mark may stand before everything.
    if (!this.#begun && text.startsWith('\uFEFF')) text = text.slice(1)
    this.#begun = true
    let at = 0
    if (this.#skipNewline && text.startsWith('\n')) at = 1
    this.#skipNewline = text.endsWith('\r')
    const returns = text.includes('\r')
    for (;;) {
      const end = returns ? nextEnd(text, at) : text.indexOf('\n', at)
      if (end === -1) break
      this.#line(text.slice(at, end))
      at = text.startsWith('\r\n', end) ? end + 2 : end + 1
    }
    if (at < text.length) this.#keep(text.slice(at))
  }

  #keep(text: string): void {
    this.#parts.push(text)
    this.#count(text)
  }

  #count(text: string): void {
    this.#characters += text.length
    if (this.#characters > this.#largestCharacters) throw new RangeError('an event is over the limit')
  }

  #line(end: string): void {
    this.#count(end)
    const line = this.#parts.count === 0 ? end : this.#parts.take() + end
    if (line === '') return this.#dispatch()
    const colon = line.indexOf(':')
    if (colon === 0) return
    const field = colon === -1 ? line : line.slice(0, colon)
    const value = colon === -1 ? '' : line.slice(line.startsWith(' ', colon + 1) ? colon + 2 : colon + 1)
    if (field === 'data') this.#data.push(value)
    else if (field === 'event') this.#type = value
    else if (field === 'id' && !value.includes('\0')) this.#id = value
    else if (field === 'retry' && /^\d{1,9}$/.test(value)) this.retryMs = Number(value)
  }

  #dispatch(): void {
    const [data, type] = [this.#data, this.#type]
    this.#data = []
    this.#type = ''
    this.#characters = 0
    this.lastEventId = this.#id
    if (data.length > 0) this.#listener.onEvent({ type: type || 'message', data: data.join('\n') })
  }
}

function nextEnd(text: string, from: number): number {
  const newline = text.indexOf('\n', from)
  const carriage = text.indexOf('\r', from)
  if (newline === -1 || carriage === -1) return Math.max(newline, carriage)
  return Math.min(newline, carriage)
}
