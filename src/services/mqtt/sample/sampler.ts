import type { Clock } from '../../../kernel/clock.ts'
import { decode } from '../decode/decode.ts'
import { createHomeView } from '../families/home-view.ts'
import type { Sink } from '../gather.ts'
import { payloadOf, type Received } from '../message.ts'
import { errorSign, type ErrorSign } from './error-sign.ts'
import { createShelf, type MessageClass, type Sample } from './shelf.ts'
import { shapeOf } from './shape.ts'
import { createStory, type Story } from './story.ts'

export interface SamplerOptions {
  readonly clock: Clock
  /** Most messages that can be asked for at the end. */
  readonly maxMessages: number
  /** Payload bytes kept of a message. */
  readonly maxPayloadBytes: number
  /** Of all that is kept, about. */
  readonly maxBytes: number
}

/** How many messages of a class came. */
export type Counts = Readonly<Record<MessageClass, number>>

/** What one message tells beyond those before it decides whether it is kept; memory is the same however many come. */
export interface Sampler extends Sink {
  seen(): number
  counts(): Counts
  /** Looks at what still waits. To be called when no more comes. */
  finish(): void
  /** The best so many, the most telling first: see `Shelf`. */
  best(count: number): Sample[]
  /** What happened in words; complete after `finish`. */
  readonly story: Story
}

interface TopicState {
  readonly topic: string
  text: string
  /** -1 before its first message. */
  size: number
  words: number
  structure: number
  sign: ErrorSign | undefined
  atMs: number
  retained: boolean
  /** Its latest was not read as a device's yet. */
  unread: boolean
}

/** Compared and looked at to here: what lies behind, in payloads that long, is no state. */
const LOOKED_AT_BYTES = 4096
const MOST_TOPICS = 20_000
const MOST_STRUCTURES = 10_000
/** Taken in at once, so that the socket is read on; above, the sender has to wait. */
const BATCH = 4000
const MOST_WAITING = 50_000
const MOST_WAITING_BYTES = 16 * 1024 * 1024
/** Reading a message as a device's costs most: on a firehose only the last of each topic is, after so many. */
const MOST_READ = 20_000

/** Without any of these, in any writing, there is no sign of an error: most messages need no parsing. */
const SUSPICIOUS =
  /err|fail|fault|false|offline|lost|fatal|crit|emerg|panic|alert|excep|timed?[ _]?out|disconn|unavail|dead|trace|\[E|"\w*(?:status|code)"\s*:\s*[45]|"level"\s*:\s*[56]0/i

export function createSampler({ clock, maxMessages, maxPayloadBytes, maxBytes }: SamplerOptions): Sampler {
  const topics = new Map<string, TopicState>()
  const structures = new Set<number>()
  const shelf = createShelf({ capacity: maxMessages, maxBytes })
  const story = createStory(createHomeView(), clock.now())
  const counts: Record<MessageClass, number> = { error: 0, structure: 0, change: 0, value: 0, repeat: 0 }
  let seen = 0
  let taken = 0
  let read = 0
  let waiting: Received[] = []
  let waitingBytes = 0
  let scheduled = false

  const stateOf = (topic: string): TopicState => {
    const known = topics.get(topic)
    if (known) return known
    const made: TopicState = {
      topic,
      text: '',
      size: -1,
      words: 0,
      structure: 0,
      sign: undefined,
      atMs: 0,
      retained: false,
      unread: false,
    }
    if (topics.size < MOST_TOPICS) topics.set(topic, made)
    return made
  }

  const classOf = (topic: string, payload: Buffer, state: TopicState): MessageClass => {
    const text = payload.toString('latin1', 0, LOOKED_AT_BYTES)
    if (state.text === text && state.size === payload.length) return state.sign ? 'error' : 'repeat'
    const isFirst = state.size === -1
    const { structure, words } = shapeOf(text)
    const isChange = !isFirst && (words !== state.words || structure !== state.structure)
    const isNew = !structures.has(structure) && structures.size < MOST_STRUCTURES
    if (isNew) structures.add(structure)
    state.text = text
    state.size = payload.length
    state.words = words
    state.structure = structure
    state.sign = SUSPICIOUS.test(text) ? errorSign(topic, decode(topic, payload)) : undefined
    if (state.sign) return 'error'
    if (isNew) return 'structure'
    return isChange ? 'change' : 'value'
  }

  const take = (received: Received) => {
    const { packet, atMs } = received
    const payload = payloadOf(packet)
    const state = stateOf(packet.topic)
    const isFirst = state.size === -1
    const kind = classOf(packet.topic, payload, state)
    counts[kind] += 1
    taken += 1
    if (kind === 'error' && state.sign) story.error(packet.topic, state.sign, atMs)
    state.atMs = atMs
    state.retained = packet.retain
    state.unread = kind === 'repeat' || (kind === 'value' && !isFirst) || read >= MOST_READ
    if (!state.unread) {
      read += 1
      story.read({ topic: packet.topic, payload, retained: packet.retain, atMs })
    }
    const sort = kind === 'error' ? `${state.sign?.kind} ${packet.topic}` : ''
    shelf.offer({ seq: taken, kind, sort, received }, maxPayloadBytes)
  }

  const drain = (most: number) => {
    const batch = waiting.slice(0, most)
    waiting = waiting.slice(most)
    for (const received of batch) take(received)
    if (waiting.length === 0) waitingBytes = 0
  }

  const later = () => {
    scheduled = false
    drain(BATCH)
    schedule()
  }
  const schedule = () => {
    if (scheduled || waiting.length === 0) return
    scheduled = true
    setImmediate(later)
  }

  return {
    full: new Promise(() => undefined),
    story,
    seen: () => seen,
    counts: () => counts,
    accept(packet) {
      seen += 1
      waiting.push({ packet, atMs: clock.now() })
      waitingBytes += packet.payload.length
      if (waiting.length >= MOST_WAITING || waitingBytes > MOST_WAITING_BYTES) drain(waiting.length)
      else schedule()
    },
    finish() {
      drain(waiting.length)
      for (const { topic, text, size, atMs, retained, unread } of topics.values())
        if (unread && size <= LOOKED_AT_BYTES)
          story.read({ topic, payload: Buffer.from(text, 'latin1'), retained, atMs })
    },
    best: (count) => shelf.best(count),
  }
}
