import type { MqttClient } from 'mqtt'
import type { Clock } from '../../kernel/clock.ts'
import type { Broker } from '../../kernel/ports.ts'
import { endClient, openClient } from './client.ts'
import { clearTopics, findRemains, refuseOccupied, RETAINED_TOPIC, STATE_TOPIC, type Speaker } from './ghosts.ts'
import { retained } from './node.ts'

/** Keeps book of what the demo retained, at the broker itself: the book outlives a hub that is killed. */
export interface Keeper {
  note(topic: string): void
  /** Writes down what was noted since the last time. */
  write(): void
  /** Clears everything that was noted and closes the book. */
  stop(): Promise<void>
}

export interface KeeperOptions {
  readonly broker: Pick<Broker, 'kind' | 'url' | 'login'>
  readonly clock: Clock
  readonly signal: AbortSignal
}

const CLEAR_TIMEOUT_MS = 700

const ONLINE = JSON.stringify({ state: 'online' })
const OFFLINE = JSON.stringify({ state: 'offline' })

/** Throws Fault `conflict` where a real home, or another demo, is at the broker; `unavailable` without a broker. */
export async function startKeeper({ broker, clock, signal }: KeeperOptions): Promise<Keeper> {
  const topics = new Set<string>()
  let written = -1
  // Its own name: two hubs with a demo at one broker must not throw each other out before one is refused.
  const clientId = `alicia-demo-${crypto.randomUUID().slice(0, 8)}`
  const look = await openClient({ broker, clientId, signal }, () => undefined)
  try {
    const remains = await findRemains(speakerOf(look), clock)
    refuseOccupied(remains, broker)
    await clearTopics(speakerOf(look), remains.topics)
  } finally {
    await endClient(look)
  }

  const will = retained({ topic: STATE_TOPIC, payload: OFFLINE })
  const client = await openClient({ broker, clientId, will, signal }, (client) => {
    written = -1
    client.publish(STATE_TOPIC, ONLINE, { qos: 1, retain: true }, () => undefined)
  })

  return {
    note: (topic) => void topics.add(topic),
    write() {
      if (written === topics.size || !client.connected) return
      written = topics.size
      client.publish(RETAINED_TOPIC, JSON.stringify([...topics]), { qos: 1, retain: true }, () => undefined)
    },
    async stop() {
      // A broker that hangs confirms nothing, and mqtt.js does not say so where the connection is cut.
      const late = Promise.withResolvers<void>()
      const cancel = clock.after(CLEAR_TIMEOUT_MS, late.resolve)
      const clearing = client.connected ? clearTopics(speakerOf(client), topics).catch(() => undefined) : undefined
      await Promise.race([clearing, late.promise])
      cancel()
      await endClient(client)
    },
  }
}

/** As much of a bus as is needed, on a client of its own. */
function speakerOf(client: MqttClient): Speaker {
  return {
    async publish(topic, payload, { qos = 0, retain = false } = {}) {
      await client.publishAsync(topic, payload, { qos, retain })
    },
    async subscribe(filter, qos, listener) {
      const onMessage = (topic: string, payload: Buffer, packet: { qos: 0 | 1 | 2; retain: boolean }) => {
        if (topic === filter) listener({ topic, payload, qos: packet.qos, retain: packet.retain })
      }
      client.on('message', onMessage)
      await client.subscribeAsync(filter, { qos })
      return async () => {
        client.off('message', onMessage)
        await client.unsubscribeAsync(filter)
      }
    },
  }
}
