import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import { connectAsync, type MqttClient } from 'mqtt'
import { heldClock } from '../../kernel/clock.ts'
import type { Broker } from '../../kernel/ports.ts'
import { temporaryFolder } from '../../testing/folder.ts'
import {
  cleanUps,
  establish,
  fault,
  messagesOf,
  started,
  startToolkit,
  toolkitFor,
  type CleanUps,
  type Message,
} from '../../testing/mqtt-toolkit.ts'

/** What the service does on a broker that lets its sessions read and write; `ann` may log in with `hunter22`. */
export function mqttServiceSuite(name: string, start: (ending: CleanUps) => Promise<Broker>): void {
  suite(`mqtt service on ${name}`, { concurrency: false }, () => {
    const ending = cleanUps()
    let broker: Broker
    let device: MqttClient
    before(async () => {
      broker = await start(ending)
      device = await connectAsync(broker.url, { protocolVersion: 5, ...broker.login('session') })
    })
    after(async () => {
      await device.endAsync(true)
      await ending.run()
    })

    for (const version of ['5', '3.1.1'])
      test(`publishes and collects, MQTT ${version}`, async (context) => {
        const toolkit = await toolkitFor(context, broker)
        const session = await toolkit.call('establish_connection', { protocol_version: version })
        assert.equal(session['protocol_version'], version)
        assert.equal(session['own_broker'], true)
        const topic = `demo/${version}`
        const input = {
          session_id: session['session_id'],
          topic: `${topic}/#`,
          duration: 60,
          mode: 'first',
          max_messages: 3,
          qos: 2,
        }
        const { emit, first } = started()
        const collecting = toolkit.call('subscribe_and_collect', input, { emit })
        await first
        for (const [qos, payload] of [
          [0, 'ON'],
          [1, { level: 40 }],
          [2, { base64: 'AAEC' }],
        ] as const) {
          const sent = await toolkit.call('publish_message', {
            session_id: session['session_id'],
            topic: `${topic}/${qos}`,
            payload,
            qos,
          })
          assert.equal(sent['confirmed'], qos > 0)
        }
        const result = await collecting
        assert.equal(result['ended_by'], 'max_messages')
        assert.deepEqual(
          messagesOf(result).map((message) => [
            message.topic,
            message.payload,
            message.encoding,
            message.format,
            message.qos,
          ]),
          [
            [`${topic}/0`, 'ON', 'text', 'text', 0],
            [`${topic}/1`, { level: 40 }, 'json', 'json', 1],
            [`${topic}/2`, 'AAEC', 'base64', 'binary', 2],
          ],
        )
      })

    test('retained: kept, marked, listed, deleted by an empty payload', async (context) => {
      const toolkit = await toolkitFor(context, broker)
      const session_id = await establish(toolkit, { access: 'all' })
      const topic = 'kept/state'
      const publish = (payload: string) =>
        toolkit.call('publish_message', { session_id, topic, payload, qos: 1, retain: true, confirm: payload === '' })
      assert.equal((await publish('21.5'))['retained'], true)
      const collect = (until: { duration: number; max_messages?: number }) =>
        toolkit.call('subscribe_and_collect', { session_id, topic: 'kept/#', mode: 'first', ...until })
      const [message] = messagesOf(await collect({ duration: 60, max_messages: 1 }))
      assert.deepEqual([message?.payload, message?.format, message?.retained], ['21.5', 'number', true])
      const listed = await toolkit.call('list_topics', { session_id, pattern: 'kept/#', duration: 60, max_topics: 1 })
      const [facts] = listed['topics'] as Record<string, unknown>[]
      assert.deepEqual([facts?.['topic'], facts?.['payload'], facts?.['retained']], [topic, '21.5', true])
      assert.equal((await publish(''))['retained_deleted'], true)
      assert.deepEqual(messagesOf(await collect({ duration: 0.3 })), [])
    })

    test('MQTT 5 properties arrive as they were sent', async (context) => {
      const toolkit = await toolkitFor(context, broker)
      const session_id = await establish(toolkit)
      const properties = {
        content_type: 'application/json',
        response_topic: 'answers/7',
        correlation_data: 'AAEC/w==',
        user_properties: { trace: 'abc', tag: ['a', 'b'] },
        message_expiry_seconds: 60,
      }
      await toolkit.call('publish_message', {
        session_id,
        topic: 'props',
        payload: {},
        qos: 1,
        retain: true,
        properties,
      })
      const result = await toolkit.call('subscribe_and_collect', {
        session_id,
        topic: 'props',
        mode: 'first',
        max_messages: 1,
      })
      assert.deepEqual(messagesOf(result)[0]?.properties, properties)
      await device.publishAsync('props', '', { qos: 1, retain: true })
      const old = await establish(toolkit, { protocol_version: '3.1.1' })
      await assert.rejects(
        toolkit.call('publish_message', { session_id: old, topic: 'props', payload: '', properties }),
        fault('invalid_input', /3\.1\.1/),
      )
    })

    test('topics are paged, sorted, and without $SYS unless asked for', async (context) => {
      const toolkit = await toolkitFor(context, broker)
      const session_id = await establish(toolkit)
      const topics = Array.from({ length: 5 }, (_, index) => `paged/${index}`)
      for (const topic of topics) await device.publishAsync(topic, 'x'.repeat(500), { qos: 1, retain: true })
      const list = (more: object) => toolkit.call('list_topics', { session_id, pattern: 'paged/+', limit: 2, ...more })
      const namesOf = (page: Record<string, unknown>) => (page['topics'] as Message[]).map(({ topic }) => topic)
      const first = await list({ duration: 10, max_topics: 5 })
      assert.equal(first['ended_by'], 'max_topics')
      const second = await list({ cursor: first['next_cursor'] })
      const third = await list({ cursor: second['next_cursor'] })
      assert.deepEqual([first, second, third].flatMap(namesOf), topics)
      assert.equal(third['next_cursor'], undefined)
      const other = await establish(toolkit)
      await assert.rejects(
        toolkit.call('list_topics', { session_id: other, cursor: String(first['next_cursor']) }),
        fault('invalid_input', /cursor/),
      )
      const all = await toolkit.call('list_topics', { session_id, duration: 0.3 })
      assert.ok(namesOf(all).every((topic) => !topic.startsWith('$')))
      const sys = await toolkit.call('list_topics', { session_id, pattern: '$SYS/broker/uptime', max_topics: 1 })
      assert.deepEqual(namesOf(sys), ['$SYS/broker/uptime'])
      for (const topic of topics) await device.publishAsync(topic, '', { qos: 1, retain: true })
    })

    test('the index answers at once: topics, what changed, what is silent since', async (context) => {
      const toolkit = await toolkitFor(context, broker)
      await device.publishAsync('live/kept', '{"state":"ON","power":3}', { qos: 1, retain: true })
      const session_id = await establish(toolkit)
      const list = (more: object) => toolkit.call('list_topics', { session_id, pattern: 'live/#', ...more })
      const first = await list({})
      assert.equal(first['ended_by'], 'index')
      assert.partialDeepStrictEqual(first['topics'], [{ topic: 'live/kept', retained: true, messages: 1 }])
      const { now } = await toolkit.call('what_changed', { session_id, pattern: 'live/#' })
      await device.publishAsync('live/kept', '{"state":"OFF","power":3}', { qos: 1 })
      for (let number = 0; number < 60; number++)
        await device.publishAsync(`live/many/${number}/state`, 'x', { qos: 1 })
      while ((await list({}))['total_topics'] !== 61) await toolkit.call('ping', { session_id })
      const changed = await toolkit.call('what_changed', { session_id, pattern: 'live/#', since: now, limit: 3 })
      assert.match(String(changed['changed']), /^live\/kept: state ON → OFF \(\d+ s ago\)$/)
      assert.deepEqual([(changed['new'] as string[]).length, changed['more'], changed['unchanged']], [3, 57, 0])
      const collapsed = (await list({}))['topics']
      assert.partialDeepStrictEqual(collapsed, [{ topic: 'live/kept' }, { topic: 'live/many/+/state', topics: 60 }])
      assert.equal(((await list({ sort: 'recency', limit: 2 }))['topics'] as Message[]).length, 2)
      await device.publishAsync('live/kept', '', { qos: 1, retain: true })
    })

    test('index: false listens when asked, and has nothing to compare with', async (context) => {
      const toolkit = await toolkitFor(context, broker)
      const session_id = await establish(toolkit, { index: false })
      await device.publishAsync('unindexed', 'x', { qos: 1, retain: true })
      const list = await toolkit.call('list_topics', { session_id, pattern: 'unindexed', max_topics: 1 })
      assert.deepEqual([list['ended_by'], list['total_topics']], ['max_topics', 1])
      await assert.rejects(toolkit.call('what_changed', { session_id }), fault('conflict', /index: false/))
      await device.publishAsync('unindexed', '', { qos: 1, retain: true })
    })

    test('a sample is of the whole time, in words and messages', async (context) => {
      const clock = heldClock()
      const toolkit = await toolkitFor(context, broker, { clock })
      const session_id = await establish(toolkit)
      const { emit, first } = started()
      const input = { session_id, topic: 'zigbee2mqtt/#', duration: 1.5, max_messages: 20 }
      const collecting = toolkit.call('subscribe_and_collect', input, { emit })
      await first
      const say = (topic: string, value: object) =>
        device.publishAsync(`zigbee2mqtt/${topic}`, JSON.stringify(value), { qos: 1 })
      await say('hall_light', { state: 'ON', brightness: 3 })
      for (let number = 0; number < 200; number++) await say('meter', { power: number })
      await say('bridge/logging', { level: 'error', message: 'no answer' })
      await say('hall_light', { state: 'OFF', brightness: 3 })
      // All that was said is on its way before this answer.
      await toolkit.call('ping', { session_id })
      clock.advance(1500)
      const result = await collecting
      assert.deepEqual([result['ended_by'], result['received']], ['duration', 203])
      assert.ok(messagesOf(result).length <= 20)
      assert.match(String(result['errors']), /no answer/)
      assert.match(String(result['changes']), /OFF/)
      assert.partialDeepStrictEqual(result['sampling'], { classes: { error: { seen: 1, kept: 1 } } })
      assert.ok(messagesOf(result).some(({ topic }) => topic === 'zigbee2mqtt/bridge/logging'))
    })

    test('two collections of one session that overlap each get every message once', async (context) => {
      const toolkit = await toolkitFor(context, broker)
      const session_id = await establish(toolkit)
      await device.publishAsync('twice/x', 'kept', { qos: 1, retain: true })
      const collections = ['twice/#', 'twice/+'].map((topic) => {
        const { emit, first } = started()
        const input = { session_id, topic, duration: 60, mode: 'first', max_messages: 201, qos: 1 }
        return { result: toolkit.call('subscribe_and_collect', input, { emit }), first }
      })
      await Promise.all(collections.map(({ first }) => first))
      for (let index = 0; index < 200; index++) device.publish('twice/x', String(index), { qos: 1 })
      for (const { result } of collections)
        assert.deepEqual(
          messagesOf(await result).map(({ payload }) => payload),
          ['kept', ...Array.from({ length: 200 }, (_, index) => String(index))],
        )
      await device.publishAsync('twice/x', '', { qos: 1, retain: true })
    })

    test('20,000 messages of QoS 1 during a collection: none is lost, all are streamed', async (context) => {
      const toolkit = await toolkitFor(context, broker)
      const session_id = await establish(toolkit)
      const count = 20_000
      const streamed: Message[] = []
      const ready = Promise.withResolvers<void>()
      const collecting = toolkit.call(
        'subscribe_and_collect',
        { session_id, topic: 'many', duration: 120, mode: 'first', max_messages: count, qos: 1 },
        {
          emit({ data }) {
            ready.resolve()
            streamed.push(...(data as { messages: Message[] }).messages)
          },
        },
      )
      await ready.promise
      await Promise.all(
        Array.from({ length: count }, (_, index) => device.publishAsync('many', String(index), { qos: 1 })),
      )
      const result = await collecting
      assert.equal(result['returned'], count)
      const expected = Array.from({ length: count }, (_, index) => String(index))
      assert.deepEqual(
        messagesOf(result).map(({ payload }) => payload),
        expected,
      )
      assert.deepEqual(
        streamed.map(({ payload }) => payload),
        expected,
      )
    })

    test('more than may be held in memory ends a collection early, and says so', async (context) => {
      const toolkit = await toolkitFor(context, broker, { limits: { collectedBytes: 10_000 } })
      const session_id = await establish(toolkit)
      const { emit, first } = started()
      const collecting = toolkit.call(
        'subscribe_and_collect',
        { session_id, topic: 'big', duration: 60, mode: 'first' },
        { emit },
      )
      await first
      for (let index = 0; index < 5; index++) device.publish('big', 'x'.repeat(3000), { qos: 1 })
      const result = await collecting
      assert.deepEqual([result['ended_by'], result['truncated'], result['returned']], ['max_bytes', true, 3])
    })

    test('a caller who gives up ends the subscription; the session goes on', async (context) => {
      const toolkit = await toolkitFor(context, broker)
      const session_id = await establish(toolkit)
      const { emit, first } = started()
      const gone = new AbortController()
      const collecting = toolkit.call(
        'subscribe_and_collect',
        { session_id, topic: 'x', duration: 60 },
        { emit, signal: gone.signal },
      )
      await first
      gone.abort()
      await assert.rejects(collecting, fault('cancelled', /withdrawn/))
      assert.equal((await toolkit.call('ping', { session_id }))['pong'], true)
    })

    test('test_connection and ping measure and tell', async (context) => {
      const toolkit = await toolkitFor(context, broker)
      const session_id = await establish(toolkit)
      const facts = await toolkit.call('test_connection', { session_id })
      assert.equal(facts['protocol_version'], '5')
      assert.match(String(facts['broker_uptime']), /seconds/)
      assert.deepEqual(facts['subscription'], { granted_qos: 2 })
      assert.equal(facts['tls'], null)
      assert.ok((facts['round_trip_ms'] as { best: number }).best > 0)
      const pong = await toolkit.call('ping', { session_id })
      assert.ok(Number(pong['round_trip_ms']) > 0)
      assert.equal((await toolkit.call('ping', {}))['pong'], true)
    })

    const invalid = [
      ['subscribe_and_collect', { topic: 'home/#/x' }, /topic: .*4\.7\.1-1/],
      ['subscribe_and_collect', { topic: 'home+' }, /topic: .*4\.7\.1-2/],
      ['subscribe_and_collect', { topic: '' }, /topic: .*4\.7\.3-1/],
      ['subscribe_and_collect', { topic: 'x', duration: 3601 }, /duration/],
      ['list_topics', { pattern: '##' }, /pattern: .*4\.7\.1-1/],
      ['publish_message', { topic: 'home/+', payload: '' }, /topic: .*4\.7\.0-1/],
      ['publish_message', { topic: 'a\0', payload: '' }, /topic: .*4\.7\.3-2/],
      ['publish_message', { topic: 'x'.repeat(65_536), payload: '' }, /topic: .*4\.7\.3-3/],
      ['publish_message', { topic: '\ud800', payload: '' }, /topic: .*1\.5\.4-1/],
      ['publish_message', { topic: 'x', payload: '?', payload_encoding: 'base64' }, /base64/],
      ['publish_message', { topic: 'x', payload: '', qos: 3 }, /qos/],
    ] as const
    test('invalid input is refused with the clause', async (context) => {
      const toolkit = await toolkitFor(context, broker)
      const session_id = await establish(toolkit)
      for (const [operation, input, says] of invalid)
        await assert.rejects(toolkit.call(operation, { session_id, ...input }), fault('invalid_input', says))
    })

    test('sessions survive a restart of the hub, credentials unread', async (context) => {
      const options = { folder: temporaryFolder(context), broker }
      const first = await startToolkit(options)
      const connection_string = broker.url.replace('//', '//ann:hunter22@')
      const session_id = await establish(first, { connection_string, name: 'attic' })
      const rows = await first.store.as<{ mqtt_sessions: object }>().selectFrom('mqtt_sessions').selectAll().execute()
      assert.doesNotMatch(JSON.stringify(rows), /hunter22|ann:/)
      await first.stop()

      const second = await startToolkit(options)
      context.after(() => second.stop())
      second.secrets.rotate('hub')
      const { connections } = await second.call('list_active_connections', {})
      assert.partialDeepStrictEqual(connections, [{ session_id, name: 'attic', state: 'idle', own_broker: false }])
      assert.equal((await second.call('ping', { session_id }))['pong'], true)
      const [row] = await second.store
        .as<{ mqtt_sessions: { sealed: string } }>()
        .selectFrom('mqtt_sessions')
        .select('sealed')
        .execute()
      assert.equal(second.secrets.isStale(row?.sealed ?? ''), false)
    })
  })
}
