/** What a device says of itself, under one name each. `null`: it has such a thing and cannot say how it is. */
export type FactValue = string | number | boolean | null
export type Facts = Record<string, FactValue>

export type FamilyName =
  | 'zigbee2mqtt'
  | 'tasmota'
  | 'shelly-gen1'
  | 'shelly-gen2'
  | 'esphome'
  | 'homeassistant-discovery'
  | 'homie'
  | 'sparkplug-b'
  | 'plain'

export type ReadingKind = 'state' | 'availability' | 'event' | 'command' | 'config' | 'response' | 'log'

/** What one message says of a device. */
export interface Reading {
  readonly deviceId: string
  readonly family: FamilyName
  readonly kind: ReadingKind
  readonly facts: Facts
  /** In words: "kitchen plug: on, 12.4 W". */
  readonly text: string
  readonly online?: boolean
  /** What is wrong, where the message says so by its meaning (a fault code, an `error` member, a log level). */
  readonly error?: string
}

/** A device, as all its messages together tell it. Times are wall-clock milliseconds. */
export interface Device {
  /** Begins with its topic, where the family has one for each device: `zigbee2mqtt/kitchen_plug`. */
  readonly id: string
  readonly name: string
  readonly family: FamilyName
  readonly model?: string
  readonly room?: string
  /** Absent: nothing was said about it. */
  readonly online?: boolean
  readonly offlineSinceMs?: number
  /** When it last spoke itself; a retained message does not count, unless it says when it was sent. */
  readonly lastSeenMs?: number
  readonly facts: Facts
  /** Units of facts, where they are known. */
  readonly units: Readonly<Record<string, string>>
  readonly error?: string
  /** Absent: the error holds until its facts say otherwise. */
  readonly errorMs?: number
  /** Its facts in words, without name and times: "on, 12.4 W". */
  readonly text: string
  /** No protocol says that this is a device: its topics look like one. */
  readonly guessed?: true
}
