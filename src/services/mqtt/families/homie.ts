import type { FactValue } from './device.ts'
import { nothing, type Claim, type Family, type Outcome, type Profile, type Trait } from './family.ts'
import type { Heard } from './heard.ts'
import { isObject, member, scalarOf, wordOf, type JsonObject } from './values.ts'

const ONLINE_STATES = new Map([
  ['init', true],
  ['ready', true],
  ['alert', true],
  ['sleeping', true],
  ['disconnected', false],
  ['lost', false],
])
const MOST_DOMAINS = 8
const MOST_PROPERTIES = 200

/**
 * Homie 5 (`<domain>/5/<device>/…`, one `$description`) and Homie 3 and 4 (`homie/<device>/…`, an attribute a topic).
 * A domain other than `homie` is known once a device there gave its `$state` or `$description`.
 */
export function createHomie(): Family {
  const domains = new Set(['homie'])
  return {
    name: 'homie',
    read(heard) {
      const [domain = '', version = '', device = '', ...path] = heard.levels
      if (version === '5' && device !== '') {
        const known = domains.has(domain)
        if (!known && !provesDomain(path, heard)) return undefined
        if (!known && domains.size >= MOST_DOMAINS) return undefined
        domains.add(domain)
        const outcome = readDevice(heard, `${domain}/5/${device}`, path)
        return known ? outcome : { ...outcome, revisit: { below: [`${domain}/5`] } }
      }
      if (domain !== 'homie' || version === '') return undefined
      if (version === '$broadcast') return nothing
      return readOldDevice(heard, `homie/${version}`, heard.levels.slice(2))
    },
  }
}

function provesDomain(path: readonly string[], { text, value }: Heard): boolean {
  if (path.length !== 1) return false
  return path[0] === '$state' ? ONLINE_STATES.has(text) : path[0] === '$description' && 'homie' in Object(value)
}

function readDevice(heard: Heard, device: string, path: readonly string[]): Outcome {
  const [first = '', second = ''] = path
  if (first === '$state') return stateOutcome(device, heard.text)
  if (first === '$description') return { claims: [described(heard, device)] }
  if (first === '$log') return { claims: [logClaim(device, second, heard.text)] }
  if (first === '$alert') {
    const error = wordOf(heard.text, 200) ?? null
    return { claims: [{ device, kind: 'log', error, says: error === null ? 'alert cleared' : `alert: ${error}` }] }
  }
  return readProperty(heard, device, path)
}

function stateOutcome(device: string, word: string): Outcome {
  const online = ONLINE_STATES.get(word)
  if (online === undefined) return nothing
  const says = word === 'ready' ? undefined : word
  const error = word === 'alert' ? { error: 'it says that it needs attention' } : {}
  return { claims: [{ device, kind: 'availability', online, ...(says !== undefined && { says }), ...error }] }
}

function logClaim(device: string, level: string, text: string): Claim {
  const says = `${level}: ${text.slice(0, 200)}`
  return { device, kind: 'log', says, ...(/^(?:error|fatal)$/.test(level) && { error: text.slice(0, 200) }) }
}

function readProperty(heard: Heard, device: string, path: readonly string[]): Outcome {
  const [node = '', property = '', ending, more] = path
  if (property === '' || node.startsWith('$') || property.startsWith('$') || more !== undefined) return nothing
  const key = `${node}/${property}`
  if (ending === 'set')
    return { claims: [{ device, kind: 'command', says: `told ${key} ${heard.text.slice(0, 120)}` }] }
  // `$target` is where a slow change is going.
  if (ending !== undefined) return nothing
  const value: FactValue | undefined = scalarOf(heard.text)
  if (value === undefined) return nothing
  return { claims: [{ device, kind: 'state', facts: { [key]: value } }] }
}

/** An empty description takes the device away. */
function described({ value }: Heard, device: string): Claim {
  const source = '$description'
  if (!isObject(value)) return { device, kind: 'config', declares: { source, profile: undefined }, says: 'removed' }
  const name = wordOf(value['name'])
  const type = wordOf(value['type'])
  // The root may be the parent's parent; either is lost with the root.
  const parent = wordOf(value['parent']) ?? wordOf(value['root'])
  const domain = device.slice(0, device.lastIndexOf('/'))
  const profile: Profile = {
    ...(name !== undefined && { name }),
    ...(type !== undefined && { model: type }),
    ...(parent !== undefined && { parent: `${domain}/${parent}` }),
    traits: traitsOf(value['nodes']),
  }
  return { device, kind: 'config', declares: { source, profile }, says: 'described' }
}

function traitsOf(nodes: unknown): Record<string, Trait> {
  if (!isObject(nodes)) return {}
  const traits = Object.entries(nodes).flatMap(([node, description]) => {
    const properties = member(description, 'properties')
    const group = wordOf(member(description, 'name')) ?? node
    if (!isObject(properties)) return []
    return Object.entries(properties).map(
      ([key, property]) => [`${node}/${key}`, traitOf(key, property, group)] as const,
    )
  })
  return Object.fromEntries(traits.slice(0, MOST_PROPERTIES))
}

function traitOf(key: string, property: unknown, group: string): Trait {
  const unit = unitOf(member(property, 'unit'))
  const label = wordOf(member(property, 'name'))
  return { name: key.slice(0, 60), group, ...(unit !== undefined && { unit }), ...labelled(label, key) }
}

const unitOf = (value: unknown) => wordOf(value, 20)

/** A name that only repeats the key is no news. */
const labelled = (label: string | undefined, key: string) =>
  label === undefined || label.toLowerCase() === key.toLowerCase() ? {} : { label }

const OLD_ATTRIBUTES: Readonly<Record<string, (value: string) => JsonObject>> = {
  $name: (name) => ({ name }),
  $implementation: (model) => ({ model }),
}

/** Homie 3 and 4: what 5 says in one description comes as an attribute a topic. */
function readOldDevice(heard: Heard, device: string, path: readonly string[]): Outcome {
  const [first = '', second = '', third = ''] = path
  const text = heard.text.slice(0, 100)
  if (first === '$state') return stateOutcome(device, text)
  const attribute = path.length === 1 && Object.hasOwn(OLD_ATTRIBUTES, first) ? OLD_ATTRIBUTES[first] : undefined
  if (attribute) {
    const profile = text === '' ? undefined : attribute(text)
    return { claims: [{ device, kind: 'config', declares: { source: first, profile }, says: text }] }
  }
  if (first.startsWith('$') || second.startsWith('$')) return nothing
  return third.startsWith('$') ? readAttribute(device, path, text) : readProperty(heard, device, path)
}

/** `<node>/<property>/$unit` and the like. */
function readAttribute(
  device: string,
  [node = '', property = '', attribute = '']: readonly string[],
  text: string,
): Outcome {
  const key = `${node}/${property}`
  const base: Trait = { name: property.slice(0, 60), group: node }
  const word = text === '' ? undefined : text
  const trait =
    attribute === '$unit'
      ? { ...base, unit: text.slice(0, 20) }
      : { ...base, ...(attribute === '$name' && labelled(word, property)) }
  const source = `${key}/${attribute}`
  return { claims: [{ device, kind: 'config', declares: { source, profile: { traits: { [key]: trait } } } }] }
}
