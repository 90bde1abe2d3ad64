import type { Device } from '../families/device.ts'
import type { ErrorPattern, TopicWatch } from './topic-watch.ts'
import type { WatchedDevice } from './device-watch.ts'

/** What of a device's health was looked at: from 0 to 1, or null where nothing is known of it. */
export interface HealthPart {
  readonly part: 'availability' | 'errors' | 'rhythm' | 'supply' | 'shape' | 'retained'
  /** Its share of the score. */
  readonly weight: number
  readonly value: number | null
  readonly says: string
}

/** What was measured of one device, in numbers. */
export interface Evidence {
  readonly device: Device | undefined
  readonly topics: readonly TopicWatch[]
  readonly elapsedMs: number
  readonly messages: number
  readonly errors: readonly ErrorPattern[]
  readonly wentOffline: number
  readonly gaps: number
  readonly silentTopics: readonly string[]
  readonly regularTopics: number
  readonly ghosts: readonly string[]
}

export function evidenceOf({ device, topics }: WatchedDevice, elapsedMs: number, isGhostly: boolean): Evidence {
  const beats = topics.map((watch) => ({ topic: watch.topic, beat: watch.beat(elapsedMs) }))
  const regular = beats.flatMap(({ topic, beat }) => (beat.is === 'regular' ? [{ topic, beat }] : []))
  const messages = sum(topics.map((watch) => watch.messages()))
  return {
    device,
    topics,
    elapsedMs,
    messages,
    errors: topics.flatMap((watch) => watch.errors()).sort((a, b) => b.count - a.count),
    // Several topics can say the same.
    wentOffline: Math.max(0, ...topics.map((watch) => watch.wentOffline())),
    gaps: Math.max(0, ...regular.map(({ beat }) => beat.gaps)),
    silentTopics: regular.filter(({ beat }) => beat.silentMs !== undefined).map(({ topic }) => topic),
    regularTopics: regular.length,
    ghosts: isGhostly && messages === 0 ? topics.filter((watch) => watch.isRetained()).map(({ topic }) => topic) : [],
  }
}

const WEIGHTS = { availability: 30, errors: 25, rhythm: 20, supply: 10, shape: 10, retained: 5 } as const

/** Each part with its weight; the weights of all add up to 100. */
export function healthParts(evidence: Evidence): HealthPart[] {
  const found = {
    availability: availability(evidence),
    errors: errorsPart(evidence),
    rhythm: rhythm(evidence),
    supply: supply(evidence.device),
    shape: shape(evidence),
    retained: retained(evidence),
  }
  return (Object.keys(WEIGHTS) as (keyof typeof WEIGHTS)[]).map((part) => {
    const [value, says] = found[part]
    return { part, weight: WEIGHTS[part], value, says }
  })
}

/**
 * 0 to 100 of the parts that are known; null where they are too few to call it healthy: half of the weight. That it is
 * gone is enough to call it ill.
 */
export function scoreOf(parts: readonly HealthPart[]): number | null {
  const known = parts.flatMap(({ part, weight, value }) => (value === null ? [] : [{ part, weight, value }]))
  const weight = sum(known.map((each) => each.weight))
  const isGone = known.some(({ part, value }) => part === 'availability' && value < 0.5)
  if (weight < 50 && !isGone) return null
  return Math.round((100 * sum(known.map((each) => each.weight * each.value))) / weight)
}

type Judgement = readonly [value: number | null, says: string]

function availability({ device, wentOffline, messages }: Evidence): Judgement {
  if (device?.online === false) return [0, wentOffline > 1 ? `offline; went offline ${times(wentOffline)}` : 'offline']
  if (wentOffline > 0) return [Math.max(0.1, 0.8 - 0.2 * wentOffline), `went offline ${times(wentOffline)} meanwhile`]
  if (device?.online === true) return [1, 'online all the time']
  return messages > 0 ? [1, 'it sends; nothing says whether it is online'] : [null, 'nothing says whether it is online']
}

function errorsPart({ errors, messages }: Evidence): Judgement {
  if (messages === 0) return [null, 'no live message']
  const count = sum(errors.map((pattern) => pattern.count))
  if (count === 0) return [1, `none in ${messages} messages`]
  return [Math.max(0, 0.6 - count / messages), `${count} in ${messages} messages`]
}

function rhythm({ regularTopics, gaps, silentTopics }: Evidence): Judgement {
  if (regularTopics === 0) return [null, 'no topic repeats regularly enough to expect anything (5 intervals at least)']
  if (silentTopics.length > 0) return [0.2, `silent for longer than usual: ${silentTopics.slice(0, 3).join(', ')}`]
  return gaps === 0 ? [1, 'regular, no gaps'] : [Math.max(0.2, 1 - 0.2 * gaps), `${gaps} gap${gaps === 1 ? '' : 's'}`]
}

/** Below the first number bad, below the second poor. */
const SUPPLY = [
  { fact: 'battery', unit: ' %', bad: 10, poor: 20 },
  { fact: 'linkquality', unit: ' of 255', bad: 20, poor: 50 },
  { fact: 'rssi', unit: ' dBm', bad: -85, poor: -75 },
] as const

function supply(device: Device | undefined): Judgement {
  const known = SUPPLY.flatMap(({ fact, unit, bad, poor }) => {
    const value = device?.facts[fact]
    if (typeof value !== 'number') return []
    return [{ value: value < bad ? 0.1 : value < poor ? 0.5 : 1, says: `${fact} ${value}${unit}` }]
  })
  if (device?.facts['battery_low'] === true) known.push({ value: 0.1, says: 'battery low' })
  if (known.length === 0) return [null, 'nothing said of battery or signal']
  return [Math.min(...known.map(({ value }) => value)), known.map(({ says }) => says).join(', ')]
}

function shape({ topics }: Evidence): Judgement {
  const compared = topics.map((watch) => watch.drift()).filter((drift) => drift !== undefined)
  if (compared.length === 0) return [null, 'too few messages to compare (5 in each half)']
  const changes = compared.flat()
  return changes.length === 0
    ? [1, 'payloads are built as before']
    : [
        0.4,
        changes
          .slice(0, 3)
          .map(({ says }) => says)
          .join(' '),
      ]
}

function retained({ ghosts, topics }: Evidence): Judgement {
  if (ghosts.length > 0) return [0, `${ghosts.length} retained topics of a device that is not there`]
  return topics.some((watch) => watch.isRetained()) ? [1, 'its retained topics are alive'] : [null, 'none']
}

const times = (count: number) => (count === 1 ? 'once' : `${count} times`)

const sum = (numbers: readonly number[]) => numbers.reduce((total, number) => total + number, 0)
