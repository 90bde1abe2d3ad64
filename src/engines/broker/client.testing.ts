import { once, type EventEmitter } from 'node:events'
import type { TestContext } from 'node:test'
import { connect, type IClientOptions, type IConnackPacket, type IPublishPacket, type MqttClient } from 'mqtt'

export interface Received {
  readonly topic: string
  readonly payload: string
  readonly packet: IPublishPacket
}

/** A client of the tests: mqtt.js that collects what arrives. */
export interface TestClient {
  readonly client: MqttClient
  readonly connack: IConnackPacket
  readonly messages: Received[]
  /** The next message, waiting for it if need be. */
  next(): Promise<Received>
}

/** Connects (MQTT 5 unless told otherwise), never again by itself; ends with the test. Throws why it was refused. */
export async function connectClient(
  test: { after(task: () => void): void } | Pick<TestContext, 'after'>,
  url: string,
  options: IClientOptions = {},
): Promise<TestClient> {
  const protocolVersion = options.protocolVersion ?? 5
  const { properties, ...rest } = options
  const client = connect(url, {
    ...rest,
    ...(protocolVersion === 5 && properties && { properties }),
    protocolVersion,
    reconnectPeriod: 0,
    connectTimeout: 15_000,
  })
  client.on('error', () => undefined)
  test.after(() => void client.end(true))
  const emitter = client as unknown as EventEmitter
  const messages: Received[] = []
  client.on('message', (topic, payload, packet) => {
    messages.push({ topic, payload: payload.toString(), packet })
    emitter.emit('collected')
  })
  const [connack] = (await once(emitter, 'connect')) as [IConnackPacket]
  if ('setNoDelay' in client.stream) (client.stream as unknown as { setNoDelay(on: boolean): void }).setNoDelay(true)
  return {
    client,
    connack,
    messages,
    async next() {
      while (messages.length === 0) await once(emitter, 'collected', { signal: AbortSignal.timeout(15_000) })
      return messages.shift() as Received
    },
  }
}

/** Waits until something is so; gives up after 15 s. */
export async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  const late = AbortSignal.timeout(15_000)
  while (!(await isSo())) {
    late.throwIfAborted()
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}
