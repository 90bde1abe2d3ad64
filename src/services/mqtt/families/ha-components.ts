import type { Facts, FactValue } from './device.ts'
import type { Trait } from './family.ts'
import type { Component } from './ha-config.ts'
import { readTemplate, type Template } from './ha-template.ts'
import type { Heard } from './heard.ts'
import { factOf, flatten, isObject, numberOf, slug, wordOf, type JsonObject } from './values.ts'

/** What a topic says of a component, and how the facts it brings are named. */
export interface Reader {
  readonly topic: string
  readonly traits: Readonly<Record<string, Trait>>
  facts(heard: Heard): Facts
}

/** Options that name a topic, the fact it brings, and the option with its template. */
const TOPICS: readonly (readonly [topic: string, fact: string, template: string])[] = [
  ['state_topic', 'state', 'value_template'],
  ['brightness_state_topic', 'brightness', 'brightness_value_template'],
  ['position_topic', 'position', 'position_template'],
  ['percentage_state_topic', 'percentage', 'percentage_value_template'],
  ['current_temperature_topic', 'current_temperature', 'current_temperature_template'],
  ['current_humidity_topic', 'humidity', 'current_humidity_template'],
  ['temperature_state_topic', 'target_temperature', 'temperature_state_template'],
  ['target_humidity_state_topic', 'target_humidity', 'target_humidity_state_template'],
  ['mode_state_topic', 'mode', 'mode_state_template'],
  ['fan_mode_state_topic', 'fan_mode', 'fan_mode_state_template'],
  ['preset_mode_state_topic', 'preset_mode', 'preset_mode_value_template'],
  ['power_state_topic', 'state', 'power_state_template'],
  ['action_topic', 'activity', 'action_template'],
  ['activity_state_topic', 'activity', 'activity_value_template'],
  ['battery_level_topic', 'battery', 'battery_level_template'],
  ['charging_topic', 'charging', 'charging_template'],
  ['error_topic', 'error', 'error_template'],
]

/** What has one value and a name of its own, other than what is switched or moved. */
const MEASURING = new Set(['sensor', 'binary_sensor', 'number', 'select', 'text', 'date', 'time', 'datetime', 'event'])
/** Words that Home Assistant itself takes for no value. */
const NO_VALUE = new Set(['', 'none', 'unknown', 'unavailable', 'null', 'nan'])

/** The readers of a component: one for each of its topics. */
export function readersOf(component: Component): Reader[] {
  const { options, platform } = component
  if (platform === 'device_automation' || platform === 'tag') return triggerReader(component)
  const readers = TOPICS.flatMap(([option, fact, template]): Reader[] => {
    const topic = wordOf(options[option], 500)
    if (topic === undefined) return []
    const source = wordOf(
      options[option === 'state_topic' && platform === 'light' ? 'state_value_template' : template],
      500,
    )
    return [reader(component, { topic, fact, template: source })]
  })
  return [...readers, ...attributeReader(options)]
}

interface Source {
  readonly topic: string
  readonly fact: string
  readonly template: string | undefined
}

function reader(component: Component, { topic, fact, template }: Source): Reader {
  const { platform, options } = component
  const read = template === undefined ? plainly : readTemplate(template)
  const key = (name: string) => `${platform}.${component.key}.${name}`
  const main = fact === 'state' && MEASURING.has(platform)
  const traits = main ? { [key(fact)]: measuredTrait(component) } : partTraits(component, fact, key)
  const inObject = !main && fact === 'state' && (options['schema'] === 'json' || platform === 'vacuum')
  return {
    topic,
    traits,
    facts(heard) {
      if (inObject) return isObject(heard.value) ? partsOf(heard.value, key) : {}
      // Beyond this program: the fact exists, and what it is stays unknown.
      if (!read) return { [key(fact)]: null }
      const shown = read(heard)
      if (shown === undefined) return {}
      const value = valueOf(shown, fact, component)
      return value === undefined ? {} : { [key(fact)]: value }
    },
  }
}

const plainly: Template = ({ text }) => text

/** `{"state":"ON","brightness":200}` of a light with the JSON schema, and a vacuum's likewise. */
function partsOf(value: JsonObject, key: (name: string) => string): Facts {
  const { state, brightness, color_temp: colorTemp, battery_level: battery, fan_speed: fanSpeed } = value
  const parts = { state, brightness, color_temp: colorTemp, battery, fan_speed: fanSpeed }
  const facts = Object.entries(parts).flatMap(([name, part]) => {
    const fact = factOf(part)
    return fact === undefined ? [] : [[key(name), fact] as const]
  })
  return Object.fromEntries(facts)
}

function measuredTrait({ key, platform, options }: Component): Trait {
  const label = wordOf(options['name'], 60)
  const kind = wordOf(options['device_class'], 40)
  const unit = wordOf(options['unit_of_measurement'], 20)
  const category = options['entity_category']
  return {
    name: slug(label ?? kind ?? key) || 'value',
    group: key,
    ...(label !== undefined && { label }),
    ...(kind !== undefined && { class: platform === 'binary_sensor' && kind === 'battery' ? 'battery_low' : kind }),
    ...(unit !== undefined && { unit }),
    ...(category !== undefined && category !== null && kind !== 'battery' && { minor: true }),
  }
}

function partTraits({ key, options }: Component, fact: string, keyOf: (name: string) => string): Record<string, Trait> {
  const label = wordOf(options['name'], 60)
  const group = label ?? key
  const unit = fact.endsWith('temperature') && options['temperature_unit'] === 'F' ? { unit: '°F' } : {}
  const max = numberOf(options['brightness_scale']) ?? 255
  const trait = (name: string): Trait => ({
    name,
    group,
    class: name,
    ...(name === 'brightness' && { max }),
    ...(name === 'state' && label !== undefined && { label }),
    ...unit,
  })
  const names = fact === 'state' ? ['state', 'brightness', 'color_temp', 'battery', 'fan_speed'] : [fact]
  return Object.fromEntries(names.map((name) => [keyOf(name), trait(name)]))
}

function valueOf(shown: unknown, fact: string, { platform, options }: Component): FactValue | undefined {
  const value = factOf(shown)
  if (value === undefined || value === null) return value
  const text = String(value)
  if (NO_VALUE.has(text.toLowerCase())) return null
  if (fact === 'position') return positionOf(text, options)
  if (fact !== 'state') return numberOf(value) ?? value
  if (platform === 'event') return wordOf(isObject(shown) ? shown['event_type'] : text) ?? null
  const words = WORDS[platform]?.(options)
  const found = words?.find(([word]) => word === text || word.toLowerCase() === text.toLowerCase())
  return found ? found[1] : (numberOf(value) ?? value)
}

type Words = readonly (readonly [word: string, means: FactValue])[]

const option = (options: JsonObject, name: string, usual: string): string => {
  const value = options[name]
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? String(value) : usual
}

const onOff = (options: JsonObject): Words => [
  [option(options, 'state_on', option(options, 'payload_on', 'ON')), true],
  [option(options, 'state_off', option(options, 'payload_off', 'OFF')), false],
]

const opening = (options: JsonObject): Words =>
  ['open', 'closed', 'opening', 'closing', 'stopped'].map((word) => [option(options, `state_${word}`, word), word])

/** What the words of a state mean, by kind of component; Home Assistant's defaults where none are given. */
const WORDS: Readonly<Record<string, (options: JsonObject) => Words>> = {
  binary_sensor: onOff,
  switch: onOff,
  light: onOff,
  fan: onOff,
  siren: onOff,
  humidifier: onOff,
  cover: opening,
  valve: opening,
  lock: (options) => ['locked', 'unlocked'].map((word) => [option(options, `state_${word}`, word.toUpperCase()), word]),
  device_tracker: (options) => [
    [option(options, 'payload_home', 'home'), 'home'],
    [option(options, 'payload_not_home', 'not_home'), 'not home'],
  ],
}

function positionOf(text: string, options: JsonObject): FactValue {
  const value = numberOf(text)
  const open = numberOf(options['position_open']) ?? 100
  const closed = numberOf(options['position_closed']) ?? 0
  if (value === undefined || open === closed) return null
  return Math.round(((value - closed) / (open - closed)) * 100)
}

/** Attributes of a topic of their own; at the state's topic they would only say the same again. */
function attributeReader(options: JsonObject): Reader[] {
  const topic = wordOf(options['json_attributes_topic'], 500)
  if (topic === undefined || topic === options['state_topic']) return []
  const source = wordOf(options['json_attributes_template'], 500)
  const read = source === undefined ? ({ value }: { value: unknown }) => value : readTemplate(source)
  return [
    {
      topic,
      traits: {},
      facts(heard) {
        const value = read?.(heard)
        return isObject(value) ? flatten(value, slug) : {}
      },
    },
  ]
}

/** A button announces each press as a trigger of its own. */
function triggerReader({ options }: Component): Reader[] {
  const topic = wordOf(options['topic'], 500)
  const action = [options['subtype'], options['type']].flatMap((word) => wordOf(word, 40) ?? []).join(' ')
  if (topic === undefined || action === '') return []
  const read = readTemplate(wordOf(options['value_template'], 500) ?? '{{ value }}')
  const wanted = wordOf(options['payload'])
  return [
    {
      topic,
      traits: {},
      facts: (heard) =>
        wanted === undefined || read?.(heard) === wanted ? { action: action.replaceAll('_', ' ') } : {},
    },
  ]
}
