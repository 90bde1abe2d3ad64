import { once, type EventEmitter } from 'node:events'
import { connect, type IClientOptions, type MqttClient } from 'mqtt'
import { Fault } from '../../kernel/fault.ts'
import type { Broker } from '../../kernel/ports.ts'
import type { Message } from './node.ts'

export interface ClientOptions {
  readonly broker: Pick<Broker, 'url' | 'login' | 'tls'>
  readonly clientId: string
  readonly will?: Message | undefined
  readonly signal: AbortSignal
}

const RECONNECT_MS = 2000
const CONNECT_TIMEOUT_MS = 10_000
const END_TIMEOUT_MS = 500

/**
 * A connection as a device has it: MQTT 3.1.1, which is what all of them speak, and a reconnect that never gives up.
 * `connected` runs after each. Throws Fault `unavailable` when the first attempt fails.
 */
export async function openClient(options: ClientOptions, connected: (client: MqttClient) => void): Promise<MqttClient> {
  const { broker, signal } = options
  signal.throwIfAborted()
  const client = connect(broker.url, optionsOf(options))
  // An error without a listener ends the process; what it means is said by 'close', which follows.
  let reason: Error | undefined
  client.on('error', (error) => (reason = error))
  client.on('connect', () => {
    const { stream } = client
    if ('setNoDelay' in stream && typeof stream.setNoDelay === 'function') stream.setNoDelay(true)
    connected(client)
  })
  const gone = new AbortController()
  const giveUp = () => gone.abort()
  client.once('close', giveUp)
  try {
    await once(client as unknown as EventEmitter, 'connect', { signal: AbortSignal.any([signal, gone.signal]) })
    return client
  } catch {
    client.end(true)
    throw signal.aborted ? signal.reason : unreachable(broker.url, reason)
  } finally {
    client.off('close', giveUp)
  }
}

function optionsOf({ broker, clientId, will }: ClientOptions): IClientOptions {
  return {
    clientId,
    ...broker.tls,
    ...broker.login('session'),
    ...(will && {
      will: { topic: will.topic, payload: Buffer.from(will.payload), qos: 1, retain: will.retain ?? false },
    }),
    protocolVersion: 4,
    keepalive: 30,
    reconnectPeriod: RECONNECT_MS,
    connectTimeout: CONNECT_TIMEOUT_MS,
    resubscribe: false,
    // A device that is away has nothing to say about the time when it was.
    queueQoSZero: false,
  }
}

/** Says goodbye, so that the will is not spoken; cuts the connection when the broker does not listen. */
export async function endClient(client: MqttClient): Promise<void> {
  if (!client.connected) return void client.end(true)
  const late = Promise.withResolvers<void>()
  const timer = setTimeout(late.resolve, END_TIMEOUT_MS)
  await Promise.race([client.endAsync().catch(() => undefined), late.promise])
  clearTimeout(timer)
  // To mqtt.js, `end(true)` is nothing while an `end` before it waits for what the broker has not confirmed.
  client.stream.destroy()
}

const unreachable = (url: string, cause: Error | undefined) =>
  new Fault(
    'unavailable',
    `The demo home could not connect to the broker at ${url}: ${cause?.message ?? 'it hung up'}.`,
    {
      cause,
    },
  )
