import { connectAsync, type MqttClient } from 'mqtt'

export interface MqttLogin {
  readonly mqttPort: number
  readonly token: string
}

/** A client with the owner's login at the hub's broker; it does not come back when it is cut off. */
export async function connectOwner({ mqttPort, token }: MqttLogin): Promise<MqttClient> {
  const client = await connectAsync(`mqtt://127.0.0.1:${mqttPort}`, {
    protocolVersion: 5,
    username: 'alicia',
    password: token,
    reconnectPeriod: 0,
  })
  // mqtt.js leaves Nagle's algorithm on, which holds a small packet back until the peer's delayed acknowledgement.
  if ('setNoDelay' in client.stream && typeof client.stream.setNoDelay === 'function') client.stream.setNoDelay(true)
  return client
}

/** Sends a request and resolves when its answer is here; one at a time. */
export type Ask = () => Promise<Buffer>

/** Requests as MQTT 5 has them (4.10): QoS 1 both ways, a response topic, correlation data. */
export async function requester(client: MqttClient, topic: string, responseTopic: string): Promise<Ask> {
  await client.subscribeAsync(responseTopic, { qos: 1 })
  let count = 0
  let answered: (payload: Buffer) => void = () => undefined
  client.on('message', (_, payload) => answered(payload))
  return () =>
    new Promise((resolve, reject) => {
      answered = resolve
      const correlationData = Buffer.from(String(++count))
      client.publish(topic, '{}', { qos: 1, properties: { responseTopic, correlationData } }, (error) => {
        if (error) reject(error)
      })
    })
}
