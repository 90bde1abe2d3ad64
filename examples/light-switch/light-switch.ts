/**
 * Switches a bulb and believes it only when the bulb says so: once over plain MQTT 5, as any script at home could, and
 * once over MCP, as an assistant does.
 *
 *     npx node examples/light-switch/light-switch.ts
 */
import assert from 'node:assert/strict'
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import mqtt from 'mqtt'
import { startDemoHub } from '../support/demo-hub.ts'

const STATE = 'zigbee2mqtt/hall_light'
const COMMAND = 'zigbee2mqtt/hall_light/set'

interface BulbState {
  state: 'ON' | 'OFF'
  brightness: number
}

await using hub = await startDemoHub()

// Over MQTT 5. The owner's login is `alicia`, the password is the access token.
const client = await mqtt.connectAsync(hub.urls.mqtt, { protocolVersion: 5, username: 'alicia', password: hub.token })
await client.subscribeAsync(STATE)
const lit = Promise.withResolvers<void>()
client.on('message', (_topic, payload) => {
  const { state, brightness } = JSON.parse(payload.toString()) as BulbState
  console.log(`Over MQTT: the bulb is ${state}, at ${brightness} of 254.`)
  if (state === 'ON' && brightness === 200) lit.resolve()
})
// The broker's confirmation says that it took the command; what the bulb did, the bulb says.
await client.publishAsync(COMMAND, JSON.stringify({ state: 'ON', brightness: 200 }), { qos: 1 })
await lit.promise
await client.endAsync()

// Over MCP. The collection has to listen before the command is sent: its first progress report says that it does.
const assistant = new Client({ name: 'light-switch', version: '1.0.0' }, { versionNegotiation: { mode: 'auto' } })
const requestInit = { headers: { authorization: `Bearer ${hub.token}` } }
await assistant.connect(new StreamableHTTPClientTransport(new URL(hub.urls.mcp), { requestInit }))

const call = async (name: string, input: Record<string, unknown> = {}, onprogress = () => {}) => {
  const result = await assistant.callTool({ name, arguments: input }, { onprogress })
  assert.ok(!result.isError, JSON.stringify(result.content))
  return result.structuredContent as Record<string, unknown>
}

const { session_id } = await call('establish_connection')
const listening = Promise.withResolvers<void>()
const answer = call('subscribe_and_collect', { session_id, topic: STATE, duration: 5 }, listening.resolve)
await listening.promise
const sent = await call('publish_message', { session_id, topic: COMMAND, payload: { state: 'OFF' }, qos: 1 })
assert.equal(sent['confirmed'], true)
const reported = ((await answer)['messages'] as { payload: BulbState }[]).map(({ payload }) => payload.state)
console.log(`Over MCP: the bulb says ${reported.join(', ')}.`)
assert.ok(reported.includes('OFF'))
await assistant.close()
