import { bridgeInfo, deviceEntry, COORDINATOR_ENTRY } from './zigbee-bridge.ts'
import {
  isRecord,
  json,
  parseJson,
  retained,
  type DeviceGuide,
  type HomeNode,
  type Message,
  type Moment,
} from './node.ts'
import type { ZigbeeMember } from './zigbee-devices.ts'

export const ZIGBEE_BASE = 'zigbee2mqtt'
const BASE = ZIGBEE_BASE

/** Words that may be sent to `set` without any JSON around them. */
const STATE_WORDS = new Set(['on', 'off', 'toggle'])

/** A Zigbee2MQTT bridge with its devices, on one connection as the real one. */
export function zigbeeBridge(members: readonly ZigbeeMember[]): HomeNode {
  const byName = new Map(members.map((member) => [member.name, member]))
  let permitJoinUntil: number | undefined

  const log = (level: 'info' | 'error', message: string): Message =>
    json(`${BASE}/bridge/logging`, { level, message, namespace: 'z2m' })
  const info = () => retained(json(`${BASE}/bridge/info`, bridgeInfo(permitJoinUntil)))
  const devices = () => {
    const entries = [...byName].map(([name, member]) => deviceEntry(name, member))
    return retained(json(`${BASE}/bridge/devices`, [COORDINATOR_ENTRY, ...entries]))
  }
  const availability = (name: string) => retained(json(`${BASE}/${name}/availability`, { state: 'online' }))
  const state = (name: string, payload: Record<string, unknown>, now: Moment) =>
    json(`${BASE}/${name}`, { ...payload, last_seen: new Date(now.ms).toISOString() })

  const set = (name: string, { device }: ZigbeeMember, values: Record<string, unknown>, now: Moment): Message[] => {
    const failures = Object.entries(values).flatMap(([key, value]) => {
      const why = device.set ? device.set(key, value) : 'no converter available'
      return why === undefined ? [] : [log('error', `Publish 'set' '${key}' to '${name}' failed: 'Error: ${why}'`)]
    })
    const changed = failures.length < Object.keys(values).length
    return [...failures, ...(changed ? [state(name, device.state(now), now)] : [])]
  }

  const command = (topic: string, payload: string, now: Moment): Message[] => {
    const [, name = '', verb, attribute] = topic.split('/')
    const member = byName.get(name)
    if (!member) return [log('error', `Entity '${name}' is unknown`)]
    if (verb === 'get') return [state(name, member.device.state(now), now)]
    const values = valuesOf(payload, attribute)
    return values
      ? set(name, member, values, now)
      : [log('error', `Invalid JSON '${payload.slice(0, 100)}', skipping...`)]
  }

  const rename = ({ from, to }: Record<string, unknown>): readonly [Record<string, unknown>, Message[]] => {
    const member = typeof from === 'string' ? byName.get(from) : undefined
    if (typeof from !== 'string' || !member) throw new Refusal(`Device '${String(from)}' does not exist`)
    if (typeof to !== 'string' || !/^[^/+#\0]{1,100}$/.test(to)) throw new Refusal('Invalid payload')
    if (to === 'bridge' || byName.has(to)) throw new Refusal(`friendly_name '${to}' is already in use`)
    byName.delete(from)
    byName.set(to, member)
    const gone = retained({ topic: `${BASE}/${from}/availability`, payload: '' })
    return [{ from, to, homeassistant_rename: false }, [devices(), gone, availability(to)]]
  }

  const permitJoin = (
    { time }: Record<string, unknown>,
    now: Moment,
  ): readonly [Record<string, unknown>, Message[]] => {
    if (typeof time !== 'number' || time < 0 || time > 254) throw new Refusal('Invalid payload')
    permitJoinUntil = time === 0 ? undefined : now.ms + time * 1000
    return [{ time }, [info()]]
  }

  const REQUESTS: Readonly<
    Record<string, (data: Record<string, unknown>, now: Moment) => readonly [object, Message[]]>
  > = {
    permit_join: permitJoin,
    'device/rename': rename,
    health_check: () => [{ healthy: true }, []],
    devices: () => [{}, [devices()]],
  }

  const request = (path: string, payload: string, now: Moment): Message[] => {
    const run = Object.hasOwn(REQUESTS, path) ? REQUESTS[path] : undefined
    // The real one has no answer either to what it does not know.
    if (!run) return []
    const parsed = parseJson(payload)
    const data = isRecord(parsed) ? parsed : {}
    const answer = (body: object) => {
      const transaction = data['transaction'] === undefined ? {} : { transaction: data['transaction'] }
      return json(`${BASE}/bridge/response/${path}`, { ...body, ...transaction })
    }
    try {
      const [result, messages] = run(data, now)
      return [...messages, answer({ data: result, status: 'ok' })]
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
      const failed = log('error', `Request '${BASE}/bridge/request/${path}' failed with error: '${error.message}'`)
      return [failed, answer({ data: {}, error: error.message, status: 'error' })]
    }
  }

  return {
    clientId: 'mqttjs_zigbee2mqtt_demo',
    will: retained(json(`${BASE}/bridge/state`, { state: 'offline' })),
    subscriptions: [`${BASE}/+/set`, `${BASE}/+/set/+`, `${BASE}/+/get`, `${BASE}/bridge/request/#`],
    roots: [`${BASE}/`],
    get guides() {
      return [...byName].map(([name, member]) => guideOf({ ...member, name }))
    },
    birth: (now) => [
      retained(json(`${BASE}/bridge/state`, { state: 'online' })),
      info(),
      devices(),
      retained(json(`${BASE}/bridge/groups`, [])),
      ...[...byName].flatMap(([name, { device }]) => [availability(name), state(name, device.state(now), now)]),
    ],
    tick(now) {
      const reports = [...byName].flatMap(([name, { device }]) => {
        const report = device.report(now)
        return report ? [state(name, report, now)] : []
      })
      if (permitJoinUntil === undefined || now.ms < permitJoinUntil) return reports
      permitJoinUntil = undefined
      return [...reports, info()]
    },
    receive(topic, payload, now) {
      const prefix = `${BASE}/bridge/request/`
      return topic.startsWith(prefix) ? request(topic.slice(prefix.length), payload, now) : command(topic, payload, now)
    },
  }
}

/** What the bridge answers with `status: error`. */
class Refusal extends Error {}

function valuesOf(payload: string, attribute: string | undefined): Record<string, unknown> | undefined {
  const value = parseJson(payload)
  if (attribute !== undefined) return { [attribute]: value ?? payload }
  if (isRecord(value)) return value
  return STATE_WORDS.has(payload.toLowerCase()) ? { state: payload } : undefined
}

function guideOf({ name, guide: { room, what, tries } }: ZigbeeMember): DeviceGuide {
  const topic = `${BASE}/${name}/set`
  return {
    name,
    family: 'Zigbee2MQTT',
    room,
    what,
    reports: [`${BASE}/${name}`, `${BASE}/${name}/availability`],
    commands: tries.map(([payload, effect]) => ({ topic, payload, effect })),
  }
}
