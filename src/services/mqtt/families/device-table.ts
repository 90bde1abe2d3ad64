import { isDeepStrictEqual } from 'node:util'
import type { Device, FactValue, Facts, FamilyName } from './device.ts'
import { mergeProfiles, NOTHING_DECLARED, type Declared } from './declared.ts'
import type { Claim, Profile } from './family.ts'
import type { PlacedMessage } from './heard.ts'
import { complaintOf } from './vocabulary.ts'
import { unitOf, wordsOf, type Traits } from './wording.ts'

/** A word with when it was said: of two, the one with the higher order holds, whichever comes first here. */
interface Said<T> {
  readonly value: T
  readonly order: number
  readonly atMs: number
  /** The broker had kept it: when it was said is not known. */
  readonly kept?: boolean
}

interface Entity {
  readonly id: string
  readonly family: FamilyName
  readonly facts: Map<string, Said<FactValue>>
  readonly online: Map<string, Said<boolean>>
  readonly profiles: Map<string, Profile>
  error: Said<string | null> | undefined
  lastSeenMs: Said<number> | undefined
  /** What was said before that is void. */
  bornOrder: number
  declared: Declared | undefined
}

export interface DeviceTable {
  apply(claim: Claim, family: FamilyName, message: PlacedMessage): void
  /** The facts of a claim under the names that the device's facts show, and the words for them. */
  present(device: string, facts: Facts): { readonly facts: Facts; readonly text: string }
  name(device: string): string
  has(device: string): boolean
  devices(): Device[]
}

const MOST_FACTS = 256
/** Of all devices together: hostile ones could else fill the memory with texts. */
const MOST_FACTS_IN_ALL = 50_000
const MOST_SOURCES = 512
const MOST_CHANNELS = 64
const MOST_ANCESTORS = 8

/** What is known of at most `maxDevices` devices; of more it takes no notice. */
export function createDeviceTable(maxDevices: number): DeviceTable {
  const entities = new Map<string, Entity>()
  let facts = 0

  const entityFor = (claim: Claim, family: FamilyName): Entity | undefined => {
    const known = entities.get(claim.device)
    if (known || claim.kind === 'command' || claim.kind === 'response' || entities.size >= maxDevices) return known
    if (claim.declares && claim.declares.profile === undefined) return undefined
    const entity = createEntity(claim.device, family)
    entities.set(claim.device, entity)
    return entity
  }

  const move = (from: string, to: Entity) => {
    const old = entities.get(from)
    if (!old || old === to) return
    entities.delete(from)
    facts -= old.facts.size
    for (const [key, said] of old.facts) later(to.facts, key, said, MOST_FACTS)
    for (const [channel, said] of old.online) later(to.online, channel, said, MOST_CHANNELS)
    to.lastSeenMs = newer(to.lastSeenMs, old.lastSeenMs)
  }

  /** Whether it can be reached, and since when that is so; it cannot where its parent cannot. */
  const reach = (entity: Entity, depth = 0): Said<boolean> | undefined => {
    const { parent: parentId, availabilityMode, diesWithParent } = declaredOf(entity)
    const own = combined(entity.online, availabilityMode)
    const parent = parentId === undefined || depth >= MOST_ANCESTORS ? undefined : entities.get(parentId)
    const above = parent && parent !== entity ? reach(parent, depth + 1) : undefined
    if (!above) return own
    if (!above.value) return own?.value === false && own.order < above.order ? own : above
    return diesWithParent === true && own && own.order < above.order ? { ...above, value: false } : own
  }

  return {
    apply(claim, family, message) {
      const entity = entityFor(claim, family)
      if (!entity) return
      const before = entity.facts.size
      if (claim.formerly !== undefined) move(claim.formerly, entity)
      takeWords(entity, facts < MOST_FACTS_IN_ALL ? claim : knownFacts(claim, entity), message)
      facts += entity.facts.size - before
      if (!claim.declares) return
      declare(entity, claim.declares)
      // The last that said there is such a device took it back.
      if (claim.declares.profile === undefined && entity.profiles.size === 0) {
        entities.delete(entity.id)
        facts -= entity.facts.size
      }
    },
    present(device, facts) {
      const entity = entities.get(device)
      const declared = entity ? declaredOf(entity) : NOTHING_DECLARED
      const shown = rename(Object.entries(facts), declared.names)
      return { facts: shown, text: wordsOf(shown, declared.traits) }
    },
    name(device) {
      const entity = entities.get(device)
      return (entity && declaredOf(entity).name) ?? lastLevel(device)
    },
    has: (device) => entities.has(device),
    devices: () =>
      [...entities.values()].map((entity) => deviceOf(entity, reach(entity))).sort((a, b) => (a.id < b.id ? -1 : 1)),
  }
}

function declaredOf(entity: Entity): Declared {
  return (entity.declared ??= mergeProfiles(entity.profiles))
}

function createEntity(id: string, family: FamilyName): Entity {
  return {
    id,
    family,
    facts: new Map(),
    online: new Map(),
    profiles: new Map(),
    error: undefined,
    lastSeenMs: undefined,
    bornOrder: Number.NEGATIVE_INFINITY,
    declared: undefined,
  }
}

/** A claim without the facts that would be new to the device. */
function knownFacts(claim: Claim, entity: Entity): Claim {
  const known = Object.entries(claim.facts ?? {}).filter(([key]) => entity.facts.has(key))
  return { ...claim, facts: Object.fromEntries(known) }
}

function takeWords(entity: Entity, claim: Claim, message: PlacedMessage): void {
  const { atMs, order, retained } = message
  const { facts = {}, forgets = [], online, channel = '', error } = claim
  const said = <T>(value: T): Said<T> => ({ value, atMs, order, ...(retained && { kept: true }) })
  if (claim.afresh === true) renew(entity, order)
  for (const key of forgets) entity.facts.delete(key)
  for (const [key, value] of Object.entries(facts))
    if (order >= entity.bornOrder) later(entity.facts, key, said(value), MOST_FACTS)
  if (online !== undefined) later(entity.online, channel, said(online), MOST_CHANNELS)
  if (error !== undefined) entity.error = newer(entity.error, said(error))
  const seen = seenMs(claim, message)
  if (seen !== undefined) entity.lastSeenMs = newer(entity.lastSeenMs, said(seen))
}

function later<T>(map: Map<string, Said<T>>, key: string, said: Said<T>, most: number): void {
  const known = map.get(key)
  if (known ? newer(known, said) === said : map.size < most) map.set(key, said)
}

const newer = <T>(known: Said<T> | undefined, said: Said<T> | undefined): Said<T> | undefined =>
  known === undefined || (said !== undefined && said.order >= known.order) ? said : known

function renew(entity: Entity, order: number): void {
  if (order < entity.bornOrder) return
  entity.bornOrder = order
  for (const [key, said] of entity.facts) if (said.order < order) entity.facts.delete(key)
}

/** A will is the broker's word, a command somebody else's: neither shows that the device is there. */
function seenMs(claim: Claim, { retained, atMs }: PlacedMessage): number | undefined {
  if (claim.kind === 'command' || claim.kind === 'config' || claim.online === false) return undefined
  // Its own clock may be wrong; it cannot have spoken after it was heard.
  if (claim.seenMs !== undefined) return Math.min(claim.seenMs, atMs)
  return retained || (claim.kind === 'response' && claim.error === undefined) ? undefined : atMs
}

function declare(entity: Entity, { source, profile }: { source: string; profile: Profile | undefined }): void {
  // Many say the same again with each message.
  if (isDeepStrictEqual(entity.profiles.get(source), profile)) return
  if (profile === undefined) entity.profiles.delete(source)
  else if (entity.profiles.has(source) || entity.profiles.size < MOST_SOURCES) entity.profiles.set(source, profile)
  entity.declared = undefined
}

function rename(facts: readonly (readonly [string, FactValue])[], names: ReadonlyMap<string, string>): Facts {
  return Object.fromEntries(
    facts.map(([key, value]) => [names.get(key) ?? key, value] as const).sort(([a], [b]) => (a < b ? -1 : 1)),
  )
}

function combined(online: Entity['online'], mode: Profile['availabilityMode'] = 'latest'): Said<boolean> | undefined {
  const words = [...online.values()]
  if (words.length === 0) return undefined
  const newest = words.reduce((a, b) => (b.order >= a.order ? b : a))
  if (mode === 'latest') return newest
  const value = mode === 'all' ? words.every(({ value }) => value) : words.some(({ value }) => value)
  return words.filter((word) => word.value === value).reduce((a, b) => (b.order >= a.order ? b : a))
}

function deviceOf(entity: Entity, reach: Said<boolean> | undefined): Device {
  const { name, family, model, room, traits, names } = declaredOf(entity)
  const facts = rename(
    [...entity.facts].map(([key, said]) => [key, said.value]),
    names,
  )
  return {
    id: entity.id,
    name: name ?? lastLevel(entity.id),
    family: family ?? entity.family,
    ...(model !== undefined && { model }),
    ...(room !== undefined && { room }),
    ...(reach !== undefined && { online: reach.value }),
    ...(reach?.value === false && reach.kept !== true && { offlineSinceMs: reach.atMs }),
    ...(entity.lastSeenMs !== undefined && { lastSeenMs: entity.lastSeenMs.value }),
    facts,
    units: unitsOf(facts, traits),
    ...errorOf(facts, entity.error),
    text: wordsOf(facts, traits),
    ...(entity.family === 'plain' && { guessed: true as const }),
  }
}

/** What its facts complain of now; else what went wrong last. */
function errorOf(facts: Facts, told: Said<string | null> | undefined): Pick<Device, 'error' | 'errorMs'> {
  const complaints = Object.entries(facts).flatMap(([name, value]) => complaintOf(name, value) ?? [])
  if (complaints.length > 0) return { error: complaints.join(', ') }
  return typeof told?.value === 'string' ? { error: told.value, errorMs: told.atMs } : {}
}

function unitsOf(facts: Facts, traits: Traits): Record<string, string> {
  const units = Object.entries(facts).flatMap(([name, value]) => {
    const unit = typeof value === 'number' || value === null ? unitOf(name, traits[name]) : undefined
    return unit === undefined ? [] : [[name, unit] as const]
  })
  return Object.fromEntries(units)
}

const lastLevel = (id: string) => id.slice(id.lastIndexOf('/') + 1)
