import process from 'node:process'
import { connectOwner } from './mqtt.ts'

/** What the hub's answers over MQTT are compared with: a bare client of the same broker that answers at once. */
const [port = '', token = '', topic = ''] = process.argv.slice(2)
const client = await connectOwner({ mqttPort: Number(port), token })
client.on('message', (_, payload, { properties }) => {
  const answer = JSON.stringify({ ...(JSON.parse(payload.toString()) as object), pong: true })
  const { responseTopic = '', correlationData } = properties ?? {}
  client.publish(responseTopic, answer, { qos: 1, ...(correlationData && { properties: { correlationData } }) })
})
await client.subscribeAsync(topic, { qos: 1 })
process.send?.('ready')
