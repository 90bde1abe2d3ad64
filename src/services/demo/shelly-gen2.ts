import type { Chance } from './chance.ts'
import { energyMeter, isDue, isRecord, json, parseJson, plain, retained, round } from './node.ts'
import type { HomeNode, Message, Moment } from './node.ts'

/** A relay with a meter on a Shelly of the second generation. */
export interface RelaySpec {
  readonly id: string
  readonly mac: string
  readonly room: string
  readonly what: string
  /** What is drawn while it is on. */
  readonly load: (now: Moment) => number
}

/** An error as JSON-RPC of the second generation has it. */
class RpcError extends Error {
  readonly code: number

  constructor(code: number, message: string) {
    super(message)
    this.code = code
  }
}

const INVALID_ARGUMENT = -103
const NOT_FOUND = -105

/** A difference of power that is worth a notification, watts. */
const NOTABLE_WATTS = 20

export function meteredRelay({ id, mac, room, what, load }: RelaySpec, chance: Chance): HomeNode {
  const meter = energyMeter(87.4)
  let output = true
  let source = 'init'
  let notifiedWatts = 0
  let offAtTick: number | undefined

  const watts = (now: Moment) => (output ? round(load(now), 1) : 0)

  const switchStatus = (now: Moment) => {
    const apower = watts(now)
    const { mainsVolts } = now.world
    const tC = round(41 + 3 * chance.drift(id, now.ms, 300_000) + apower / 400, 1)
    return {
      id: 0,
      source,
      output,
      apower,
      voltage: round(mainsVolts, 1),
      freq: 50,
      current: round(apower / mainsVolts, 3),
      aenergy: {
        total: round(meter.kilowattHours * 1000, 3),
        by_minute: [round((apower / 60) * 1000, 3), 0, 0],
        minute_ts: Math.floor(now.ms / 60_000) * 60,
      },
      temperature: { tC, tF: round(tC * 1.8 + 32, 1) },
    }
  }

  const notify = (now: Moment, params: object): Message =>
    json(`${id}/events/rpc`, {
      src: id,
      dst: `${id}/events`,
      method: 'NotifyStatus',
      params: { ts: round(now.ms / 1000, 2), ...params },
    })
  const status = (now: Moment) => json(`${id}/status/switch:0`, switchStatus(now))

  /** A notification holds only what changed; who listens lays it over what it knows. */
  const powerNews = (now: Moment): Message[] => {
    notifiedWatts = watts(now)
    const { apower, current } = switchStatus(now)
    return [notify(now, { 'switch:0': { id: 0, apower, current } })]
  }

  const turn = (on: boolean, by: string, now: Moment): Message[] => {
    const changed = on !== output
    output = on
    source = by
    offAtTick = undefined
    if (!changed) return []
    notifiedWatts = watts(now)
    const { apower } = switchStatus(now)
    return [notify(now, { 'switch:0': { id: 0, output, source, apower } }), status(now)]
  }

  const set = (params: Record<string, unknown>, now: Moment): readonly [object, Message[]] => {
    const { on, toggle_after: after } = params
    if (typeof on !== 'boolean')
      throw new RpcError(INVALID_ARGUMENT, `Argument 'on', value ${JSON.stringify(on)} is not a boolean!`)
    if (after !== undefined && !(typeof after === 'number' && after > 0))
      throw new RpcError(
        INVALID_ARGUMENT,
        `Argument 'toggle_after', value ${JSON.stringify(after)} is not a positive number!`,
      )
    const was_on = output
    const messages = turn(on, 'MQTT', now)
    if (after !== undefined) offAtTick = now.tick + Math.ceil(after)
    return [{ was_on }, messages]
  }

  const toggle = (now: Moment): readonly [object, Message[]] => {
    const was_on = output
    return [{ was_on }, turn(!output, 'MQTT', now)]
  }

  const deviceInfo = () => ({
    name: null,
    id,
    mac,
    slot: 0,
    model: 'SNSW-001P16EU',
    gen: 2,
    fw_id: '20250924-062729/1.7.1-gd336f31',
    ver: '1.7.1',
    app: 'Plus1PM',
    auth_en: false,
    auth_domain: null,
  })

  const fullStatus = (now: Moment) => ({
    mqtt: { connected: true },
    'switch:0': switchStatus(now),
    sys: { mac, restart_required: false, unixtime: Math.floor(now.ms / 1000), uptime: now.tick, available_updates: {} },
    wifi: { sta_ip: '192.0.2.31', status: 'got ip', ssid: 'home', rssi: -58 },
  })

  const METHODS: Readonly<
    Record<string, (params: Record<string, unknown>, now: Moment) => readonly [object, Message[]]>
  > = {
    'Shelly.GetDeviceInfo': () => [deviceInfo(), []],
    'Shelly.GetStatus': (_, now) => [fullStatus(now), []],
    'Shelly.ListMethods': () => [{ methods: Object.keys(METHODS) }, []],
    'Switch.GetStatus': (_, now) => [switchStatus(now), []],
    'Switch.Set': set,
    'Switch.Toggle': (_, now) => toggle(now),
    'Switch.ResetCounters': () => {
      const aenergy = { total: round(meter.kilowattHours * 1000, 3) }
      meter.reset()
      return [{ aenergy }, []]
    },
  }

  const run = (method: string, params: Record<string, unknown>, now: Moment) => {
    const known = Object.hasOwn(METHODS, method) ? METHODS[method] : undefined
    if (!known) throw new RpcError(404, `No handler for ${method}`)
    if (method.startsWith('Switch.')) {
      if (params['id'] === undefined) throw new RpcError(INVALID_ARGUMENT, "Missing required argument 'id'!")
      if (params['id'] !== 0)
        throw new RpcError(NOT_FOUND, `Argument 'id', value ${JSON.stringify(params['id'])} not found!`)
    }
    return known(params, now)
  }

  const rpc = (payload: string, now: Moment): Message[] => {
    const request = parseJson(payload)
    if (!isRecord(request)) return []
    const { method, params, src } = request
    // An answer, or nothing of ours.
    if (typeof method !== 'string') return []
    const reply = (body: object): Message[] =>
      isReplyTopic(src) ? [json(`${src}/rpc`, { id: request['id'] ?? 0, src: id, dst: src, ...body })] : []
    try {
      const [result, messages] = run(method, isRecord(params) ? params : {}, now)
      return [...reply({ result }), ...messages]
    } catch (error) {
      if (!(error instanceof RpcError)) throw error
      return reply({ error: { code: error.code, message: error.message } })
    }
  }

  const SIMPLE: Readonly<Record<string, (now: Moment) => Message[]>> = {
    on: (now) => turn(true, 'MQTT', now),
    off: (now) => turn(false, 'MQTT', now),
    toggle: (now) => turn(!output, 'MQTT', now),
    status_update: (now) => [status(now)],
  }

  return {
    clientId: id,
    will: retained(plain(`${id}/online`, 'false')),
    subscriptions: [`${id}/rpc`, `${id}/command`, `${id}/command/switch:0`],
    roots: [`${id}/`],
    guides: [
      {
        name: id,
        family: 'Shelly Gen2',
        room,
        what,
        reports: [`${id}/status/switch:0`, `${id}/events/rpc`, `${id}/online`],
        commands: [
          {
            topic: `${id}/rpc`,
            payload: '{"id":1,"src":"my-client","method":"Switch.Set","params":{"id":0,"on":false}}',
            effect: 'switches it off; the answer comes at my-client/rpc',
          },
          { topic: `${id}/command/switch:0`, payload: 'on', effect: 'switches it on' },
        ],
      },
    ],
    birth: (now) => [retained(plain(`${id}/online`, 'true')), status(now)],
    tick(now) {
      const power = watts(now)
      meter.measure(power, now)
      if (offAtTick !== undefined && now.tick >= offAtTick) return turn(!output, 'timer', now)
      const news = Math.abs(power - notifiedWatts) >= NOTABLE_WATTS && isDue(now, 3) ? powerNews(now) : []
      return isDue(now, 30, 23) ? [...news, status(now)] : news
    },
    receive(topic, payload, now) {
      if (topic === `${id}/rpc`) return rpc(payload, now)
      return Object.hasOwn(SIMPLE, payload) ? (SIMPLE[payload]?.(now) ?? []) : []
    },
  }
}

/** Where an answer can be published; without one the caller wants none. */
const isReplyTopic = (src: unknown): src is string =>
  typeof src === 'string' && src !== '' && src.length < 200 && !/[+#\0]/.test(src)
