import type { Device, Reading } from '../families/device.ts'
import type { HomeMessage } from '../families/heard.ts'
import type { HomeView } from '../families/home-view.ts'
import { describeDevice } from '../families/wording.ts'
import type { ErrorSign } from './error-sign.ts'

/** What happened, device by device, in lines of few tokens. Times are seconds since the beginning. */
export interface StoryLines {
  /** Each device as it is at the end. */
  readonly devices: readonly string[]
  /** Each change of a state, in order: `hall motion occupancy: false +5, true +50`. */
  readonly changes: readonly string[]
  /** Each error by its meaning, with how often and when. */
  readonly errors: readonly string[]
}

export interface Story {
  read(message: HomeMessage): void
  error(topic: string, sign: ErrorSign, atMs: number): void
  lines(nowMs: number): StoryLines
  devices(): readonly Device[]
}

interface Turn {
  readonly value: string
  readonly atMs: number
}

interface Thread {
  last: string
  readonly turns: Turn[]
  missing: number
}

interface Trouble {
  readonly text: string
  readonly topic: string
  count: number
  readonly times: number[]
}

const MOST_THREADS = 2000
/** Of one fact; a fact that changes more often is told by how often. */
const MOST_TURNS = 200
const MOST_TROUBLES = 500
const MOST_TIMES = 5
const LONGEST_VALUE = 40
/** Facts that always change: when, how long, how well received. Not what a home is like. */
const NOISE =
  /time|uptime|last_?seen|updated|date|rssi|signal|linkquality|lqi|heap|load_?avg|sleep|vcc|\bts\b|\bid\b|mac|ip_?address|transaction|version|bssid|mqtt_?count|unixtime|config_?rev/i

export function createStory(view: HomeView, startMs: number): Story {
  const threads = new Map<string, Thread>()
  const troubles = new Map<string, Trouble>()

  const turn = (key: string, value: string, { atMs, isNews }: { atMs: number; isNews: boolean }) => {
    const known = threads.get(key)
    if (!known && threads.size >= MOST_THREADS) return
    const thread = known ?? { last: value, turns: [], missing: 0 }
    if (!known) threads.set(key, thread)
    if (known ? known.last === value && !isNews : !isNews) return
    thread.last = value
    if (thread.turns.length < MOST_TURNS) thread.turns.push({ value, atMs })
    else thread.missing += 1
  }

  const follow = (reading: Reading, atMs: number, retained: boolean) => {
    const isEvent = reading.kind === 'event' && !retained
    if (!isEvent && reading.kind !== 'state' && reading.kind !== 'availability') return
    // Of what is not kept, the first word is a change too: devices say that they go when they go.
    if (reading.online !== undefined)
      turn(`${reading.deviceId}\n`, reading.online ? 'online' : 'OFFLINE', {
        atMs,
        isNews: !retained && !threads.has(`${reading.deviceId}\n`),
      })
    for (const [name, value] of Object.entries(reading.facts))
      if (typeof value !== 'number' && !NOISE.test(name) && !looksLikeTime(value))
        turn(`${reading.deviceId}\n${name}`, String(value).slice(0, LONGEST_VALUE), { atMs, isNews: isEvent })
  }

  const seconds = (atMs: number) => `+${Math.round((atMs - startMs) / 1000)}`

  return {
    read(message) {
      const reading = view.see(message)
      if (reading) follow(reading, message.atMs, message.retained)
    },
    error(topic, { text }, atMs) {
      const key = `${topic}\n${text}`
      const known = troubles.get(key)
      if (!known && troubles.size >= MOST_TROUBLES) return
      const trouble = known ?? { text, topic, count: 0, times: [] }
      if (!known) troubles.set(key, trouble)
      trouble.count += 1
      if (trouble.times.length >= MOST_TIMES) trouble.times.pop()
      trouble.times.push(atMs)
    },
    devices: () => view.devices(),
    lines(nowMs) {
      const devices = view.devices()
      const names = new Map(devices.map(({ id, name }) => [id, name]))
      const changed = [...threads].filter(([, { turns }]) => turns.length > 0)
      return {
        devices: devices.map((device) => describeDevice(device, nowMs)),
        changes: changed.map(([key, { turns, missing }]) => {
          const [id = '', fact = ''] = key.split('\n')
          const told = turns.map(({ value, atMs }) => `${value} ${seconds(atMs)}`).join(', ')
          return `${[names.get(id) ?? id, fact].join(' ').trim()}: ${told}${missing > 0 ? `, ${missing} more` : ''}`
        }),
        errors: [...troubles.values()].map(({ topic, text, count, times }) => {
          const often = count > 1 ? `×${count} ` : ''
          return `${topic}: ${text} (${often}${times.map(seconds).join(' ')})`
        }),
      }
    },
  }
}

const looksLikeTime = (value: unknown) =>
  typeof value === 'string' && /^\d{4}-\d\d-\d\d|^\d{1,8}T?\d{0,6}:\d\d/.test(value)
