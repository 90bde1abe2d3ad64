import type { Claim } from './family.ts'
import type { Heard } from './heard.ts'
import { flatten, isObject, onlineOf, scalarOf } from './values.ts'

/** Names that only things at home have. A topic or member called so is a measurement or a state. */
const EVIDENT = new Set(
  (
    'temperature humidity pressure illuminance co2 pm25 pm10 soil_moisture water_leak power energy voltage current ' +
    'battery brightness position contact occupancy motion smoke presence rssi linkquality'
  ).split(' '),
)

/** The last level of topics that carry all of a device's state. */
const STATE_LEVELS = new Set(['state', 'status', 'sensor', 'sensors', 'telemetry', 'tele', 'data', 'attributes'])
const AVAILABILITY_LEVELS = new Set(['online', 'availability', 'lwt', 'available'])

/** What a message of no known family says, where it is evident that a device sent it: a guess, and marked as one. */
export function guess(heard: Heard): Claim | undefined {
  const { topic, value } = heard
  if (topic.startsWith('$') || topic.length > LONGEST_TOPIC || heard.payload.length === 0) return undefined
  const parent = topic.slice(0, Math.max(0, topic.lastIndexOf('/')))
  const last = topic.slice(topic.lastIndexOf('/') + 1).toLowerCase()
  if (!isObject(value)) return parent === '' ? undefined : guessScalar(heard.text, parent, last)
  const facts = flatten(value, (key) => key.toLowerCase())
  if (!Object.keys(facts).some((name) => EVIDENT.has(name))) return undefined
  return { device: STATE_LEVELS.has(last) && parent !== '' ? parent : topic, kind: 'state', facts }
}

const LONGEST_TOPIC = 500

function guessScalar(text: string, device: string, last: string): Claim | undefined {
  const online = AVAILABILITY_LEVELS.has(last) ? onlineOf(text) : undefined
  if (online !== undefined) return { device, kind: 'availability', online }
  const fact = EVIDENT.has(last) ? scalarOf(text) : undefined
  if (fact === undefined || (typeof fact === 'string' && !/^\w{1,20}$/.test(fact))) return undefined
  return { device, kind: 'state', facts: { [last]: fact } }
}
