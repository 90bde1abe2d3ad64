import type { Device, Reading } from './device.ts'
import { createDeviceTable, type DeviceTable } from './device-table.ts'
import { FAMILIES } from './families.ts'
import type { Claim, Family, Outcome } from './family.ts'
import { hear, type Heard, type HomeMessage, type PlacedMessage } from './heard.ts'
import { guess } from './plain.ts'
import { createRecentMessages } from './recent-messages.ts'
import { plainName } from './wording.ts'

/** A home as its messages tell it. A declaration may come after the states it explains. */
export interface HomeView {
  /**
   * Takes a message in and says what it means, or undefined where it is no device's as far as is known. `decoded` spares
   * parsing the payload again; Sparkplug B is read only with it.
   */
  see(message: HomeMessage, decoded?: { readonly format: string; readonly value?: unknown }): Reading | undefined
  /** All that is known, sorted by id. */
  devices(): readonly Device[]
}

export interface HomeViewOptions {
  /** Default 2000. */
  readonly maxDevices?: number
  /**
   * Which of two messages that contradict each other holds. `arrival` (default): the one that came later, whatever a
   * clock that jumps says. `time`: the one with the later time, for messages that are handed over in any order.
   */
  readonly order?: 'arrival' | 'time'
}

const LIMITS = { maxTopics: 4000, maxPayloadBytes: 2048 }
const MOST_OWNED_TOPICS = 50_000
/** A longer one is no device's, and would only cost memory. */
const LONGEST_TOPIC = 1000
/** A declaration can make another readable, whose topics then want to be read again; not for ever. */
const MOST_ROUNDS = 4

export function createHomeView({ maxDevices = 2000, order = 'arrival' }: HomeViewOptions = {}): HomeView {
  const table = createDeviceTable(maxDevices)
  const recent = createRecentMessages(LIMITS)
  const owners = new Map<string, string>()
  const families = FAMILIES.map((create) =>
    create({ ownerOf: (topic) => owners.get(topic) ?? (table.has(topic) ? topic : undefined) }),
  )
  let arrived = 0

  const read = (heard: Heard): readonly [Family, Outcome] | undefined => {
    for (const family of families) {
      const outcome = family.read(heard)
      if (outcome) return [family, outcome]
    }
    return undefined
  }

  /** A declaration is no device's own topic, whoever refers to it. */
  const own = (topic: string, claim: Claim | undefined) => {
    if (!claim || claim.kind === 'config' || (owners.size >= MOST_OWNED_TOPICS && !owners.has(topic))) return
    owners.set(topic, claim.device)
  }

  const take = (heard: Heard, round: number): Reading | undefined => {
    const found = read(heard)
    if (!found) {
      recent.keep(heard)
      const claim = guess(heard)
      return claim && readingOf(claim, 'plain', table)
    }
    const [family, { claims, keep, revisit }] = found
    for (const claim of claims) table.apply(claim, family.name, heard)
    const [first] = claims
    if (keep === true) recent.keep(heard)
    else {
      recent.forget(heard.topic)
      own(heard.topic, first)
    }
    if (revisit && round < MOST_ROUNDS)
      for (const message of recent.find(revisit.topics ?? [], revisit.below ?? [])) take(hear(message), round + 1)
    return first && readingOf(first, family.name, table)
  }

  return {
    see(message, decoded) {
      const { topic, payload, retained, atMs } = message
      if (topic.length > LONGEST_TOPIC) return undefined
      return take(hear({ topic, payload, retained, atMs, order: order === 'time' ? atMs : ++arrived }, decoded), 1)
    },
    devices() {
      const all = table.devices()
      const rooms = new Map<string, string>()
      const shown = all.filter((device) => {
        const same = families.map((family) => family.sameAs?.(device.id)).find((id) => id !== undefined)
        if (same !== undefined && device.room !== undefined) rooms.set(same, device.room)
        return same === undefined && !families.some((family) => family.hides?.(device.id))
      })
      const placed = shown.map((device) => {
        const room = device.room ?? rooms.get(device.id)
        return room === undefined ? device : { ...device, room }
      })
      return [...placed, ...guessed(recent.all(), maxDevices - placed.length, read)]
    },
  }
}

/** What looks like devices among the messages that nobody could read. */
function guessed(
  messages: Iterable<PlacedMessage>,
  most: number,
  read: (heard: Heard) => readonly [Family, Outcome] | undefined,
): Device[] {
  const table = createDeviceTable(Math.max(0, most))
  for (const message of messages) {
    const heard = hear(message)
    const claim = guess(heard)
    // What a declaration gives a meaning is kept, but is no guess.
    if (claim && !read(heard)) table.apply(claim, 'plain', message)
  }
  return table.devices()
}

/** Its words are made when somebody reads them: most messages are only counted. */
function readingOf(claim: Claim, family: Reading['family'], table: DeviceTable): Reading {
  let presented: ReturnType<DeviceTable['present']> | undefined
  const present = () => (presented ??= table.present(claim.device, claim.facts ?? {}))
  return {
    deviceId: claim.device,
    family,
    kind: claim.kind,
    get facts() {
      return present().facts
    },
    get text() {
      const online = claim.online === undefined ? '' : claim.online ? 'online' : 'OFFLINE'
      const words = [online, present().text, claim.says ?? ''].filter((part) => part !== '')
      return `${plainName(table.name(claim.device))}: ${words.join(', ') || claim.kind}`
    },
    ...(claim.online !== undefined && { online: claim.online }),
    ...(typeof claim.error === 'string' && { error: claim.error }),
  }
}
