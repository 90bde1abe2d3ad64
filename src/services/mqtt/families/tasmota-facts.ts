import type { FactValue, Facts } from './device.ts'
import type { Trait } from './family.ts'
import { factOf, isObject, slug } from './values.ts'

/** Members of STATE and RESULT that are worth keeping, by their names. */
const STATE_NAMES: Readonly<Record<string, string>> = {
  Dimmer: 'brightness',
  Color: 'color',
  CT: 'color_temp',
  FanSpeed: 'fan_speed',
  ThermostatModeSet: 'mode',
  TempTargetSet: 'target_temperature',
}

/** Facts of STATE, RESULT and POWER: `POWER` and `POWER1` are the first relay. */
export function stateFacts(value: Readonly<Record<string, unknown>>): Facts {
  const facts: Facts = {}
  for (const [key, member] of Object.entries(value).slice(0, 100)) {
    const power = /^POWER(\d{0,2})$/.exec(key)
    const fact = factOf(member)
    if (power && fact !== undefined) facts[channel('state', Number(power[1] === '' ? 1 : power[1]))] = fact
    else if (Object.hasOwn(STATE_NAMES, key) && fact !== undefined) facts[STATE_NAMES[key] ?? key] = fact
    else if (/^Shutter\d$/.test(key) && isObject(member)) {
      const position = factOf(member['Position'])
      if (position !== undefined) facts[channel('position', Number(key.slice(7)))] = position
    } else if (key === 'Wifi' && isObject(member)) {
      const signal = factOf(member['Signal'])
      if (signal !== undefined) facts['rssi'] = signal
    }
  }
  return facts
}

const channel = (name: string, number: number) => (number <= 1 ? name : `${name}_${number}`)

/** Of the meter: what has its own name already or is of no use in a home is left as it is called. */
const METER_NAMES: Readonly<Record<string, string>> = {
  Total: 'energy',
  Today: 'energy_today',
  Yesterday: 'energy_yesterday',
  Factor: 'power_factor',
}

const OF_METER: Readonly<Record<string, Trait>> = {
  energy_today: { unit: 'kWh', minor: true },
  energy_yesterday: { unit: 'kWh', minor: true },
  apparent_power: { unit: 'VA', minor: true },
  reactive_power: { unit: 'var', minor: true },
  power_factor: { minor: true },
}

const NO_SENSOR = new Set(['Time', 'TempUnit', 'PressureUnit', 'SpeedUnit', 'ESP32'])

/** Facts of SENSOR: one object for each sensor, named after its chip. */
export function sensorFacts(value: Readonly<Record<string, unknown>>): {
  readonly facts: Facts
  readonly traits: Record<string, Trait>
} {
  const facts: Facts = {}
  const traits: Record<string, Trait> = {}
  const sensors = Object.entries(value)
    .filter(([key]) => !NO_SENSOR.has(key))
    .slice(0, 40)
  const put = (name: string, fact: FactValue | undefined, trait: Trait | undefined) => {
    if (fact === undefined) return
    facts[name] = fact
    if (trait) traits[name] = trait
  }
  const objects = sensors.flatMap(([key, sensor]) => (isObject(sensor) ? [[key, sensor] as const] : []))
  for (const [key, sensor] of sensors) if (!isObject(sensor)) put(slug(key), factOf(sensor), undefined)
  for (const [key, sensor] of objects)
    for (const [member, inner] of Object.entries(sensor).slice(0, 40)) {
      if (member === 'Id' || member === 'TotalStartTime') continue
      const alone = objects.filter(([, other]) => Object.hasOwn(other, member)).length === 1
      const plain = (Object.hasOwn(METER_NAMES, member) ? METER_NAMES[member] : undefined) ?? slug(member)
      const name = alone ? plain : `${slug(key)}_${plain}`
      const trait = traitOf(plain, name, value)
      for (const [at, each] of (Array.isArray(inner) ? inner.slice(0, 8) : [inner]).entries())
        put(channel(name, at + 1), factOf(each), trait)
    }
  return { facts, traits }
}

const TEMPERATURES = new Set(['temperature', 'dew_point'])

function traitOf(plain: string, name: string, message: Readonly<Record<string, unknown>>): Trait | undefined {
  if (Object.hasOwn(OF_METER, plain)) return OF_METER[plain]
  const unit = TEMPERATURES.has(plain) && message['TempUnit'] === 'F' ? { unit: '°F' } : {}
  if (plain === 'dew_point') return { unit: '°C', ...unit, minor: true }
  if (plain === 'pressure' && typeof message['PressureUnit'] === 'string')
    return { unit: message['PressureUnit'].slice(0, 10) }
  if (name === plain) return 'unit' in unit ? unit : undefined
  // Two probes: each has its chip's name beside the value.
  return { ...unit, class: plain, group: name }
}
