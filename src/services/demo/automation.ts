import { isRecord, json, parseJson, plain, type HomeNode, type Message, type Moment } from './node.ts'

/** What belongs together in the house. */
export interface AutomationSpec {
  /** Where a motion sensor reports. */
  readonly motion: string
  /** The bulb's `set` topic. */
  readonly bulb: string
  /** The plug's power topic, for the lamp that is lit after dark. */
  readonly lamp: string
  /** The shutter's command topic. */
  readonly shutter: string
}

/** How long after the last motion the lights go out, seconds. */
const LINGER_SECONDS = 30

/** Below this daylight it is dark. */
const DUSK = 0.12

/** The rules that the people of the house once set up: motion lights the hall, dusk closes the shutter. */
export function automation(spec: AutomationSpec): HomeNode {
  let lit = false
  let offAtTick: number | undefined
  let wasDark: boolean | undefined

  const light = ({ world }: Moment): Message[] => {
    lit = true
    const bulb = json(spec.bulb, { state: 'ON', brightness: world.daylight < DUSK ? 110 : 220, transition: 2 })
    return world.daylight < DUSK ? [bulb, plain(spec.lamp, 'ON')] : [bulb]
  }
  const darken = (): Message[] => {
    lit = false
    return [json(spec.bulb, { state: 'OFF', transition: 5 }), plain(spec.lamp, 'OFF')]
  }

  return {
    clientId: 'demo-automation',
    subscriptions: [spec.motion],
    roots: [],
    guides: [],
    birth: () => [],
    tick(now) {
      const isDark = now.world.daylight < DUSK
      const shutter =
        wasDark === undefined || wasDark === isDark ? [] : [plain(spec.shutter, isDark ? 'close' : 'open')]
      wasDark = isDark
      if (offAtTick === undefined || now.tick < offAtTick) return shutter
      offAtTick = undefined
      return [...shutter, ...darken()]
    },
    receive(_topic, payload, now) {
      const report = parseJson(payload)
      if (!isRecord(report)) return []
      if (report['occupancy'] === true) {
        offAtTick = undefined
        return lit ? [] : light(now)
      }
      // Only what it lit itself it puts out.
      if (lit) offAtTick = now.tick + LINGER_SECONDS
      return []
    },
  }
}
