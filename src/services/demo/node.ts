import type { World } from './world.ts'

/** A moment in the demo home. */
export interface Moment {
  /** Time of the home, milliseconds since 1970. It runs faster than ours when the demo is told so. */
  readonly ms: number
  /** The same as the clock on the wall shows it. */
  readonly localMs: number
  /** Seconds since the demo began, by our time: what paces the devices, however fast the home's time runs. */
  readonly tick: number
  readonly world: World
}

/** A message that a device publishes. */
export interface Message {
  readonly topic: string
  readonly payload: string
  readonly retain?: boolean
}

/** What to know of a device before one speaks with it. */
export interface DeviceGuide {
  readonly name: string
  readonly family: 'Zigbee2MQTT' | 'Tasmota' | 'Shelly Gen1' | 'Shelly Gen2' | 'ESPHome'
  readonly room: string
  readonly what: string
  /** Where it reports. */
  readonly reports: readonly string[]
  /** What can be sent to it. */
  readonly commands: readonly { readonly topic: string; readonly payload: string; readonly effect: string }[]
}

/**
 * Something with a connection of its own: a bridge or a device. It keeps its own state; what it says is a function of
 * that and the moment, so that tests need no broker.
 */
export interface HomeNode {
  readonly clientId: string
  /** What the broker says of it when its connection breaks. */
  readonly will?: Message
  readonly subscriptions: readonly string[]
  /** Every topic it ever retains lies below one of these. */
  readonly roots: readonly string[]
  readonly guides: readonly DeviceGuide[]
  /** What it says when it has connected. */
  birth(now: Moment): Message[]
  /** What it says this second. */
  tick(now: Moment): Message[]
  receive(topic: string, payload: string, now: Moment): Message[]
  /** Whether it has dropped off the network at this moment. */
  isAway?(now: Moment): boolean
}

export const plain = (topic: string, payload: string): Message => ({ topic, payload })
export const json = (topic: string, value: unknown): Message => ({ topic, payload: JSON.stringify(value) })
export const retained = (message: Message): Message => ({ ...message, retain: true })

/** Every `period` seconds; devices with different offsets do not speak all at once. */
export const isDue = ({ tick }: Moment, period: number, offset = 0): boolean => tick % period === offset % period

export function round(value: number, digits = 0): number {
  return Math.round(value * 10 ** digits) / 10 ** digits
}

/** The value in JSON, or undefined where there is none. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

export const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** `2026-01-31T18:05:00`, local and without a zone, as Tasmota writes it. */
export const localTime = ({ localMs }: Moment): string => new Date(localMs).toISOString().slice(0, 19)

/** Adds up power over time. */
export interface EnergyMeter {
  readonly kilowattHours: number
  measure(watts: number, now: Moment): void
  reset(): void
}

export function energyMeter(kilowattHours: number): EnergyMeter {
  let total = kilowattHours
  let sinceMs: number | undefined
  return {
    get kilowattHours() {
      return total
    },
    measure(watts, { ms }) {
      if (sinceMs !== undefined) total += (watts * Math.max(0, ms - sinceMs)) / 3_600_000_000
      sinceMs = ms
    },
    reset() {
      total = 0
    },
  }
}
