import { hash } from 'node:crypto'
import type { Facts } from './device.ts'
import {
  nothing,
  type Claim,
  type Family,
  type Outcome,
  type Profile,
  type Surroundings,
  type Trait,
} from './family.ts'
import { availabilityOf, logReader, type OnlineReader } from './ha-availability.ts'
import { readersOf, type Reader } from './ha-components.ts'
import { readConfiguration, type Configuration } from './ha-config.ts'
import type { Heard } from './heard.ts'
import { isObject, wordOf, type JsonObject } from './values.ts'

/** What one configuration topic made of it. */
interface Source {
  readonly device: string
  /** Of the payload: most announce the same again and again. */
  readonly digest: string
  readonly readers: readonly Reader[]
  readonly online: readonly OnlineReader[]
  /** Names of the facts it brings. */
  readonly facts: readonly string[]
}

const PLATFORMS = new Set(
  (
    'alarm_control_panel binary_sensor button camera climate cover date datetime device device_automation device_tracker ' +
    'event fan humidifier image lawn_mower light lock notify number scene select sensor siren switch tag text time ' +
    'update vacuum valve water_heater'
  ).split(' '),
)

const MOST_SOURCES = 10_000
/** Of one configuration, and of all together. */
const MOST_READERS = 400
const MOST_READERS_IN_ALL = 30_000

/**
 * Home Assistant's MQTT discovery: `<prefix>/<component>/[<node>/]<object>/config`, and `<prefix>/device/…/config` for
 * many components at once. A device may be anywhere; what its topics mean is known from its configuration alone.
 * ESPHome and many more announce themselves so.
 */
export function createHomeAssistantDiscovery({ ownerOf }: Surroundings): Family {
  const sources = new Map<string, Source>()
  const bySubject = new Map<string, Set<string>>()
  let readers = 0
  const byDevice = new Map<string, Set<string>>()

  const index = (map: Map<string, Set<string>>, key: string, topic: string) => {
    const known = map.get(key)
    if (known) known.add(topic)
    else map.set(key, new Set([topic]))
  }
  const unindex = (map: Map<string, Set<string>>, key: string, topic: string) => {
    const known = map.get(key)
    known?.delete(topic)
    if (known?.size === 0) map.delete(key)
  }
  const drop = (topic: string): Source | undefined => {
    const old = sources.get(topic)
    if (!old) return undefined
    sources.delete(topic)
    readers -= old.readers.length
    unindex(byDevice, old.device, topic)
    for (const subject of subjectsOf(old)) unindex(bySubject, subject, topic)
    return old
  }

  const configure = (heard: Heard, { topic, configuration, key }: Announced): Outcome => {
    const known = sources.get(topic)
    const digest = hash('sha1', heard.payload)
    if (known?.digest === digest) return { claims: [{ device: known.device, kind: 'config', says: 'announced again' }] }
    const old = drop(topic)
    if (!configuration) return old ? { claims: [removal(old, topic)] } : nothing
    if (sources.size >= MOST_SOURCES || readers >= MOST_READERS_IN_ALL) return nothing
    const made = sourceOf(configuration, key, digest)
    sources.set(topic, made)
    readers += made.readers.length
    index(byDevice, made.device, topic)
    for (const subject of subjectsOf(made)) index(bySubject, subject, topic)
    const gone = old && old.device !== made.device ? [removal(old, topic)] : []
    const forgets = old && old.device === made.device ? old.facts.filter((fact) => !made.facts.includes(fact)) : []
    const declares = { source: topic, profile: profileOf(configuration, made) }
    const claim: Claim = { device: made.device, kind: 'config', forgets, declares, says: 'announced' }
    return { claims: [claim, ...gone], revisit: { topics: [...subjectsOf(made)] } }
  }

  return {
    name: 'homeassistant-discovery',
    read(heard) {
      const announced = announcementOf(heard)
      if (announced) return configure(heard, announced)
      // Home Assistant's own birth and will.
      if (heard.topic === 'homeassistant/status') return nothing
      const topics = bySubject.get(heard.topic)
      if (!topics) return undefined
      const claims = [...topics].sort().flatMap((topic) => {
        const source = sources.get(topic)
        return source ? claimsOf(source, heard) : []
      })
      return { claims: joined(claims), keep: true }
    },
    sameAs(device) {
      for (const topic of byDevice.get(device) ?? [])
        for (const reader of sources.get(topic)?.readers ?? []) {
          const owner = ownerOf(reader.topic)
          if (owner !== undefined) return owner
        }
      return undefined
    },
  }
}

interface Announced {
  readonly topic: string
  /** Undefined: taken back, or nothing that can be understood. */
  readonly configuration: Configuration | undefined
  readonly key: string
}

/** Other prefixes than `homeassistant` are told by what the payload has. */
function announcementOf({ topic, levels, payload, value }: Heard): Announced | undefined {
  if (levels.at(-1) !== 'config' || levels.length < 4) return undefined
  const platform = [levels.at(-3), levels.at(-4)].find((level) => level !== undefined && PLATFORMS.has(level))
  if (platform === undefined) return undefined
  const usual = levels[0] === 'homeassistant'
  if (!usual && payload.length > 0 && !(isObject(value) && MARKS.some((mark) => mark in value))) return undefined
  const at = levels.at(-3) === platform ? 3 : 4
  const key = levels
    .slice(-at + 1, -1)
    .join('.')
    .slice(0, 120)
  return { topic, configuration: readConfiguration(value, platform, key), key }
}

const MARKS = ['unique_id', 'uniq_id', 'device', 'dev', 'state_topic', 'stat_t']

function sourceOf(configuration: Configuration, key: string, digest: string): Source {
  const { device, components } = configuration
  const readers = components.flatMap(readersOf).slice(0, MOST_READERS)
  const availability = components.flatMap(({ options }) => availabilityOf(options))
  const online = [...new Map(availability.map((one) => [one.topic, one])).values()].slice(0, MOST_READERS)
  const facts = readers.flatMap(({ traits }) => Object.keys(traits))
  return {
    device: `ha/${identityOf(device) ?? key}`,
    digest,
    readers,
    online: [...online, ...logsOf(configuration, online)],
    facts,
  }
}

const logsOf = (configuration: Configuration, online: readonly OnlineReader[]) =>
  isEsphome(configuration) ? online.flatMap(({ topic }) => logReader(topic)) : []

/** A device is the same when one of its identifiers is; the first of them does, as all of its components give it. */
function identityOf(device: JsonObject): string | undefined {
  const { identifiers, connections } = device
  const [first] = Array.isArray(identifiers) ? identifiers : [identifiers]
  const connection = Array.isArray(connections) ? (connections[0] as unknown) : undefined
  const id = wordOf(first) ?? (typeof first === 'number' ? String(first) : undefined)
  return id ?? (Array.isArray(connection) ? wordOf(connection[1]) : undefined)
}

const isEsphome = ({ device }: Configuration) =>
  wordOf(device['sw_version'])?.toLowerCase().startsWith('esphome') === true

function profileOf(configuration: Configuration, { readers }: Source): Profile {
  const { device, components } = configuration
  const options = components[0]?.options ?? {}
  const name = wordOf(device['name']) ?? wordOf(options['name'])
  const model = [device['manufacturer'], device['model']].flatMap((word) => wordOf(word) ?? []).join(' ')
  const room = wordOf(device['suggested_area'])
  const mode = options['availability_mode']
  const traits: Record<string, Trait> = Object.assign({}, ...readers.map((reader) => reader.traits)) as Record<
    string,
    Trait
  >
  return {
    ...(name !== undefined && { name }),
    ...(model !== '' && { model }),
    ...(room !== undefined && { room }),
    ...(isEsphome(configuration) && { family: 'esphome' as const }),
    ...((mode === 'all' || mode === 'any') && { availabilityMode: mode }),
    traits,
  }
}

const subjectsOf = ({ readers, online }: Source) => new Set([...readers, ...online].map(({ topic }) => topic))

const removal = ({ device, facts }: Source, source: string): Claim => ({
  device,
  kind: 'config',
  forgets: facts,
  declares: { source, profile: undefined },
  says: 'taken back',
})

function claimsOf({ device, readers, online }: Source, heard: Heard): Claim[] {
  const facts: Facts = Object.assign(
    {},
    ...readers.filter(({ topic }) => topic === heard.topic).map((one) => one.facts(heard)),
  ) as Facts
  const words = online.filter(({ topic }) => topic === heard.topic).flatMap((one) => one.read(heard) ?? [])
  const kind = 'action' in facts ? ('event' as const) : ('state' as const)
  const claims: Claim[] = words.map((word) => ({ device, ...word }))
  return Object.keys(facts).length > 0 || words.length === 0 ? [{ device, kind, facts }, ...claims] : claims
}

/** One claim for each device, however many of its components listen at the topic. */
function joined(claims: readonly Claim[]): Claim[] {
  const byDevice = new Map<string, Claim>()
  for (const claim of claims) {
    const known = byDevice.get(claim.device)
    byDevice.set(claim.device, known ? { ...claim, ...known, facts: { ...known.facts, ...claim.facts } } : claim)
  }
  return [...byDevice.values()]
}
