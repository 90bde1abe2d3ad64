import { nothing, type Claim, type Family, type Outcome, type Profile } from './family.ts'
import type { Heard } from './heard.ts'
import { factOf, flatten, isObject, member, onlineOf, scalarOf, timeOf, wordOf } from './values.ts'
import { traitsOfExposes } from './zigbee-exposes.ts'

/** What a bridge says of its network. */
interface Bridge {
  /** Friendly name by IEEE address; undefined while the bridge has not listed its devices. */
  devices: ReadonlyMap<string, string> | undefined
  /** The same names. */
  names: ReadonlySet<string>
  groups: ReadonlySet<string>
}

const DEFAULT_BASE = 'zigbee2mqtt'
const MOST_BASES = 8
const MOST_MEMBERS = 2000

/**
 * Zigbee2MQTT (`<base>/bridge/…`, `<base>/<friendly name>[/availability|/set|/get]`). Another base topic than the usual
 * one is known as soon as its bridge has spoken.
 */
export function createZigbee2Mqtt(): Family {
  const bridges = new Map<string, Bridge>([[DEFAULT_BASE, { devices: undefined, names: new Set(), groups: new Set() }]])

  const bridgeAt = (base: string): Bridge => {
    const known = bridges.get(base)
    if (known) return known
    const bridge: Bridge = { devices: undefined, names: new Set(), groups: new Set() }
    bridges.set(base, bridge)
    return bridge
  }

  /** The longest base that the topic lies below: one may lie below another. */
  const baseOf = (topic: string): string | undefined => {
    let longest: string | undefined
    for (const base of bridges.keys())
      if (topic.startsWith(base) && topic[base.length] === '/' && base.length > (longest?.length ?? 0)) longest = base
    return longest
  }

  const discovered = (heard: Heard): Outcome | undefined => {
    const base = newBase(heard)
    if (base === undefined || bridges.has(base) || bridges.size >= MOST_BASES) return undefined
    const bridge = bridgeAt(base)
    return { ...readBridge(heard, base, bridge), revisit: { below: [base] } }
  }

  return {
    name: 'zigbee2mqtt',
    read(heard) {
      const fresh = discovered(heard)
      if (fresh) return fresh
      const base = baseOf(heard.topic)
      if (base === undefined) return undefined
      const rest = heard.topic.slice(base.length + 1)
      if (rest.startsWith('bridge/')) return readBridge(heard, base, bridgeAt(base))
      return readMember(heard, base, rest)
    },
    hides(device) {
      const base = baseOf(device)
      const bridge = base === undefined ? undefined : bridges.get(base)
      if (base === undefined || bridge?.devices === undefined) return false
      const name = device.slice(base.length + 1)
      return name !== 'bridge' && !bridge.groups.has(name) && !bridge.names.has(name)
    },
  }
}

/** A base topic that a bridge's retained messages prove: nothing else looks like these. */
function newBase(heard: Heard): string | undefined {
  const { topic } = heard
  if (!topic.endsWith('/info') && !topic.endsWith('/devices')) return undefined
  const [, base, kind] = /^(.+)\/bridge\/(info|devices)$/.exec(topic) ?? []
  if (base === undefined) return undefined
  const { value } = heard
  const isBridge =
    kind === 'info'
      ? isObject(member(value, 'coordinator'))
      : Array.isArray(value) && value.length > 0 && value.every((entry) => isObject(entry) && 'ieee_address' in entry)
  return isBridge ? base : undefined
}

function readMember(heard: Heard, base: string, rest: string): Outcome | undefined {
  const command = /^(.+?)\/(set|get)(?:\/.+)?$/.exec(rest)
  if (command?.[1] !== undefined) {
    const says = `${command[2] === 'set' ? 'told' : 'asked'} ${heard.text.slice(0, 120)}`
    return { claims: [{ device: `${base}/${command[1]}`, kind: 'command', says }] }
  }
  if (rest.endsWith('/availability')) {
    const device = `${base}/${rest.slice(0, -'/availability'.length)}`
    const online = onlineOf(wordOf(member(heard.value, 'state')) ?? heard.text)
    return online === undefined ? nothing : { claims: [{ device, kind: 'availability', online }] }
  }
  if (heard.payload.length === 0) return nothing
  if (isObject(heard.value)) return { claims: [stateClaim(`${base}/${rest}`, heard.value)] }
  // With `output: attribute` each property has a topic of its own.
  const slash = rest.lastIndexOf('/')
  const value = slash > 0 ? scalarOf(heard.text) : undefined
  if (value === undefined) return undefined
  return {
    claims: [{ device: `${base}/${rest.slice(0, slash)}`, kind: 'state', facts: { [rest.slice(slash + 1)]: value } }],
  }
}

function stateClaim(device: string, state: Readonly<Record<string, unknown>>): Claim {
  const { last_seen: lastSeen, action, device: _device, update: _update, ...rest } = state
  const seenMs = timeOf(lastSeen)
  const happened = wordOf(action)
  const facts = flatten(rest)
  if (happened !== undefined) facts['action'] = happened
  return { device, kind: happened === undefined ? 'state' : 'event', facts, ...(seenMs !== undefined && { seenMs }) }
}

function readBridge(heard: Heard, base: string, bridge: Bridge): Outcome {
  const { value, topic } = heard
  const device = `${base}/bridge`
  const path = topic.slice(device.length + 1)
  if (path.startsWith('request/'))
    return { claims: [{ device, kind: 'command', says: `asked for ${path.slice('request/'.length)}` }] }
  if (path.startsWith('response/')) return { claims: [responseClaim(device, path.slice('response/'.length), value)] }
  if (path === 'state') {
    const online = onlineOf(wordOf(member(value, 'state')) ?? heard.text)
    return online === undefined ? nothing : { claims: [{ device, kind: 'availability', online }] }
  }
  if (path === 'info') return { claims: [infoClaim(device, value)] }
  if (path === 'devices') return { claims: listDevices(value, base, bridge) }
  if (path === 'groups') {
    bridge.groups = new Set(entriesOf(value).flatMap((group) => wordOf(group['friendly_name']) ?? []))
    return { claims: [{ device, kind: 'config', says: `${bridge.groups.size} groups` }] }
  }
  if (path === 'logging') return { claims: logClaims(base, value) }
  if (path === 'event') return { claims: [eventClaim(device, value)] }
  return { claims: [] }
}

const entriesOf = (value: unknown) => (Array.isArray(value) ? value.filter(isObject).slice(0, MOST_MEMBERS) : [])

function infoClaim(device: string, value: unknown): Claim {
  const version = wordOf(member(value, 'version'), 40)
  const permitJoin = factOf(member(value, 'permit_join'))
  return {
    device,
    kind: 'config',
    ...(permitJoin !== undefined && { facts: { permit_join: permitJoin } }),
    declares: {
      source: 'bridge/info',
      profile: { name: 'Zigbee2MQTT', ...(version !== undefined && { model: `Zigbee2MQTT ${version}` }) },
    },
  }
}

function listDevices(value: unknown, base: string, bridge: Bridge): Claim[] {
  if (!Array.isArray(value)) return []
  const device = `${base}/bridge`
  const before = bridge.devices
  const members = entriesOf(value).filter((entry) => entry['type'] !== 'Coordinator')
  const names = new Map<string, string>()
  const claims = members.flatMap((entry): Claim[] => {
    const name = wordOf(entry['friendly_name'], 200)
    const address = wordOf(entry['ieee_address'])
    if (name === undefined || address === undefined) return []
    names.set(address, name)
    const old = before?.get(address)
    const formerly = old === undefined || old === name ? {} : { formerly: `${base}/${old}` }
    const profile = profileOf(entry, name, device)
    return [{ device: `${base}/${name}`, kind: 'config', ...formerly, declares: { source: 'bridge/devices', profile } }]
  })
  bridge.devices = names
  bridge.names = new Set(names.values())
  return [{ device, kind: 'config', says: `${names.size} devices` }, ...claims]
}

function profileOf(entry: Readonly<Record<string, unknown>>, name: string, parent: string): Profile {
  const { definition } = entry
  const model = [member(definition, 'vendor'), member(definition, 'model')].flatMap((word) => wordOf(word) ?? [])
  return {
    name,
    parent,
    ...(model.length > 0 && { model: model.join(' ') }),
    traits: traitsOfExposes(member(definition, 'exposes')),
  }
}

function responseClaim(device: string, path: string, value: unknown): Claim {
  if (member(value, 'status') !== 'error') return { device, kind: 'response', says: `${path}: ok` }
  const error = `${path}: ${wordOf(member(value, 'error'), 200) ?? 'failed'}`
  return { device, kind: 'response', error, says: error }
}

/** The log names the device it is about in its text: `Publish 'set' 'state' to 'plug' failed: …`. */
function logClaims(base: string, value: unknown): Claim[] {
  const says = wordOf(member(value, 'message'), 200)
  if (says === undefined) return []
  const bridge: Claim = { device: `${base}/bridge`, kind: 'log', says }
  if (member(value, 'level') !== 'error') return [bridge]
  const about = /(?:to|from|ping) '([^']{1,200})' failed|Failed to ping '([^']{1,200})'/.exec(says)
  const name = about?.[1] ?? about?.[2]
  if (name === undefined) return [{ ...bridge, error: says }]
  return [{ device: `${base}/${name}`, kind: 'response', error: says, says }, bridge]
}

function eventClaim(device: string, value: unknown): Claim {
  const type = wordOf(member(value, 'type'))?.replaceAll('_', ' ') ?? 'event'
  const name = wordOf(member(member(value, 'data'), 'friendly_name'))
  return { device, kind: 'event', says: name === undefined ? type : `${type}: ${name}` }
}
