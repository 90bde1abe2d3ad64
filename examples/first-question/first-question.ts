/**
 * “What is on at home?”: what an assistant does to answer its first question, step by step. It knows nothing of this
 * home: the devices tell what they are, as Zigbee2MQTT and Tasmota devices do on any broker.
 *
 *     npx node examples/first-question/first-question.ts
 */
import assert from 'node:assert/strict'
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { startDemoHub } from '../support/demo-hub.ts'

interface Message {
  topic: string
  payload: unknown
}

await using hub = await startDemoHub()

// An assistant's connection: the MCP endpoint and the access token. `auto` speaks the newest revision that both know.
const assistant = new Client({ name: 'first-question', version: '1.0.0' }, { versionNegotiation: { mode: 'auto' } })
const requestInit = { headers: { authorization: `Bearer ${hub.token}` } }
await assistant.connect(new StreamableHTTPClientTransport(new URL(hub.urls.mcp), { requestInit }))

/** Calls a tool of the hub. One that fails says in its text what went wrong and what to do. */
async function call<Result>(name: string, input: object = {}, onprogress = () => {}): Promise<Result> {
  const result = await assistant.callTool({ name, arguments: { ...input } }, { onprogress })
  assert.ok(!result.isError, JSON.stringify(result.content))
  return result.structuredContent as Result
}

// 1. A session with the hub's own broker: no address and no password to know.
const { session_id } = await call<{ session_id: string }>('establish_connection')

/** What is published while `duration` seconds pass; `onListening` runs as soon as nothing can be missed any more. */
async function collect(topic: string, duration: number, onListening?: () => void): Promise<Message[]> {
  const input = { session_id, topic, duration, mode: 'first', max_messages: 1000 }
  return (await call<{ messages: Message[] }>('subscribe_and_collect', input, once(onListening))).messages
}

// 2. Which devices are there? The lists are retained messages: they come at once.
const lists = await collect('+/+/+/config', 0.3)
const relays = lists.filter(({ topic }) => topic.startsWith('tasmota/')).map(({ payload }) => payload as Relay)
const [bridge] = await collect('zigbee2mqtt/bridge/devices', 0.3)
const zigbee = (bridge?.payload as ZigbeeDevice[]).filter(isSwitched).map((device) => device.friendly_name)
console.log(`Found: ${[...zigbee, ...relays.map((relay) => relay.dn)].join(', ')}.`)

// 3. Listen for five seconds. Devices report by themselves only now and then, so ask each of them meanwhile.
const messages = await collect('#', 5, () => {
  for (const name of zigbee) publish(`zigbee2mqtt/${name}/get`, { state: '' })
  for (const { t } of relays) publish(`cmnd/${t}/POWER`, '')
})

// 4. The answer. The heater sits at the edge of the Wi-Fi: it may be away right now.
const latest = (topic: string) => messages.findLast((message) => message.topic === topic)?.payload
const states = [
  ...zigbee.map((name) => ({ name, state: (latest(`zigbee2mqtt/${name}`) as { state: string }).state })),
  ...relays.map(({ dn, t }) => ({ name: dn, state: latest(`stat/${t}/POWER`) ?? 'does not answer' })),
]
console.table(states)

assert.deepEqual(
  states.map(({ name }) => name),
  ['hall_light', 'washing_machine', 'Floor Lamp', 'Greenhouse Heater'],
)
assert.match((latest('zigbee2mqtt/washing_machine') as { state: string }).state, /^(ON|OFF)$/)
await assistant.close()

/** What Tasmota says in its discovery: its name, and the topic it takes commands at. */
interface Relay {
  dn: string
  t: string
}

interface ZigbeeDevice {
  friendly_name: string
  definition: { exposes: { type: string }[] } | null
}

function isSwitched({ definition }: ZigbeeDevice): boolean {
  return definition?.exposes.some(({ type }) => type === 'light' || type === 'switch') ?? false
}

function publish(topic: string, payload: unknown): void {
  void call('publish_message', { session_id, topic, payload, qos: 1 })
}

function once(task?: () => void): () => void {
  let isDone = false
  return () => {
    if (!isDone) task?.()
    isDone = true
  }
}
