import { once } from 'node:events'
import type { Clock } from '../../kernel/clock.ts'
import { Fault } from '../../kernel/fault.ts'
import type { Log } from '../../kernel/log.ts'
import type { Broker, Bus } from '../../kernel/ports.ts'
import { createHome } from './home.ts'
import { isRecord, parseJson } from './node.ts'
import { COORDINATOR } from './zigbee-bridge.ts'

/** Where the demo notes that it is there (its will says when it is not), and what it retained. */
export const STATE_TOPIC = 'alicia-demo/state'
export const RETAINED_TOPIC = 'alicia-demo/retained'
const PROBE_TOPIC = 'alicia-demo/probe'
const BRIDGE_INFO = 'zigbee2mqtt/bridge/info'

/** How long to wait for the broker to have sent what it retained. */
const LOOK_MS = 2000

/** The two things that need no more than a bus, or what looks like one. */
export type Speaker = Pick<Bus, 'publish' | 'subscribe'>

/** What is at the broker already. */
export interface Remains {
  /** What an earlier demo home says of itself. */
  readonly demo: 'none' | 'online' | 'offline'
  /** Whose Zigbee2MQTT there is. */
  readonly bridge: 'none' | 'demo' | 'real'
  /** Topics an earlier demo retained something at, and that it is safe to clear. */
  readonly topics: readonly string[]
}

/** Asks the broker what an earlier demo home left, and whether a real home is there. */
export async function findRemains(speaker: Speaker, clock: Clock): Promise<Remains> {
  const seen = new Map<string, unknown>()
  const done = new EventTarget()
  const listen = ({ topic, payload }: { topic: string; payload: Buffer }) => {
    if (topic === PROBE_TOPIC) return void done.dispatchEvent(new Event('done'))
    seen.set(topic, parseJson(payload.toString()))
  }
  const over = once(done, 'done')
  const cancel = clock.after(LOOK_MS, () => done.dispatchEvent(new Event('done')))
  // Retained and asked for last: when it comes, all that is retained has come. A live message would overtake them.
  await speaker.publish(PROBE_TOPIC, '{}', { qos: 1, retain: true })
  const ends: (() => Promise<void>)[] = []
  for (const topic of [STATE_TOPIC, RETAINED_TOPIC, BRIDGE_INFO, PROBE_TOPIC])
    ends.push(await speaker.subscribe(topic, 1, listen))
  await over
  cancel()
  await Promise.all(ends.map((end) => end()))
  await speaker.publish(PROBE_TOPIC, '', { qos: 1, retain: true })
  return remainsOf(seen)
}

function remainsOf(seen: ReadonlyMap<string, unknown>): Remains {
  const state = seen.get(STATE_TOPIC)
  const demo = isRecord(state) ? (state['state'] === 'online' ? 'online' : 'offline') : 'none'
  const bridge = bridgeOf(seen.get(BRIDGE_INFO))
  const list = seen.get(RETAINED_TOPIC)
  const roots = createHome(0).flatMap((node) => node.roots)
  const topics = Array.isArray(list)
    ? list.filter((topic): topic is string => typeof topic === 'string' && mayClear(topic, roots, bridge))
    : []
  return { demo, bridge, topics }
}

function bridgeOf(info: unknown): Remains['bridge'] {
  if (!isRecord(info)) return 'none'
  const { coordinator } = info
  return isRecord(coordinator) && coordinator['ieee_address'] === COORDINATOR ? 'demo' : 'real'
}

/**
 * Anybody who may write `alicia-demo/#` can put any topic on the list, so only the demo's own are cleared; and of
 * Zigbee2MQTT's, whose base topic a real one shares, only while the bridge there is the demo's.
 */
function mayClear(topic: string, roots: readonly string[], bridge: Remains['bridge']): boolean {
  if (/[+#\0]/.test(topic) || !roots.some((root) => topic.startsWith(root))) return false
  return bridge !== 'real' || !topic.startsWith('zigbee2mqtt/')
}

/** Clears retained topics; the note of what there is goes last, so that a crash in between loses nothing. */
export async function clearTopics(speaker: Speaker, topics: Iterable<string>): Promise<void> {
  const clear = (topic: string) => speaker.publish(topic, '', { qos: 1, retain: true })
  await Promise.all([...topics].map(clear))
  await Promise.all([STATE_TOPIC, RETAINED_TOPIC].map(clear))
}

/** Whether the demo that is noted there can still be alive: on the hub's own broker it died with the hub. */
export const isAlive = ({ demo }: Remains, { kind }: Pick<Broker, 'kind'>): boolean =>
  kind === 'remote' && demo === 'online'

/** Throws Fault `conflict` where the demo home would speak over another one. */
export function refuseOccupied(remains: Remains, broker: Pick<Broker, 'kind' | 'url'>): void {
  if (remains.bridge === 'real')
    throw new Fault(
      'conflict',
      `A real Zigbee2MQTT is at the broker at ${broker.url}; the demo home would speak over it.`,
      {
        hint: 'Start without --demo, or with another broker: --mqtt-port <free port> --data <empty folder>.',
      },
    )
  if (isAlive(remains, broker))
    throw new Fault('conflict', `Another hub’s demo home is at the broker at ${broker.url}.`, {
      hint: 'Start this hub without --demo: it can use the devices of the other one.',
    })
}

/**
 * Removes what a demo home left when its hub was killed: retained messages of devices that do not exist. For a start
 * without the demo. Returns how many topics it cleared.
 */
export async function clearDemoHome(options: {
  bus: Speaker
  broker: Pick<Broker, 'kind'>
  clock: Clock
  log: Log
}): Promise<number> {
  const { bus, broker, clock, log } = options
  const remains = await findRemains(bus, clock)
  if (remains.demo === 'none' || isAlive(remains, broker)) return 0
  await clearTopics(bus, remains.topics)
  log.info('removed what an earlier demo home left at the broker', { topics: remains.topics.length })
  return remains.topics.length
}
