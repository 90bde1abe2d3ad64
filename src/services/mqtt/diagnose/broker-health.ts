import { z } from 'zod'
import type { Broker } from '../../../kernel/ports.ts'
import type { Wanted } from '../connection.ts'
import { payloadOf } from '../message.ts'
import type { Check } from './check.ts'

/** What a broker tells of itself under $SYS, by the names that Mosquitto gave them. */
const COUNTERS = {
  clients_connected: 'clients/connected',
  retained_messages: 'retained messages/count',
  stored_messages: 'messages/stored',
  subscriptions: 'subscriptions/count',
  memory_bytes: 'heap/current',
  received_per_min: 'load/messages/received/1min',
  sent_per_min: 'load/messages/sent/1min',
} as const

const DROPPED = 'publish/messages/dropped'

const texts = ['version', 'uptime'] as const

export const BrokerCounters = z
  .partialRecord(z.enum(Object.keys(COUNTERS) as (keyof typeof COUNTERS)[]), z.number())
  .nullable()
  .describe('From $SYS, where the broker tells and it may be read.')

export interface BrokerHealth {
  readonly wanted: readonly Wanted[]
  readonly version: () => string | null
  readonly uptime: () => string | null
  counters(): z.output<typeof BrokerCounters>
  checks(): Check[]
}

/** Listens to what the broker says of itself; `own` is given where it is the hub's own, which counts exactly. */
export function createBrokerHealth(ownDropped: number | undefined): BrokerHealth {
  const found = new Map<string, string>()
  const sys = (name: string): Wanted => ({
    filter: `$SYS/broker/${name}`,
    matches: (topic) => topic === `$SYS/broker/${name}`,
    listener: (packet) => found.set(name, payloadOf(packet).toString('utf8', 0, 200)),
  })
  const numberOf = (name: string) => {
    const text = found.get(name)?.trim()
    const number = Number(text)
    return text === undefined || text === '' || !Number.isFinite(number) ? undefined : number
  }
  const counters = () => {
    const known = Object.entries(COUNTERS).flatMap(([key, name]) => {
      const value = numberOf(name)
      return value === undefined ? [] : [[key, value]]
    })
    return known.length === 0 ? null : Object.fromEntries(known)
  }
  return {
    wanted: [...texts, DROPPED, ...Object.values(COUNTERS)].map(sys),
    version: () => found.get('version') ?? null,
    uptime: () => found.get('uptime') ?? null,
    counters,
    checks: () => [
      found.size === 0
        ? { check: 'sys', result: 'skip', says: 'The broker tells nothing of itself under $SYS, or not to this user.' }
        : { check: 'sys', result: 'pass', says: 'The broker tells of itself under $SYS.' },
      droppedCheck(ownDropped ?? numberOf(DROPPED)),
    ],
  }
}

function droppedCheck(dropped: number | undefined): Check {
  const check = 'dropped'
  if (dropped === undefined)
    return { check, result: 'skip', says: 'The broker does not say how many messages it dropped.' }
  if (dropped === 0) return { check, result: 'pass', says: 'It has dropped no message since it started.' }
  const says = `It has dropped ${dropped} messages since it started: some subscriber is too slow, or its queue too short.`
  return { check, result: 'warn', says }
}

/** Undefined where it does not say: that this number cannot be had costs nothing else. */
export const ownDropped = (broker: Broker): Promise<number | undefined> => broker.dropped().catch(() => undefined)
