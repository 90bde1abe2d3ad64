import type { MqttClient } from 'mqtt'
import type { Log } from '../../kernel/log.ts'
import { endClient, openClient, type ClientOptions } from './client.ts'
import type { HomeNode, Message, Moment } from './node.ts'

/** A device with its connection. */
export interface NodeLink {
  readonly node: HomeNode
  isOnline(): boolean
  tick(now: Moment): void
  stop(): Promise<void>
}

export interface LinkOptions extends Pick<ClientOptions, 'broker' | 'signal'> {
  readonly node: HomeNode
  readonly now: () => Moment
  readonly log: Log
  /** Told of every topic that something is retained at, before it is. */
  readonly onRetain: (topic: string) => void
}

/** Brings a device to the broker. Throws Fault `unavailable`. */
export async function linkNode({ node, broker, signal, now, log, onRetain }: LinkOptions): Promise<NodeLink> {
  const { clientId, will, subscriptions } = node
  let isAway = false

  const say = (client: MqttClient, messages: readonly Message[]) => {
    for (const { topic, payload, retain = false } of messages) {
      if (retain && payload !== '') onRetain(topic)
      // Values are lost with the connection, as those of real devices: they are said again. What is retained has to
      // arrive; aedes also loses a retained message of QoS 0 that others follow closely.
      client.publish(topic, payload, { qos: retain ? 1 : 0, retain }, () => undefined)
    }
  }

  const guarded = (client: MqttClient, speak: () => readonly Message[]) => {
    try {
      say(client, speak())
    } catch (error) {
      log.error('a device of the demo home failed', { device: clientId, error })
    }
  }

  if (will?.retain) onRetain(will.topic)
  const client = await openClient({ broker, clientId, will, signal }, (client) => {
    if (subscriptions.length > 0) client.subscribe([...subscriptions], { qos: 0 }, () => undefined)
    guarded(client, () => node.birth(now()))
  })
  client.on('message', (topic, payload) => guarded(client, () => node.receive(topic, payload.toString(), now())))

  return {
    node,
    isOnline: () => client.connected,
    tick(moment) {
      const away = node.isAway?.(moment) ?? false
      if (away !== isAway) {
        isAway = away
        // Cut, not ended: the broker has to notice by itself and speak the will.
        if (away) client.end(true)
        else client.reconnect()
      }
      if (client.connected) guarded(client, () => node.tick(moment))
    },
    stop: () => endClient(client),
  }
}
