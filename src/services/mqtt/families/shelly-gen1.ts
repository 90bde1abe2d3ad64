import { nothing, type Claim, type Family, type Outcome, type Trait } from './family.ts'
import type { FactValue } from './device.ts'
import type { Heard } from './heard.ts'
import { isObject, member, numberOf, onlineOf, scalarOf, wordOf } from './values.ts'

/**
 * Shelly of the first generation: `shellies/<id>/…`, one scalar a topic. The names of topics are from the vendor's
 * documentation as remembered; those of rare models are unverified, and show up under their own names.
 */
export function createShellyGen1(): Family {
  return {
    name: 'shelly-gen1',
    read(heard) {
      const [root, id, ...path] = heard.levels
      if (root !== 'shellies' || id === undefined || id === '') return undefined
      if (path.length === 0) return id === 'announce' ? announced(heard, undefined) : nothing
      return readPath(heard, `shellies/${id}`, path)
    },
  }
}

function announced(heard: Heard, device: string | undefined): Outcome {
  const id = wordOf(member(heard.value, 'id'))
  const model = wordOf(member(heard.value, 'model'))
  const target = device ?? (id === undefined ? undefined : `shellies/${id}`)
  if (target === undefined) return nothing
  const profile = model === undefined ? {} : { model }
  return { claims: [{ device: target, kind: 'config', declares: { source: 'announce', profile }, says: 'announced' }] }
}

function readPath(heard: Heard, device: string, path: readonly string[]): Outcome {
  const { text, value } = heard
  const last = path.at(-1) ?? ''
  if (path.includes('command')) return { claims: [{ device, kind: 'command', says: `told ${text.slice(0, 120)}` }] }
  if (last === 'announce') return announced(heard, device)
  if (last === 'online') {
    const online = onlineOf(text)
    return online === undefined ? nothing : { claims: [{ device, kind: 'availability', online }] }
  }
  const [part = '', index = '0'] = path
  if (part === 'input_event') return inputEvent(device, index, value)
  if (part === 'info') return { claims: [{ device, kind: 'state' }] }
  if (isObject(value)) return { claims: [lightClaim(device, index, value)] }
  const fact = scalarOf(text)
  return fact === undefined ? nothing : { claims: [scalarClaim(device, path, fact)] }
}

/** What a topic is called, and how its value becomes the fact. */
interface Meaning {
  readonly name: string
  readonly of?: (value: FactValue) => FactValue
  readonly trait?: Trait
}

/** The first generation counts watt-minutes. */
const wattMinutes = (value: FactValue) => (typeof value === 'number' ? Math.round(value / 60) / 1000 : value)
const yes = (value: FactValue) => value === 1 || value === true || value === 'true'

const MEANINGS: Readonly<Record<string, Meaning>> = {
  relay: { name: 'state' },
  light: { name: 'state' },
  white: { name: 'state' },
  color: { name: 'state' },
  'relay/power': { name: 'power' },
  'light/power': { name: 'power' },
  'relay/energy': { name: 'energy', of: wattMinutes },
  'light/energy': { name: 'energy', of: wattMinutes },
  'roller/energy': { name: 'energy', of: wattMinutes },
  roller: {
    name: 'movement',
    of: (value) => ({ open: 'opening', close: 'closing', stop: 'stopped' })[String(value)] ?? value,
  },
  'roller/pos': { name: 'position' },
  'roller/power': { name: 'power' },
  'roller/stop_reason': { name: 'stop_reason', trait: { minor: true } },
  'emeter/power': { name: 'power' },
  'emeter/voltage': { name: 'voltage' },
  'emeter/current': { name: 'current' },
  'emeter/total': { name: 'energy', of: (value) => (typeof value === 'number' ? value / 1000 : value) },
  input: { name: 'input', of: yes, trait: { minor: true } },
  temperature: { name: 'device_temperature' },
  temperature_f: { name: 'device_temperature_f', trait: { unit: '°F', minor: true } },
  overtemperature: { name: 'overtemperature', of: yes },
  'sensor/state': {
    name: 'contact',
    of: (value) => (value === 'open' || value === 'close' ? value === 'close' : value),
  },
  'sensor/motion': { name: 'motion', of: yes },
  'sensor/flood': { name: 'flood', of: yes },
  'sensor/smoke': { name: 'smoke', of: yes },
  'sensor/vibration': { name: 'vibration', of: yes },
  'sensor/lux': { name: 'illuminance' },
  // 0 is none; the sensors give no other word for "nothing wrong".
  'sensor/error': { name: 'sensor_error', of: (value) => (value === 0 ? null : value), trait: { minor: true } },
}

function scalarClaim(device: string, path: readonly string[], fact: FactValue): Claim {
  const { key, suffix } = keyOf(path)
  const meaning = Object.hasOwn(MEANINGS, key) ? MEANINGS[key] : undefined
  const name = (meaning?.name ?? plainNameOf(key)) + suffix
  // A relay that switched itself off says why instead of off.
  if (key === 'relay' && typeof fact === 'string' && fact.startsWith('over'))
    return { device, kind: 'state', facts: { [name]: 'off' }, error: `it switched off: ${fact}` }
  const declares = meaning?.trait && { source: key, profile: { traits: { [name]: meaning.trait } } }
  const value = meaning?.of ? meaning.of(fact) : fact
  return { device, kind: 'state', facts: { [name]: value }, ...(declares && { declares }) }
}

/** `relay/1/power` is the power of the second relay. */
function keyOf([part = '', ...below]: readonly string[]): { readonly key: string; readonly suffix: string } {
  const [index = ''] = below
  const numbered = /^\d{1,2}$/.test(index)
  const key = [part, ...(numbered ? below.slice(1) : below)].join('/')
  return { key, suffix: numbered && index !== '0' ? `_${index}` : '' }
}

const plainNameOf = (key: string) =>
  key === 'ext_temperature'
    ? 'temperature'
    : key
        .replace(/^sensor\//, '')
        .replaceAll('/', '_')
        .slice(0, 60)

function inputEvent(device: string, index: string, value: unknown): Outcome {
  const event = wordOf(member(value, 'event'), 10)
  if (event === undefined) return nothing
  // S, L, SS, SSS: short and long presses, as the vendor abbreviates them.
  const action = event === 'L' ? 'long' : ({ S: 'single', SS: 'double', SSS: 'triple' }[event] ?? event)
  return { claims: [{ device, kind: 'event', facts: { action: index === '0' ? action : `${index} ${action}` } }] }
}

function lightClaim(device: string, index: string, value: Readonly<Record<string, unknown>>): Claim {
  const suffix = /^[1-9]$/.test(index) ? `_${index}` : ''
  const on = value['ison']
  const brightness = numberOf(value['brightness'] ?? value['gain'])
  const power = numberOf(value['power'])
  return {
    device,
    kind: 'state',
    facts: {
      ...(typeof on === 'boolean' && { [`state${suffix}`]: on }),
      ...(brightness !== undefined && { [`brightness${suffix}`]: brightness }),
      ...(power !== undefined && { [`power${suffix}`]: power }),
    },
  }
}
