import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import { connectAsync, type MqttClient } from 'mqtt'
import { startEmbeddedBroker } from '../../../engines/broker/embedded.ts'
import { silentLog } from '../../../kernel/log.ts'
import type { Broker } from '../../../kernel/ports.ts'
import { cleanUps, establish, fault, started, toolkitFor } from '../../../testing/mqtt-toolkit.ts'

interface Group {
  topics: string
  topic_count: number
  topic_names?: string[]
  messages: number
  retained?: number
  formats: Record<string, number>
  size: string
  confidence: string
  schema?: Record<string, unknown>
  latest?: string
  notes?: string[]
}

suite('get_topic_schema', { concurrency: false }, () => {
  const ending = cleanUps()
  let broker: Broker
  let device: MqttClient
  before(async () => {
    const embedded = await startEmbeddedBroker({
      host: '127.0.0.1',
      port: 0,
      file: ':memory:',
      log: silentLog,
      ownerToken: 'a token of the owner',
      users: [],
      anonymous: false,
    })
    ending.after(() => embedded.stop())
    broker = embedded
    device = await connectAsync(broker.url, { protocolVersion: 5, ...broker.login('session') })
    ending.after(() => device.endAsync(true))
  })
  after(() => ending.run())

  const groupsOf = (result: Record<string, unknown>) => result['groups'] as Group[]

  test('one schema for topics of one structure; words and numbers by their place', async (context) => {
    const toolkit = await toolkitFor(context, broker)
    const session_id = await establish(toolkit)
    const messages: [topic: string, payload: string | Buffer][] = [
      ['z/lamp', '{"state":"ON","brightness":40}'],
      ['z/plug', '{"state":"OFF","brightness":80,"power":1.5}'],
      ['z/lamp/availability', '{"state":"online"}'],
      ['z/plug/availability', '{"state":"offline"}'],
      ['z/a/temperature', '21.5'],
      ['z/b/temperature', '22'],
      ['z/a/name', 'Küche'],
      ['z/a/picture', Buffer.from('89504e470d0a1a0a', 'hex')],
      ['z/a/report', '<r><t>21</t></r>'],
      ['z/a/log', '2026-03-01,21.5,40'],
    ]
    const input = { session_id, topic: 'z/#', duration: 60, max_messages: messages.length, detail: 'full' }
    const { emit, first } = started()
    const asking = toolkit.call('get_topic_schema', input, { emit })
    await first
    for (const [topic, payload] of messages) await device.publishAsync(topic, payload, { qos: 1 })
    const result = await asking
    assert.deepEqual([result['ended_by'], result['total_topics'], result['total_messages']], ['max_messages', 10, 10])
    const groups = groupsOf(result)
    assert.deepEqual(
      groups.map(({ topics, topic_count, formats }) => [topics, topic_count, Object.keys(formats)[0]]).sort(),
      [
        ['z/+', 2, 'json'],
        ['z/+/availability', 2, 'json'],
        ['z/+/temperature', 2, 'number'],
        ['z/a/log', 1, 'csv'],
        ['z/a/name', 1, 'text'],
        ['z/a/picture', 1, 'image/png'],
        ['z/a/report', 1, 'xml'],
      ],
    )
    const devices = groups.find(({ topics }) => topics === 'z/+')
    assert.deepEqual(devices?.topic_names, ['z/lamp', 'z/plug'])
    assert.deepEqual(devices?.schema?.['required'], ['brightness', 'state'])
    assert.deepEqual([devices?.confidence, devices?.size, devices?.latest], ['Low', '30–43', messages[0]?.[1]])
    assert.equal(groups.find(({ topics }) => topics === 'z/a/picture')?.schema, undefined)
  })

  test('retained messages are counted as such; the rest of the groups is counted', async (context) => {
    const toolkit = await toolkitFor(context, broker)
    const session_id = await establish(toolkit)
    for (const name of ['one', 'two'])
      await device.publishAsync(`kept/${name}`, `{"${name}":1}`, { qos: 1, retain: true })
    const input = { session_id, topic: 'kept/+', duration: 10, max_messages: 2, max_groups: 1 }
    const result = await toolkit.call('get_topic_schema', input)
    assert.equal(result['more_groups'], 1)
    assert.deepEqual(
      groupsOf(result).map(({ retained, topic_names, latest }) => [retained, topic_names, latest]),
      [[1, undefined, undefined]],
    )
    for (const name of ['one', 'two']) await device.publishAsync(`kept/${name}`, '', { qos: 1, retain: true })
  })

  test('protobuf by mapping only; a mapping that is none is refused with its place', async (context) => {
    const toolkit = await toolkitFor(context, broker)
    const session_id = await establish(toolkit)
    await device.publishAsync('pb/x', Buffer.from([0x08, 0x96, 0x01]), { qos: 1, retain: true })
    const ask = (fields: object) =>
      toolkit.call('get_topic_schema', {
        session_id,
        topic: 'pb/+',
        duration: 10,
        max_messages: 1,
        protobuf: [{ topic: 'pb/+', fields }],
      })
    const [group] = groupsOf(await ask({ 1: { name: 'level', type: 'int32' } }))
    assert.deepEqual(group?.formats, { protobuf: 1 })
    assert.deepEqual(group?.schema?.['properties'], { level: { type: 'integer', minimum: 150, maximum: 150 } })
    await assert.rejects(ask({ 1: { name: 'level', type: 'int33' } }), fault('invalid_input', /protobuf.*1.*type/))
    await assert.rejects(ask({ one: { name: 'level', type: 'int32' } }), fault('invalid_input', /number of a field/))
    await device.publishAsync('pb/x', '', { qos: 1, retain: true })
  })

  test('secrets are taken out before anything is learned from them', async (context) => {
    const toolkit = await toolkitFor(context, broker)
    const session_id = await establish(toolkit)
    await device.publishAsync('cfg/x', '{"password":"hunter22","user":"ann"}', { qos: 1, retain: true })
    const result = await toolkit.call('get_topic_schema', {
      session_id,
      topic: 'cfg/+',
      max_messages: 1,
      detail: 'full',
    })
    assert.doesNotMatch(JSON.stringify(result), /hunter22/)
    await device.publishAsync('cfg/x', '', { qos: 1, retain: true })
  })
})
