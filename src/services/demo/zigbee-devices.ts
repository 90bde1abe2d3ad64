import type { Chance } from './chance.ts'
import { light, linkQuality, numeric, plug, type Expose } from './exposes.ts'
import { energyMeter, isDue, round, type DeviceGuide, type Moment } from './node.ts'

/** What a device is, as the bridge lists it. */
export interface ZigbeeModel {
  readonly type: 'Router' | 'EndDevice'
  readonly powerSource: 'Mains (single phase)' | 'Battery'
  readonly vendor: string
  readonly model: string
  readonly modelId: string
  readonly manufacturer: string
  readonly description: string
  readonly exposes: readonly Expose[]
}

/** A device behind the bridge. */
export interface ZigbeeDevice {
  readonly model: ZigbeeModel
  /** Its state, or undefined when there is nothing new to report. */
  report(now: Moment): Record<string, unknown> | undefined
  state(now: Moment): Record<string, unknown>
  /** Changes one value; returns why not, or undefined. Absent: nothing can be set. */
  set?(key: string, value: unknown): string | undefined
}

/** A device with what its owner decided about it. */
export interface ZigbeeMember {
  readonly name: string
  readonly ieeeAddress: string
  readonly networkAddress: number
  readonly device: ZigbeeDevice
  readonly guide: Pick<DeviceGuide, 'room' | 'what'> & { readonly tries: readonly (readonly [string, string])[] }
}

/** Settable things take these words, in any case. */
function switched(on: boolean, value: unknown): boolean | undefined {
  const word = typeof value === 'string' ? value.toUpperCase() : undefined
  if (word === 'TOGGLE') return !on
  return word === 'ON' ? true : word === 'OFF' ? false : undefined
}

const badState = (value: unknown) => `state must be ON, OFF or TOGGLE, not ${JSON.stringify(value)}`

/** How well the radio hears it, around a usual value. */
export const linkquality = (chance: Chance, { ms }: Moment, usual: number) =>
  round(usual + 12 * chance.drift(`link ${usual}`, ms, 90_000))

export function dimmableBulb(chance: Chance): ZigbeeDevice {
  let on = false
  let brightness = 180
  const state = (now: Moment) => ({ brightness, linkquality: linkquality(chance, now, 152), state: on ? 'ON' : 'OFF' })
  return {
    model: {
      type: 'Router',
      powerSource: 'Mains (single phase)',
      vendor: 'Philips',
      model: '8718696449691',
      modelId: 'LWB010',
      manufacturer: 'Signify Netherlands B.V.',
      description: 'Hue White Single bulb B22',
      exposes: [light, linkQuality],
    },
    state,
    report: (now) => (isDue(now, 60, 7) ? state(now) : undefined),
    set(key, value) {
      if (key === 'transition') return undefined
      if (key === 'state') {
        const wanted = switched(on, value)
        if (wanted === undefined) return badState(value)
        on = wanted
        return undefined
      }
      if (key !== 'brightness' && key !== 'brightness_step') return 'no converter available'
      if (typeof value !== 'number' || !Number.isFinite(value)) return `${key} must be a number`
      const level = key === 'brightness' ? value : (on ? brightness : 0) + value
      on = level > 0
      // Off keeps the level for the next time it is switched on.
      if (on) brightness = Math.min(254, round(level))
      return undefined
    },
  }
}

/** A plug with a meter; `load` is what hangs on it. */
export function meteringPlug(chance: Chance, load: (now: Moment) => number): ZigbeeDevice {
  let on = true
  let reported = 0
  const meter = energyMeter(148.3)
  const watts = (now: Moment) => (on ? load(now) : 0)
  const state = (now: Moment) => {
    const power = watts(now)
    const { mainsVolts } = now.world
    return {
      current: round(power / mainsVolts, 2),
      energy: round(meter.kilowattHours, 2),
      linkquality: linkquality(chance, now, 120),
      power: round(power),
      state: on ? 'ON' : 'OFF',
      voltage: round(mainsVolts),
    }
  }
  return {
    model: {
      type: 'Router',
      powerSource: 'Mains (single phase)',
      vendor: 'Tuya',
      model: 'TS011F_plug_1',
      modelId: 'TS011F',
      manufacturer: '_TZ3000_g5xawfcq',
      description: 'Smart plug (with power monitoring)',
      exposes: [
        plug,
        numeric('power', 'Instantaneous measured power', { unit: 'W' }),
        numeric('current', 'Instantaneous measured electrical current', { unit: 'A' }),
        numeric('voltage', 'Measured electrical potential value', { unit: 'V' }),
        numeric('energy', 'Sum of consumed energy', { unit: 'kWh' }),
        linkQuality,
      ],
    },
    state,
    report(now) {
      const power = watts(now)
      meter.measure(power, now)
      const jumped = Math.abs(power - reported) > 100 && isDue(now, 5)
      if (!jumped && !isDue(now, 20, 3)) return undefined
      reported = power
      return state(now)
    },
    set(key, value) {
      if (key !== 'state') return 'no converter available'
      const wanted = switched(on, value)
      if (wanted === undefined) return badState(value)
      on = wanted
      return undefined
    },
  }
}
