/** A message of a recording. */
export interface Recorded {
  readonly atMs: number
  readonly topic: string
  readonly payload: string
  readonly retained: boolean
}

/** What really happened, to hold an answer against. */
export interface Truth {
  /** Names of all devices. */
  readonly devices: readonly string[]
  /** Every change of a state, as device, value and time. */
  readonly changes: readonly { readonly device: string; readonly value: string; readonly atMs: number }[]
  /** Every error's own words, each once. */
  readonly errors: readonly string[]
  /** How each device with a state ended: topic and value of its member. */
  readonly finals: ReadonlyMap<string, string>
}

export interface Recording {
  readonly messages: readonly Recorded[]
  readonly truth: Truth
}

const ROOMS = ['kitchen', 'hall', 'bath', 'study', 'attic', 'garage', 'cellar', 'porch', 'nursery', 'laundry']
const LENGTH_S = 600

/** Ten minutes of a busy home, the same each time: meters that talk without pause, and now and then something happens. */
export function recordHome(total = 10_000, startMs = Date.UTC(2026, 5, 1, 18)): Recording {
  const chance = random(20_260_601)
  const messages: Recorded[] = []
  const devices: string[] = []
  const changes: { device: string; value: string; atMs: number }[] = []
  const errors: string[] = []
  const finals = new Map<string, string>()
  const say = (second: number, topic: string, payload: unknown, retained = false) =>
    messages.push({
      atMs: startMs + Math.round(second * 1000),
      topic,
      payload: typeof payload === 'string' ? payload : JSON.stringify(payload),
      retained,
    })
  const zigbee = (second: number, name: string, state: object) =>
    say(second, `zigbee2mqtt/${name}`, { ...state, linkquality: 60 + Math.floor(chance() * 90) })

  /** A state that turns a few times; what it is otherwise is said again and again. */
  const turning = (
    name: string,
    options: {
      turns: number
      everyS: number
      states: readonly [unknown, unknown]
      say: (second: number, value: unknown) => void
    },
  ) => {
    devices.push(name)
    const moments = Array.from({ length: options.turns }, () => 5 + chance() * (LENGTH_S - 10)).sort((a, b) => a - b)
    let value = 0
    const turnTo = (second: number) => {
      value = 1 - value
      options.say(second, options.states[value])
      changes.push({ device: name, value: String(options.states[value]), atMs: startMs + Math.round(second * 1000) })
    }
    for (let second = chance() * 3; second < LENGTH_S; second += options.everyS) {
      while ((moments[0] ?? LENGTH_S) < second) turnTo(moments.shift() ?? second)
      options.say(second, options.states[value])
    }
    for (const moment of moments) turnTo(moment)
    finals.set(name, String(options.states[value]))
  }

  for (const room of ROOMS) {
    const motion = `${room}_motion`
    turning(motion, {
      turns: room === 'hall' ? 12 : 4,
      everyS: 20,
      states: [false, true],
      say: (second, occupancy) =>
        zigbee(second, motion, { occupancy, illuminance: Math.floor(chance() * 300), battery: 90 }),
    })
    const light = `${room}_light`
    turning(light, {
      turns: 3,
      everyS: 30,
      states: ['OFF', 'ON'],
      say: (second, state) => zigbee(second, light, { state, brightness: 200, color_temp: 370 }),
    })
    const climate = `${room}_climate`
    devices.push(climate)
    for (let second = chance() * 8; second < LENGTH_S; second += 12)
      zigbee(second, climate, {
        temperature: 20 + round(chance() * 2),
        humidity: 45 + round(chance() * 5),
        battery: 80,
      })
  }
  for (const room of ROOMS.slice(0, 5)) {
    const door = `${room}_door`
    turning(door, {
      turns: 4,
      everyS: 60,
      states: [true, false],
      say: (second, contact) => zigbee(second, door, { contact, battery: 100, tamper: false }),
    })
  }

  const logged = (second: number, text: string) => {
    if (!errors.includes(text)) errors.push(text)
    say(second, 'zigbee2mqtt/bridge/logging', { level: 'error', message: text, namespace: 'z2m' })
  }
  for (let turn = 0; turn < 9; turn++) logged(20 + turn * 60, `Publish 'set' 'state' to 'garage_light' failed: timeout`)
  logged(333, `Failed to configure 'attic_climate', attempt 2`)
  logged(571.5, `Failed to ping 'porch_light'`)
  say(401, 'zigbee2mqtt/bridge/response/device/options', {
    status: 'error',
    error: `Device 'celar_door' does not exist`,
  })
  errors.push(`Device 'celar_door' does not exist`)
  for (const [second, state] of [
    [250, 'offline'],
    [310, 'online'],
    [480, 'offline'],
  ] as const) {
    say(second, 'zigbee2mqtt/nursery_climate/availability', { state }, false)
    changes.push({ device: 'nursery_climate', value: state, atMs: startMs + second * 1000 })
  }
  errors.push('nursery_climate/availability')

  const plugs = ROOMS.map((room) => `${room}_plug`)
  devices.push(...plugs)
  for (const plug of plugs) finals.set(plug, 'ON')
  const meters = total - messages.length
  for (let turn = 0; turn < meters; turn++) {
    const watts = round(12 + 40 * chance())
    zigbee((turn / meters) * LENGTH_S, plugs[turn % plugs.length] ?? '', {
      state: 'ON',
      power: watts,
      current: round(watts / 230),
      voltage: 229 + Math.floor(chance() * 4),
      energy: round(12 + turn / 1000),
    })
  }
  messages.sort((a, b) => a.atMs - b.atMs)
  return { messages, truth: { devices, changes: changes.sort((a, b) => a.atMs - b.atMs), errors, finals } }
}

const round = (value: number) => Math.round(value * 100) / 100

/** The same numbers each time (mulberry32). */
function random(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d_2b_79_f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}
