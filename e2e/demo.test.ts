import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import { cleanUps } from '../src/testing/mqtt-toolkit.ts'
import { startHub, type TestHub } from './support/hub.ts'
import { connectAssistant, type Assistant } from './support/mcp.ts'
import { connectMqtt, nextMessage, ownerLogin } from './support/mqtt.ts'

interface Device {
  name: string
  family: string
  online: boolean
  reports: string[]
  commands: { topic: string; payload: string }[]
}

suite('alicia start --demo', () => {
  const ending = cleanUps()
  let hub: TestHub
  let assistant: Assistant
  let session_id: unknown
  let devices: Device[]

  before(async () => {
    hub = await startHub(ending, { args: ['--demo'] })
    assistant = await connectAssistant(ending, hub)
    session_id = (await assistant.call('establish_connection'))['session_id']
    devices = ((await assistant.call('describe_home')) as { devices: Device[] }).devices
  })
  after(() => ending.run())

  test('devices of five families are there, and on the broker', async () => {
    const families = Map.groupBy(devices, ({ family }) => family)
    assert.deepEqual([...families.keys()].sort(), ['ESPHome', 'Shelly Gen1', 'Shelly Gen2', 'Tasmota', 'Zigbee2MQTT'])
    const list = await assistant.call('list_topics', { session_id, duration: 2, limit: 1000 })
    const { topics } = list as unknown as { topics: { topic: string; payload: string }[] }
    const seen = new Set(topics.map(({ topic }) => topic))
    for (const [family, members] of families)
      assert.ok(
        members.some(({ reports }) => reports.some((topic) => seen.has(topic))),
        `${family}: none of ${members.flatMap(({ reports }) => reports).join(', ')}`,
      )
    const bridge = topics.find(({ topic }) => topic === 'zigbee2mqtt/bridge/devices')
    assert.match(String(bridge?.payload), /^\[\{"definition"/)
  })

  test('a bulb does what it is told, and says so', async () => {
    const light = devices.find(({ name }) => name === 'hall_light')
    const command = light?.commands.find(({ payload }) => payload.includes('"ON"'))
    assert.ok(light && command)
    const [state = ''] = light.reports
    const client = await connectMqtt(ending, hub.urls.mqtt, ownerLogin(hub))
    for (const wanted of ['OFF', 'ON']) {
      const answer = await nextMessage(client, state, (payload) => payload.includes(`"state":"${wanted}"`))
      const payload = { state: wanted }
      await assistant.call('publish_message', { session_id, topic: command.topic, payload, qos: 1 })
      await answer()
    }
  })

  test('stops without a complaint', async () => {
    const { code, stderr } = await hub.end()
    assert.equal(code, 0)
    assert.doesNotMatch(stderr, /"level":(40|50)/)
  })
})
