import type { Facts, FactValue } from './device.ts'
import type { Trait } from './family.ts'
import { factOf, isObject, member, wordOf } from './values.ts'

/** A field of a component: where it is, what it is called, and how it becomes the fact. */
interface Field {
  readonly path: readonly string[]
  readonly name: string
  readonly of?: (value: FactValue) => FactValue
}

const field = (path: string, name: string, of?: Field['of']): Field => ({
  path: path.split('.'),
  name,
  ...(of && { of }),
})

const kilowattHours = (value: FactValue) => (typeof value === 'number' ? Math.round(value) / 1000 : value)

const METER = [
  field('apower', 'power'),
  field('voltage', 'voltage'),
  field('current', 'current'),
  field('aenergy.total', 'energy', kilowattHours),
  field('temperature.tC', 'device_temperature'),
]
const LIGHT = [field('output', 'state'), field('brightness', 'brightness'), ...METER]

/** Components of the second generation and what a home wants to know of them (Shelly API, "Components and Services"). */
const COMPONENTS: Readonly<Record<string, readonly Field[]>> = {
  switch: [field('output', 'state'), ...METER],
  light: LIGHT,
  rgb: LIGHT,
  rgbw: LIGHT,
  cct: LIGHT,
  cover: [field('state', 'state'), field('current_pos', 'position'), ...METER],
  input: [field('state', 'input'), field('percent', 'input_percent')],
  pm1: METER,
  em: [field('total_act_power', 'power'), field('total_current', 'current')],
  em1: [field('act_power', 'power'), field('voltage', 'voltage'), field('current', 'current')],
  emdata: [field('total_act', 'energy', kilowattHours)],
  em1data: [field('total_act_energy', 'energy', kilowattHours)],
  temperature: [field('tC', 'temperature')],
  humidity: [field('rh', 'humidity')],
  illuminance: [field('lux', 'illuminance')],
  voltmeter: [field('voltage', 'voltage')],
  devicepower: [field('battery.percent', 'battery')],
  smoke: [field('alarm', 'smoke')],
  flood: [field('alarm', 'flood')],
  presence: [field('value', 'presence')],
  thermostat: [
    field('target_C', 'target_temperature'),
    field('current_C', 'current_temperature'),
    field('output', 'state'),
  ],
  wifi: [field('rssi', 'rssi')],
  sys: [],
  cloud: [],
  mqtt: [],
  ws: [],
  ble: [],
  eth: [],
  script: [field('running', 'script_running')],
  ui: [],
}

const kindOf = (component: string) => component.split(':', 1)[0] ?? ''

export const isComponent = (component: string): boolean => Object.hasOwn(COMPONENTS, kindOf(component))

const MOST_COMPONENTS = 60
const MINOR: Trait = { minor: true }

/** Facts of a status: by component (`switch:0`). A notification holds a part of each, and says nothing of what it lacks. */
export function shellyFacts(
  status: Readonly<Record<string, unknown>>,
  extent: 'whole' | 'part',
): { readonly facts: Facts; readonly traits: Record<string, Trait>; readonly error?: string | null } {
  const facts: Facts = {}
  const errors: string[] = []
  let said = false
  for (const [key, component] of Object.entries(status).slice(0, MOST_COMPONENTS)) {
    if (!isComponent(key) || !isObject(component)) continue
    Object.assign(facts, componentFacts(component, key))
    if (extent === 'part' && !Array.isArray(component['errors'])) continue
    said = true
    errors.push(...errorsOf(component, key))
  }
  const minor = Object.keys(facts).filter((name) => /^(?:input|script)/.test(name))
  const traits = Object.fromEntries(minor.map((name) => [name, MINOR]))
  // A whole status without `errors` says that there are none; a part without them says nothing.
  return { facts, traits, ...(said && { error: errors.length === 0 ? null : errors.join(', ').slice(0, 200) }) }
}

function componentFacts(component: Readonly<Record<string, unknown>>, key: string): Facts {
  const number = Number(/:(\d{1,3})$/.exec(key)?.[1] ?? 0)
  // Add-on sensors count from 100.
  const suffix = number % 100 === 0 ? '' : `_${number}`
  const found = (COMPONENTS[kindOf(key)] ?? []).flatMap(({ path, name, of }) => {
    const fact = factOf(path.reduce<unknown>(member, component))
    return fact === undefined ? [] : [[name + suffix, of ? of(fact) : fact] as const]
  })
  return Object.fromEntries(found)
}

function errorsOf(component: Readonly<Record<string, unknown>>, key: string): string[] {
  const { errors } = component
  if (!Array.isArray(errors)) return []
  return errors.slice(0, 10).flatMap((error) => {
    const word = wordOf(error, 60)
    return word === undefined ? [] : [`${key} ${word.replaceAll('_', ' ')}`]
  })
}
