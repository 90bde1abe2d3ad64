import { isDue, isRecord, json, parseJson, plain, retained, round } from './node.ts'
import type { DeviceGuide, HomeNode, Message, Moment } from './node.ts'

/** A node that runs ESPHome and tells Home Assistant about itself. */
export interface EsphomeSpec {
  /** Node name and topic prefix. */
  readonly name: string
  readonly mac: string
  readonly board: string
  readonly room: string
  readonly what: string
}

const deviceOf = ({ name, mac, board }: EsphomeSpec) => ({
  ids: [mac],
  name,
  sw: 'esphome v2026.2.0',
  mdl: board,
  mf: 'Espressif',
  cns: [['mac', mac.match(/../g)?.join(':') ?? mac]],
})

/** A retained configuration under Home Assistant's discovery prefix, with its short names. */
function configOf(
  spec: EsphomeSpec,
  component: string,
  [object, more]: readonly [string, Record<string, unknown>],
): Message {
  return retained(
    json(`homeassistant/${component}/${spec.name}/${object}/config`, {
      uniq_id: `${spec.mac}-${component}-${object}`,
      avty_t: `${spec.name}/status`,
      dev: deviceOf(spec),
      ...more,
    }),
  )
}

/** What every node has in common: its will, its announcements, and saying them again when Home Assistant comes. */
function nodeOf(
  spec: EsphomeSpec,
  own: Pick<HomeNode, 'tick' | 'receive' | 'subscriptions'> & {
    components: readonly string[]
    configs: readonly Message[]
    states(now: Moment): Message[]
    guide: Pick<DeviceGuide, 'reports' | 'commands'>
  },
): HomeNode {
  const { name, room, what } = spec
  const birth = (now: Moment) => [retained(plain(`${name}/status`, 'online')), ...own.configs, ...own.states(now)]
  return {
    clientId: `${name}-${spec.mac}`,
    will: retained(plain(`${name}/status`, 'offline')),
    subscriptions: ['homeassistant/status', ...own.subscriptions],
    roots: [`${name}/`, ...own.components.map((component) => `homeassistant/${component}/${name}/`)],
    guides: [{ name, family: 'ESPHome', room, what, ...own.guide }],
    birth,
    tick: own.tick,
    receive(topic, payload, now) {
      if (topic !== 'homeassistant/status') return own.receive(topic, payload, now)
      return payload === 'online' ? [...own.configs, ...own.states(now)] : []
    },
  }
}

interface Reading {
  readonly object: string
  readonly name: string
  readonly deviceClass: string
  readonly unit: string
  readonly digits: number
  value(now: Moment): number
}

const READINGS: readonly Reading[] = [
  {
    object: 'co2',
    name: 'CO2',
    deviceClass: 'carbon_dioxide',
    unit: 'ppm',
    digits: 0,
    value: ({ world }) => world.co2Ppm,
  },
  { object: 'pm_2_5', name: 'PM 2.5', deviceClass: 'pm25', unit: 'µg/m³', digits: 1, value: ({ world }) => world.pm25 },
  {
    object: 'temperature',
    name: 'Temperature',
    deviceClass: 'temperature',
    unit: '°C',
    digits: 1,
    value: ({ world }) => world.indoorCelsius,
  },
  {
    object: 'humidity',
    name: 'Humidity',
    deviceClass: 'humidity',
    unit: '%',
    digits: 1,
    value: ({ world }) => world.humidity,
  },
]

/** Seconds between readings, all sensors of the node at once. */
const READ_SECONDS = 20

export function airQualityNode(spec: EsphomeSpec): HomeNode {
  const topicOf = (object: string) => `${spec.name}/sensor/${object}/state`
  // ESPHome retains every state, so that whoever comes later knows it at once.
  const states = (now: Moment) =>
    READINGS.map(({ object, digits, value }) => retained(plain(topicOf(object), value(now).toFixed(digits))))
  const configs = READINGS.map(({ object, name, deviceClass, unit, digits }) =>
    configOf(spec, 'sensor', [
      object,
      {
        name,
        stat_t: topicOf(object),
        dev_cla: deviceClass,
        unit_of_meas: unit,
        stat_cla: 'measurement',
        sug_dsp_prc: digits,
      },
    ]),
  )
  return nodeOf(spec, {
    components: ['sensor'],
    configs,
    states,
    subscriptions: [],
    tick: (now) => (isDue(now, READ_SECONDS, 5) ? states(now) : []),
    receive: () => [],
    guide: { reports: READINGS.map(({ object }) => topicOf(object)), commands: [] },
  })
}

interface Lamp {
  readonly on: boolean
  readonly brightness: number
  readonly color: { readonly r: number; readonly g: number; readonly b: number }
}

/** A lamp with Home Assistant's JSON schema for lights. */
export function deskLampNode(spec: EsphomeSpec): HomeNode {
  const base = `${spec.name}/light/desk_lamp`
  let lamp: Lamp = { on: false, brightness: 160, color: { r: 255, g: 214, b: 170 } }

  const states = (): Message[] => {
    const { on, brightness, color } = lamp
    return [retained(json(`${base}/state`, { state: on ? 'ON' : 'OFF', color_mode: 'rgb', brightness, color }))]
  }
  const warn = (text: string) => [plain(`${spec.name}/debug`, `[W][light:042]: ${text}`)]

  const receive = (_topic: string, payload: string): Message[] => {
    const command = parseJson(payload)
    if (!isRecord(command)) return warn('JSON parse error')
    const { state } = command
    const on = state === undefined ? lamp.on : switched(state, lamp.on)
    if (on === undefined) return warn(`Invalid state ${JSON.stringify(state)}`)
    lamp = {
      on,
      brightness: byte(command['brightness'], lamp.brightness),
      color: colorOf(command['color'], lamp.color),
    }
    return states()
  }

  return nodeOf(spec, {
    components: ['light'],
    configs: [
      configOf(spec, 'light', [
        'desk_lamp',
        {
          name: 'Desk Lamp',
          schema: 'json',
          stat_t: `${base}/state`,
          cmd_t: `${base}/command`,
          brightness: true,
          supported_color_modes: ['rgb'],
        },
      ]),
    ],
    states,
    subscriptions: [`${base}/command`],
    tick: () => [],
    receive,
    guide: {
      reports: [`${base}/state`, `${spec.name}/status`],
      commands: [
        {
          topic: `${base}/command`,
          payload: '{"state":"ON","brightness":200,"color":{"r":80,"g":120,"b":255}}',
          effect: 'switches it on, bright and blue',
        },
      ],
    },
  })
}

function switched(state: unknown, on: boolean): boolean | undefined {
  if (state === 'TOGGLE') return !on
  return state === 'ON' ? true : state === 'OFF' ? false : undefined
}

function colorOf(value: unknown, old: Lamp['color']): Lamp['color'] {
  if (!isRecord(value)) return old
  return { r: byte(value['r'], old.r), g: byte(value['g'], old.g), b: byte(value['b'], old.b) }
}

const byte = (value: unknown, old: number): number =>
  typeof value === 'number' && Number.isFinite(value) ? round(Math.min(255, Math.max(0, value))) : old
