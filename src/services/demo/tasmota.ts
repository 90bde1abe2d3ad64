import type { Chance } from './chance.ts'
import { energyMeter, isDue, json, localTime, plain, retained, round } from './node.ts'
import type { DeviceGuide, HomeNode, Message, Moment } from './node.ts'
import { discoveryConfig } from './tasmota-discovery.ts'

/** One device that runs Tasmota. */
export interface TasmotaSpec {
  /** Device and friendly name. */
  readonly name: string
  /** Its `%topic%`. */
  readonly topic: string
  readonly mac: string
  readonly ip: string
  readonly module: string
  readonly room: string
  readonly what: string
  readonly sensor: TasmotaSensor
  /** Whether it drops off the network now and then. */
  readonly isFlaky?: boolean
}

/** What it measures besides its own state: a part of `SENSOR`. */
export type TasmotaSensor = (now: Moment, on: boolean) => Record<string, unknown>

const SHORTEST_PERIOD = 10
const LONGEST_PERIOD = 3600

/** An energy meter; `watts` is drawn while the relay is on. */
export function energySensor(watts: number, chance: Chance): TasmotaSensor {
  const meter = energyMeter(31.482)
  const startKilowattHours = meter.kilowattHours
  return (now, on) => {
    const power = on ? watts + 1.5 * chance.drift('lamp', now.ms, 20_000) : 0
    meter.measure(power, now)
    const { mainsVolts } = now.world
    const apparent = power / 0.93
    return {
      ENERGY: {
        TotalStartTime: '2025-10-04T09:12:40',
        Total: round(meter.kilowattHours, 3),
        Yesterday: 0.213,
        Today: round(meter.kilowattHours - startKilowattHours, 3),
        Power: round(power),
        ApparentPower: round(apparent),
        ReactivePower: round(Math.sqrt(Math.max(0, apparent ** 2 - power ** 2))),
        Factor: power > 0 ? 0.93 : 0,
        Voltage: round(mainsVolts),
        Current: round(apparent / mainsVolts, 3),
      },
    }
  }
}

/** A DS18B20 on a bad cable: now and then no reading, or the 85 °C it has before its first one. */
export function badProbe(chance: Chance): TasmotaSensor {
  return (now, on) => {
    const luck = chance.of('probe', Math.floor(now.tick / 10))
    const celsius = round(now.world.greenhouseCelsius + (on ? 2.5 : 0), 1)
    const Temperature = luck < 0.06 ? null : luck < 0.1 ? 85 : celsius
    return { DS18B20: { Id: '01144A0D2CAA', Temperature }, TempUnit: 'C' }
  }
}

/** Three minutes are a slot; in most of them a flaky device is gone for a while. */
const AWAY = { slotMs: 180_000, shortestMs: 20_000, longestMs: 60_000, probability: 0.7 }

export function tasmotaDevice(spec: TasmotaSpec, chance: Chance): HomeNode {
  const { topic, sensor } = spec
  const offset = Math.floor(chance.of(topic) * 30)
  let on = false
  let period = 30
  let bornTick = 0

  const telemetry = (now: Moment): Message[] => [
    json(`tele/${topic}/STATE`, stateOf(now)),
    json(`tele/${topic}/SENSOR`, { Time: localTime(now), ...sensor(now, on) }),
  ]
  const stateOf = (now: Moment) => ({
    Time: localTime(now),
    Uptime: uptime(now.tick - bornTick),
    UptimeSec: now.tick - bornTick,
    Heap: 25,
    SleepMode: 'Dynamic',
    Sleep: 50,
    LoadAvg: 19,
    MqttCount: 1,
    POWER: on ? 'ON' : 'OFF',
    Wifi: {
      AP: 1,
      SSId: 'home',
      BSSId: '02:00:5E:10:00:01',
      Channel: 6,
      Mode: '11n',
      RSSI: round(70 + 8 * chance.drift(topic, now.ms, 60_000)),
      Signal: -65,
      LinkCount: 1,
      Downtime: '0T00:00:03',
    },
  })
  const result = (value: unknown) => json(`stat/${topic}/RESULT`, value)

  const power = (payload: string): Message[] => {
    const word = payload.trim().toUpperCase()
    if (['ON', '1', 'TRUE'].includes(word)) on = true
    else if (['OFF', '0', 'FALSE'].includes(word)) on = false
    else if (['TOGGLE', '2'].includes(word)) on = !on
    // Anything else asks how it is.
    const state = on ? 'ON' : 'OFF'
    return [result({ POWER: state }), plain(`stat/${topic}/POWER`, state)]
  }

  const telePeriod = (payload: string, now: Moment): Message[] => {
    const wanted = payload.trim() === '' ? period : Number(payload)
    if (!Number.isInteger(wanted) || wanted < 0) return [result({ Command: 'Error' })]
    period = wanted === 0 ? 0 : Math.min(LONGEST_PERIOD, Math.max(SHORTEST_PERIOD, wanted))
    return [result({ TelePeriod: period }), ...telemetry(now)]
  }

  const STATUS: Readonly<Record<string, (now: Moment) => readonly [string, unknown]>> = {
    '': () => [
      'STATUS',
      { Status: { Module: 1, DeviceName: spec.name, FriendlyName: [spec.name], Topic: topic, Power: Number(on) } },
    ],
    '2': () => ['STATUS2', { StatusFWR: { Version: '14.6.0(release-tasmota)', Hardware: 'ESP8266EX' } }],
    '5': () => ['STATUS5', { StatusNET: { Hostname: hostname(spec), IPAddress: spec.ip, Mac: colons(spec.mac) } }],
    '8': (now) => ['STATUS8', { StatusSNS: { Time: localTime(now), ...sensor(now, on) } }],
    '10': (now) => ['STATUS10', { StatusSNS: { Time: localTime(now), ...sensor(now, on) } }],
    '11': (now) => ['STATUS11', { StatusSTS: stateOf(now) }],
  }

  const status = (payload: string, now: Moment): Message[] => {
    const kinds = payload.trim() === '0' ? Object.keys(STATUS) : [payload.trim()]
    return kinds.flatMap((kind) => {
      const [name, value] = (Object.hasOwn(STATUS, kind) ? STATUS[kind] : undefined)?.(now) ?? []
      return name === undefined ? [] : [json(`stat/${topic}/${name}`, value)]
    })
  }

  return {
    clientId: `DVES_${spec.mac.slice(-6)}`,
    will: retained(plain(`tele/${topic}/LWT`, 'Offline')),
    subscriptions: [`cmnd/${topic}/+`],
    roots: [`tele/${topic}/`, `tasmota/discovery/${spec.mac}/`],
    guides: [guideOf(spec)],
    birth(now) {
      bornTick = now.tick
      return [
        retained(plain(`tele/${topic}/LWT`, 'Online')),
        ...discovery(spec, { sn: { Time: localTime(now), ...sensor(now, on) }, ver: 1 }),
        json(`tele/${topic}/INFO1`, { Info1: { Module: spec.module, Version: '14.6.0(release-tasmota)' } }),
        json(`tele/${topic}/INFO2`, {
          Info2: { WebServerMode: 'Admin', Hostname: hostname(spec), IPAddress: spec.ip },
        }),
        json(`tele/${topic}/INFO3`, {
          Info3: { RestartReason: spec.isFlaky ? 'Exception' : 'Power On', BootCount: 17 },
        }),
        ...power(''),
        ...telemetry(now),
      ]
    },
    tick: (now) => (period > 0 && isDue(now, period, offset) ? telemetry(now) : []),
    receive(received, payload, now) {
      const command = (received.split('/').at(-1) ?? '').toUpperCase()
      if (command === 'POWER' || command === 'POWER1') return power(payload)
      if (command === 'TELEPERIOD') return telePeriod(payload, now)
      if (command === 'STATUS') return status(payload, now)
      if (command === 'STATE') return [result(stateOf(now))]
      return [result({ Command: 'Unknown' })]
    },
    // By our time, not the home's: a faster home is not a flakier one.
    isAway: (now) => spec.isFlaky === true && chance.pulse(`${topic} away`, now.tick * 1000, AWAY),
  }
}

const discovery = (spec: TasmotaSpec, sensors: unknown): Message[] => [
  retained(json(`tasmota/discovery/${spec.mac}/config`, discoveryConfig(spec, hostname(spec)))),
  retained(json(`tasmota/discovery/${spec.mac}/sensors`, sensors)),
]

/** The topic and the last four digits of the address as a decimal number below 8192, as the firmware does it. */
const hostname = ({ topic, mac }: TasmotaSpec) =>
  `${topic.replaceAll('_', '-')}-${String(Number.parseInt(mac.slice(-4), 16) & 0x1fff).padStart(4, '0')}`

const colons = (mac: string) => mac.match(/../g)?.join(':') ?? mac

/** `0T01:02:03`: days, then the time. */
function uptime(seconds: number): string {
  const clock = new Date((seconds % 86_400) * 1000).toISOString().slice(11, 19)
  return `${Math.floor(seconds / 86_400)}T${clock}`
}

function guideOf({ name, topic, room, what }: TasmotaSpec): DeviceGuide {
  const command = (verb: string, payload: string, effect: string) => ({
    topic: `cmnd/${topic}/${verb}`,
    payload,
    effect,
  })
  return {
    name,
    family: 'Tasmota',
    room,
    what,
    reports: [`tele/${topic}/LWT`, `tele/${topic}/STATE`, `tele/${topic}/SENSOR`, `stat/${topic}/RESULT`],
    commands: [
      command('POWER', 'TOGGLE', 'switches it and answers at stat/…/POWER'),
      command('STATUS', '8', 'asks for its sensors; the answer comes at stat/…/STATUS8'),
    ],
  }
}
