import { Socket } from 'node:net'
import { connectAsync, type IClientOptions, type IPublishPacket, type MqttClient } from 'mqtt'
import type { Ending, TestHub } from './hub.ts'
import { startProgram, within, type Program } from './program.ts'

/** An MQTT client of somebody's; it ends with the test. */
export async function connectMqtt(ending: Ending, url: string, options: IClientOptions): Promise<MqttClient> {
  const client = await connectAsync(url, { reconnectPeriod: 0, ...options })
  // Nagle's algorithm and delayed acknowledgements cost a test 40 ms a message.
  if (client.stream instanceof Socket) client.stream.setNoDelay(true)
  ending.after(() => client.endAsync(true))
  return client
}

/** The owner at the hub's own broker. */
export const ownerLogin = ({ token }: Pick<TestHub, 'token'>) => ({ username: 'alicia', password: token })

/** Subscribes to a topic; what it returns resolves with the first message from now on that comes there and passes. */
export async function nextMessage(
  client: MqttClient,
  topic: string,
  passes: (payload: string) => boolean = () => true,
): Promise<() => Promise<IPublishPacket>> {
  const { promise, resolve } = Promise.withResolvers<IPublishPacket>()
  const look = (_topic: string, _payload: Buffer, packet: IPublishPacket) => {
    if (packet.topic !== topic || !passes(packet.payload.toString())) return
    client.off('message', look)
    resolve(packet)
  }
  client.on('message', look)
  await client.subscribeAsync(topic, { qos: 1 })
  return () => within(promise, `a message at ${topic}`)
}

/** Where a Mosquitto client program connects, as its arguments. */
export function mosquittoAt(url: string, login?: { username: string; password: string }): string[] {
  const { hostname, port } = new URL(url)
  return ['-h', hostname, '-p', port, ...(login ? ['-u', login.username, '-P', login.password] : [])]
}

/** `mosquitto_sub` on a filter, subscribed when this resolves; it ends with the test. */
export async function mosquittoSub(ending: Ending, at: readonly string[], filter: string): Promise<Program> {
  const args = [...at, '-V', 'mqttv5', '-q', '1', '-t', filter, '-F', '%t %p', '-d']
  // Into a pipe it would write by the block.
  const program = startProgram('stdbuf', ['-oL', 'mosquitto_sub', ...args])
  ending.after(() => program.end())
  await program.says(/Subscribed \(mid: 1\)/)
  return program
}
