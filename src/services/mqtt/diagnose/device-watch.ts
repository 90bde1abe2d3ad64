import type { IPublishPacket } from 'mqtt'
import type { Clock } from '../../../kernel/clock.ts'
import { createDecoder } from '../decode/decode.ts'
import type { Device } from '../families/device.ts'
import { createHomeView } from '../families/home-view.ts'
import type { Sink } from '../gather.ts'
import { payloadOf } from '../message.ts'
import { topicMatcher } from '../../../kernel/topic.ts'
import { createTopicWatch, type TopicWatch } from './topic-watch.ts'

/** A device, and the topics that are its. `device` is missing where topics match but no device is known there. */
export interface WatchedDevice {
  readonly device: Device | undefined
  readonly topics: readonly TopicWatch[]
}

/** Watches the topics of the devices that a pattern means. */
export interface DeviceWatch extends Sink {
  begin(): void
  /** Messages of all topics. */
  messages(): number
  /** Messages that were not looked at, because too many came at once or their topics are too long. */
  skipped(): number
  elapsedMs(): number
  matching(): WatchedDevice[]
  /** Every device that is known, whether it matches or not. */
  devices(): readonly Device[]
}

/** Topics of no interest, as far as is known, are watched too: their device may turn out to be meant. */
const MOST_TOPICS = 5000
const MOST_OTHER_TOPICS = 3000
/** Topics whose payloads are compared. */
const MOST_COMPARED = 600
const MOST_OTHERS_COMPARED = 400
/** Longer topics are no device's. */
const LONGEST_TOPIC = 2048
/** What a second's messages of other topics may cost: reading one takes some 10 µs. */
const OTHERS_PER_SECOND = 2000

export const isFilter = (pattern: string) => /[+#]/.test(pattern)

export function createDeviceWatch(pattern: string, durationMs: number, clock: Clock): DeviceWatch {
  const decoder = createDecoder()
  const home = createHomeView()
  const topics = new Map<string, TopicWatch>()
  const isMeant = isFilter(pattern) ? topicMatcher(pattern) : namePattern(pattern)
  // Wall-clock time as it was at the beginning: what is measured must not jump with it.
  const wallOffsetMs = clock.now() - clock.monotonic()
  let beginMs = clock.monotonic()
  let messages = 0
  let skipped = 0
  let second = 0
  let others = 0

  const hasTime = (nowMs: number) => {
    const now = Math.floor(nowMs / 1000)
    others = now === second ? others + 1 : 1
    second = now
    return others <= OTHERS_PER_SECOND
  }

  const watchOf = (topic: string, isWanted: boolean) => {
    const known = topics.get(topic)
    if (known || topics.size >= (isWanted ? MOST_TOPICS : MOST_OTHER_TOPICS)) return known
    const watch = createTopicWatch(topic, topics.size < (isWanted ? MOST_COMPARED : MOST_OTHERS_COMPARED))
    topics.set(topic, watch)
    return watch
  }

  const elapsedMs = () => clock.monotonic() - beginMs

  return {
    full: new Promise(() => undefined),
    begin() {
      beginMs = clock.monotonic()
    },
    accept(packet: IPublishPacket) {
      messages += 1
      const { topic, retain: isRetained } = packet
      const nowMs = clock.monotonic()
      const isLong = topic.length > LONGEST_TOPIC
      const isWanted = !isLong && isMeant(topic)
      // What is kept comes once, and says what there is.
      if (isLong || (!isWanted && !isRetained && !hasTime(nowMs))) {
        skipped += 1
        return
      }
      const payload = payloadOf(packet)
      const decoded = decoder.decode(topic, payload)
      const reading = home.see({ topic, payload, retained: isRetained, atMs: nowMs + wallOffsetMs }, decoded)
      const sinceMs = Math.max(0, nowMs - beginMs)
      const isLater = sinceMs > durationMs / 2
      watchOf(topic, isWanted)?.see({
        decoded,
        reading,
        isRetained,
        size: payload.length,
        elapsedMs: sinceMs,
        isLater,
      })
    },
    messages: () => messages,
    skipped: () => skipped,
    elapsedMs,
    devices: () => home.devices(),
    matching: () => matchingOf([...topics.values()], home.devices(), { pattern, isMeant }),
  }
}

/** Case and the usual separators do not matter: people write "kitchen plug" for `kitchen_plug`. */
function namePattern(pattern: string): (text: string) => boolean {
  const wanted = plain(pattern)
  return (text) => plain(text).includes(wanted)
}

const plain = (text: string) => text.toLowerCase().replace(/[\s_.-]+/g, ' ')

function matchingOf(
  watches: readonly TopicWatch[],
  devices: readonly Device[],
  { pattern, isMeant }: { pattern: string; isMeant: (text: string) => boolean },
): WatchedDevice[] {
  const known = new Map(devices.map((device) => [device.id, device]))
  const ownerOf = ownerFinder(known)
  const isNamed = ({ name, id, model = '' }: Device) => !isFilter(pattern) && [name, id, model].some(isMeant)
  const named = new Set(devices.filter(isNamed).map(({ id }) => id))
  // A name that is a device's own means that device, and not all whose names or topics contain it.
  const exact = devices.filter(({ name, id }) => [name, id].some((text) => plain(text) === plain(pattern)))
  const chosen = exact.length > 0 ? new Set(exact.map(({ id }) => id)) : named
  const groups = Map.groupBy(
    watches.filter((watch) => {
      const owner = ownerOf(watch)
      if (exact.length > 0) return owner !== undefined && chosen.has(owner)
      return isMeant(watch.topic) || (owner !== undefined && chosen.has(owner))
    }),
    ownerOf,
  )
  const silent = [...chosen].filter((id) => !groups.has(id)).map((id) => ({ device: known.get(id), topics: [] }))
  return [...groups]
    .map(([id, topics]) => ({ device: id === undefined ? undefined : known.get(id), topics }))
    .concat(silent)
}

/** By what its messages said, or because its name begins with that of the device. */
function ownerFinder(known: ReadonlyMap<string, Device>) {
  return (watch: TopicWatch): string | undefined => {
    const said = watch.deviceId()
    if (said !== undefined && known.has(said)) return said
    const levels = watch.topic.split('/', 32)
    for (let length = levels.length; length > 0; length--) {
      const prefix = levels.slice(0, length).join('/')
      if (known.has(prefix)) return prefix
    }
    return undefined
  }
}
