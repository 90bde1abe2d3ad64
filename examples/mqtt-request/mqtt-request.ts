/**
 * Any operation of the hub, called over MQTT: by a client of MQTT 5 with a response topic and correlation data, and by
 * an older one with the same things in the payload. A microcontroller that speaks nothing but MQTT can do all of this.
 *
 *     npx node examples/mqtt-request/mqtt-request.ts
 */
import assert from 'node:assert/strict'
import { randomBytes, randomUUID } from 'node:crypto'
import mqtt, { type IPublishPacket, type MqttClient } from 'mqtt'
import { startDemoHub } from '../support/demo-hub.ts'

/** `alicia/v1/req/<service>/<operation>`. Only the owner's login may write there, so the topic says who asks. */
const REQUEST = 'alicia/v1/req/demo/describe_home'
/** Answers may be sent below this and nowhere else. */
const REPLY = `alicia/v1/rep/${randomUUID()}`

interface Home {
  devices: { name: string; family: string; online: boolean }[]
}

/** The next message to arrive. */
const nextMessage = (client: MqttClient) =>
  new Promise<IPublishPacket>((resolve) => client.once('message', (_topic, _payload, packet) => resolve(packet)))

await using hub = await startDemoHub()
const login = { username: 'alicia', password: hub.token }

// MQTT 5, section 4.10: where to answer, and what to answer with it. The expiry is the deadline of the call.
const modern = await mqtt.connectAsync(hub.urls.mqtt, { ...login, protocolVersion: 5 })
await modern.subscribeAsync(`${REPLY}/modern`)
const answered = nextMessage(modern)
const correlationData = randomBytes(16)
const properties = { responseTopic: `${REPLY}/modern`, correlationData, messageExpiryInterval: 10 }
await modern.publishAsync(REQUEST, '{}', { qos: 1, properties })
const packet = await answered
const home = JSON.parse(packet.payload.toString()) as Home
console.log(`MQTT 5: ${home.devices.length} devices, ${home.devices.map(({ name }) => name).join(', ')}.`)
assert.deepEqual(packet.properties?.correlationData, correlationData)
assert.equal(packet.properties?.userProperties?.['status'], 'ok')
assert.ok(home.devices.some(({ name, family }) => name === 'hall_light' && family === 'Zigbee2MQTT'))
await modern.endAsync()

// MQTT 3.1.1 has no properties: the request is an envelope, and so is the answer.
const older = await mqtt.connectAsync(hub.urls.mqtt, { ...login, protocolVersion: 4 })
await older.subscribeAsync(`${REPLY}/older`)
const ask = async (envelope: object, topic = REQUEST) => {
  const answered = nextMessage(older)
  await older.publishAsync(topic, JSON.stringify({ ...envelope, reply: `${REPLY}/older` }), { qos: 1 })
  const { payload } = await answered
  return JSON.parse(payload.toString()) as { id: number; status: string; body: Home & { detail: string } }
}
const answer = await ask({ id: 1, body: {}, timeout_ms: 10_000 })
console.log(`MQTT 3.1.1: answer ${answer.id} is ${answer.status}, ${answer.body.devices.length} devices.`)
assert.deepEqual([answer.id, answer.status, answer.body.devices.length], [1, 'ok', home.devices.length])

// What goes wrong is answered too, with the same code as everywhere else and what to do.
const refused = await ask({ id: 2, body: {} }, 'alicia/v1/req/demo/describe_hose')
console.log(`A wrong name: ${refused.status}: ${refused.body.detail}`)
assert.deepEqual([refused.id, refused.status], [2, 'unknown_operation'])
await older.endAsync()
