import type { Decoded } from '../decode/decode.ts'
import type { Reading } from '../families/device.ts'
import { errorSign } from '../sample/error-sign.ts'
import { createRhythm, type Beat } from './rhythm.ts'
import { createDriftWatch, type Drift } from './schema-drift.ts'

/** Errors of one sort. Times are milliseconds since listening began. */
export interface ErrorPattern {
  readonly kind: string
  count: number
  readonly firstMs: number
  lastMs: number
  readonly example: string
}

/** One message, with what was made of it. */
export interface Seen {
  readonly decoded: Decoded
  readonly reading: Reading | undefined
  readonly isRetained: boolean
  /** Bytes of the payload. */
  readonly size: number
  /** Since listening began, by a clock that does not jump. */
  readonly elapsedMs: number
  /** It came in the second half of the time. */
  readonly isLater: boolean
}

/** What happened on one topic while it was watched. */
export interface TopicWatch {
  readonly topic: string
  /** The device whose topic it is, as far as its messages said. */
  deviceId(): string | undefined
  /** The broker keeps a message here. */
  isRetained(): boolean
  /** Messages that were published meanwhile. */
  messages(): number
  errors(): readonly ErrorPattern[]
  /** How often its device went offline and came back, by what this topic says. */
  wentOffline(): number
  cameBack(): number
  beat(elapsedMs: number): Beat
  drift(): readonly Drift[] | undefined
  see(seen: Seen): void
}

/** More sorts of errors than these are counted as one more. */
const MOST_KINDS = 10

/** Larger payloads are not compared: what they are built of would take much memory. Bytes. */
const LARGEST_COMPARED = 4096

/** `isCompared`: how its payloads are built is remembered, which takes the most memory. */
export function createTopicWatch(topic: string, isCompared: boolean): TopicWatch {
  const rhythm = createRhythm()
  const drift = createDriftWatch()
  const errors = new Map<string, ErrorPattern>()
  let deviceId: string | undefined
  let isRetained = false
  let messages = 0
  let online: boolean | undefined
  let wentOffline = 0
  let cameBack = 0

  const noteOnline = (now: boolean | undefined) => {
    if (now === undefined) return
    if (online === true && !now) wentOffline += 1
    if (online === false && now) cameBack += 1
    online = now
  }

  const noteError = ({ decoded, reading, elapsedMs }: Seen) => {
    // Being offline is looked at by itself; a kept error is old news.
    const sign = errorSign(topic, decoded) ?? (reading?.error === undefined ? undefined : ofReading(reading.error))
    if (!sign || sign.kind === 'offline' || reading?.online === false) return
    const kind = errors.has(sign.kind) || errors.size < MOST_KINDS ? sign.kind : 'other'
    const known = errors.get(kind)
    if (known) Object.assign(known, { count: known.count + 1, lastMs: elapsedMs })
    else errors.set(kind, { kind, count: 1, firstMs: elapsedMs, lastMs: elapsedMs, example: sign.text })
  }

  return {
    topic,
    deviceId: () => deviceId,
    isRetained: () => isRetained,
    messages: () => messages,
    errors: () => [...errors.values()],
    wentOffline: () => wentOffline,
    cameBack: () => cameBack,
    beat: (elapsedMs) => rhythm.beat(elapsedMs),
    drift: () => drift.drift(),
    see(seen) {
      const { decoded, reading, elapsedMs, isLater, size } = seen
      deviceId = reading?.deviceId ?? deviceId
      noteOnline(reading?.online)
      if (seen.isRetained) {
        isRetained = decoded.format !== 'empty'
        return
      }
      messages += 1
      noteError(seen)
      if (reading?.kind === 'command') return
      rhythm.happened(elapsedMs)
      if (isCompared && size <= LARGEST_COMPARED) drift.add(decoded, isLater)
    },
  }
}

const ofReading = (text: string) => ({ kind: 'device error', text: text.slice(0, 160) })
