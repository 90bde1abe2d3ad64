import assert from 'node:assert/strict'
import { after, before, suite, test, type TestContext } from 'node:test'
import { connectAsync, type IClientPublishOptions, type IPublishPacket, type MqttClient } from 'mqtt'
import type { Caller } from '../../../kernel/caller.ts'
import type { Broker } from '../../../kernel/ports.ts'
import { owner } from '../../../testing/hub.ts'
import {
  cleanUps,
  establish,
  fault,
  messagesOf,
  started,
  toolkitFor,
  type CleanUps,
} from '../../../testing/mqtt-toolkit.ts'

const guest: Caller = { ...owner, id: 'guest', name: 'guest' }

/** How one kind of device answers: what it subscribes to, and what it says where. */
interface Responder {
  readonly filter: string
  /** Comes where the answer comes, for somebody else. */
  readonly wrong?: Saying
  answer(packet: IPublishPacket, request: Record<string, unknown>): Saying & { topic: string }
}

interface Saying {
  readonly payload: string
  readonly more?: IClientPublishOptions
}

const RESPONDERS: Readonly<Record<string, Responder>> = {
  mqtt5: {
    filter: 'rr/five',
    wrong: { payload: 'another', more: { properties: { correlationData: Buffer.from('another') } } },
    answer: ({ properties: { responseTopic = '', correlationData = Buffer.alloc(0) } = {} }) => ({
      topic: responseTopic,
      payload: 'five',
      more: { properties: { correlationData } },
    }),
  },
  zigbee2mqtt: {
    filter: 'rrz/bridge/request/#',
    wrong: { payload: '{"status":"ok","transaction":"another"}' },
    answer: ({ topic }, { transaction }) => ({
      topic: topic.replace('request', 'response'),
      payload: JSON.stringify({ status: 'ok', transaction }),
    }),
  },
  shelly: {
    filter: 'rrs/rpc',
    wrong: { payload: '{"id":-1,"result":{}}' },
    answer: (_, { id, src }) => ({
      topic: `${String(src)}/rpc`,
      payload: JSON.stringify({ id, result: { on: true } }),
    }),
  },
  tasmota: {
    filter: 'cmnd/rrt/+',
    answer: () => ({ topic: 'stat/rrt/RESULT', payload: '{"POWER":"ON"}' }),
  },
  plain: {
    filter: 'rr/ask',
    answer: (_, { id }) => ({ topic: 'rr/answer', payload: JSON.stringify({ id, ok: true }) }),
  },
}

const CASES = [
  ['mqtt5', { topic: 'rr/five', payload: 'hello' }, 'mqtt5', 'exactly', 'five'],
  [
    'zigbee2mqtt',
    { topic: 'rrz/bridge/request/permit_join', payload: { value: true } },
    'zigbee2mqtt',
    'exactly',
    /"ok"/,
  ],
  [
    'shelly',
    { topic: 'rrs/rpc', payload: { method: 'Switch.Set', params: { id: 0, on: true } } },
    'shelly',
    'exactly',
    /true/,
  ],
  ['tasmota', { topic: 'cmnd/rrt/Power', payload: '' }, 'tasmota', 'topic', /ON/],
  ['plain', { topic: 'rr/ask', payload: { id: 7 }, reply_topic: 'rr/+', style: 'topic' }, 'topic', 'topic', /true/],
  ['plain', { topic: 'rr/ask', payload: { id: 8 }, reply_topic: 'rr/#', echoed_member: 'id' }, 'topic', 'exactly', /8/],
] as const

/** Requests, recordings and rules on a broker that lets its sessions read and write. */
export function mqttToolsSuite(name: string, start: (ending: CleanUps) => Promise<Broker>): void {
  suite(`mqtt tools on ${name}`, { concurrency: false }, () => {
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

    /** Answers as a device does, after what looks like an answer and is none. */
    const respond = async (context: TestContext, { filter, wrong, answer }: Responder) => {
      const listener = (_topic: string, payload: Buffer, packet: IPublishPacket) => {
        const { topic, payload: text, more } = answer(packet, readObject(payload))
        if (wrong) device.publish(topic, wrong.payload, wrong.more)
        device.publish(topic, text, more)
      }
      device.on('message', listener)
      await device.subscribeAsync(filter)
      context.after(async () => {
        device.off('message', listener)
        await device.unsubscribeAsync(filter)
      })
    }

    for (const [responder, input, style, matched_by, says] of CASES)
      test(`request and response: ${responder}, ${matched_by} ${JSON.stringify(input.payload)}`, async (context) => {
        const toolkit = await toolkitFor(context, broker)
        await respond(context, RESPONDERS[responder] as Responder)
        const session_id = await establish(toolkit, { access: 'all' })
        const result = await toolkit.call('request_response', { session_id, ...input, timeout: 30 })
        assert.deepEqual([result['style'], result['matched_by']], [style, matched_by])
        const { payload } = result['reply'] as { payload: unknown }
        assert.match(typeof payload === 'string' ? payload : JSON.stringify(payload), new RegExp(says))
        assert.ok(Number(result['took_ms']) >= 0)
      })

    test('request and response: MQTT 3.1.1 knows no response topic', async (context) => {
      const toolkit = await toolkitFor(context, broker)
      const session_id = await establish(toolkit, { protocol_version: '3.1.1' })
      await assert.rejects(
        toolkit.call('request_response', { session_id, topic: 'rr/five' }),
        fault('invalid_input', /reply_topic/),
      )
    })

    test('request and response: a retained message is no answer, and no answer is a timeout', async (context) => {
      const toolkit = await toolkitFor(context, broker)
      const session_id = await establish(toolkit)
      await device.publishAsync('rr/kept', 'old', { qos: 1, retain: true })
      const input = { session_id, topic: 'rr/nobody', reply_topic: 'rr/kept', style: 'topic', qos: 0, timeout: 0.2 }
      await assert.rejects(toolkit.call('request_response', input), fault('timeout', /rr\/kept/))
    })

    test('recorded, listed, read, replayed elsewhere, deleted; nobody else sees it', async (context) => {
      const toolkit = await toolkitFor(context, broker)
      const session_id = await establish(toolkit)
      const { emit, first } = started()
      const recording = toolkit.call(
        'record_messages',
        { session_id, topic: 'rec/#', name: 'morning', duration: 60, max_messages: 3, qos: 1 },
        { emit },
      )
      await first
      await assert.rejects(
        toolkit.call('record_messages', { session_id, topic: 'x', name: 'morning', duration: 1 }),
        fault('conflict', /morning/),
      )
      device.publish('rec/a', '{"psk":"hunter22","on":true}', { qos: 1 })
      device.publish('rec/a', Buffer.from([0, 255]), { qos: 1 })
      await device.publishAsync('rec/b', 'é', { qos: 1, properties: { userProperties: { tag: ['a', 'b'] } } })
      const made = await recording
      assert.partialDeepStrictEqual(made, { name: 'morning', messages: 3, redacted: 1, ended_by: 'max_messages' })
      const { recordings } = await toolkit.call('list_recordings', {})
      assert.partialDeepStrictEqual(recordings, [{ name: 'morning', topic: 'rec/#', messages: 3 }])
      assert.deepEqual(await toolkit.call('list_recordings', {}, { caller: guest }), { recordings: [] })

      const page = await toolkit.call('get_recording', { name: 'morning', max_bytes: 1 })
      assert.deepEqual([page['lines'], page['total_lines'], page['next_line']], [1, 3, 1])
      const rest = await toolkit.call('get_recording', { name: 'morning', from_line: 1 })
      const lines = `${String(page['jsonl'])}${String(rest['jsonl'])}`.trim().split('\n')
      assert.deepEqual(
        lines.map((line) => ({ ...readObject(Buffer.from(line)), t: 0 })),
        [
          { t: 0, topic: 'rec/a', text: '{"psk":"[redacted]","on":true}', qos: 1, redacted: 1 },
          { t: 0, topic: 'rec/a', base64: 'AP8=', qos: 1 },
          { t: 0, topic: 'rec/b', text: 'é', qos: 1, user_properties: { tag: ['a', 'b'] } },
        ],
      )

      const dry = await toolkit.call('replay_messages', { session_id, recording: 'morning', dry_run: true })
      assert.partialDeepStrictEqual(dry, {
        dry_run: true,
        messages: 3,
        redacted: 1,
        topics: { 'rec/a': 'replay/rec/a' },
      })
      const heard = started()
      const collecting = toolkit.call(
        'subscribe_and_collect',
        { session_id, topic: 'replay/#', mode: 'first', duration: 60, max_messages: 3 },
        { emit: heard.emit },
      )
      await heard.first
      const replayed = await toolkit.call('replay_messages', { session_id, recording: 'morning', speed: 0 })
      assert.equal(replayed['messages'], 3)
      const { messages } = (await collecting) as { messages: { topic: string; retained: boolean; payload: unknown }[] }
      assert.deepEqual(
        messages.map(({ topic, retained, payload }) => [topic, retained, payload]),
        [
          ['replay/rec/a', false, { psk: '[redacted]', on: true }],
          ['replay/rec/a', false, 'AP8='],
          ['replay/rec/b', false, 'é'],
        ],
      )

      const denied = await establish(toolkit, { write: { deny: ['replay/rec/b'] } })
      await assert.rejects(
        toolkit.call('replay_messages', { session_id: denied, recording: 'morning' }),
        fault('forbidden', /write\.deny replay\/rec\/b/),
      )
      const mapped = { session_id: denied, recording: 'morning', topic_map: { 'rec/b': 'copy' } }
      const onlyOne = await toolkit.call('replay_messages', mapped)
      assert.partialDeepStrictEqual(onlyOne, { messages: 1, skipped: 2, topics: { 'rec/b': 'copy' } })

      await assert.rejects(toolkit.call('delete_recording', { name: 'morning' }, { caller: guest }), {
        code: 'not_found',
      })
      assert.partialDeepStrictEqual(await toolkit.call('delete_recording', { name: 'morning' }), {
        deleted: { name: 'morning' },
      })
      await assert.rejects(toolkit.call('get_recording', { name: 'morning' }), { code: 'not_found' })
    })

    test('a recording that is called off keeps what came; without anything its name is free again', async (context) => {
      const toolkit = await toolkitFor(context, broker)
      const session_id = await establish(toolkit)
      const gone = new AbortController()
      const { first, emit } = started()
      const input = { session_id, topic: 'off', name: 'off', duration: 60 }
      const empty = toolkit.call('record_messages', input, { emit, signal: gone.signal })
      await first
      gone.abort()
      await assert.rejects(empty, { code: 'cancelled' })
      await eventually(async () => ((await toolkit.call('list_recordings', {}))['recordings'] as object[]).length === 0)

      const again = new AbortController()
      const reports = Promise.withResolvers<void>()
      const next = started()
      const some = toolkit.call('record_messages', input, {
        signal: again.signal,
        emit(progress) {
          next.emit(progress)
          if (progress.message === '1 recorded so far') reports.resolve()
        },
      })
      await next.first
      await device.publishAsync('off', 'x', { qos: 1 })
      await reports.promise
      again.abort()
      await assert.rejects(some, { code: 'cancelled' })
      await eventually(async () => (await toolkit.call('get_recording', { name: 'off' }))['lines'] === 1)
    })

    test('more than a recording may hold ends it; so many recordings, so much in all', async (context) => {
      const limits = { recordingBytes: 300, recordedBytesPerCaller: 500, recordingsPerCaller: 2 }
      const toolkit = await toolkitFor(context, broker, { limits })
      const session_id = await establish(toolkit)
      await device.publishAsync('much/a', '\u0001'.repeat(100), { qos: 1, retain: true })
      const record = (name: string) =>
        toolkit.call('record_messages', { session_id, topic: 'much/#', name, duration: 60, max_messages: 1 })
      assert.partialDeepStrictEqual(await record('one'), { messages: 0, ended_by: 'max_bytes' })
      await record('two')
      await assert.rejects(record('three'), fault('conflict', /2 recordings/))
    })

    test('the rules of a session hold for each of its calls, and are shown', async (context) => {
      const toolkit = await toolkitFor(context, broker)
      const rules = {
        access: 'read_only',
        read: { deny: ['rules/lock'] },
        redact: [{ topic: 'rules/+', path: 'name' }],
      }
      const session_id = await establish(toolkit, rules)
      await device.publishAsync('rules/lock', 'open', { qos: 1, retain: true })
      await device.publishAsync('rules/door', '{"name":"Ann","psk":"hunter22"}', { qos: 1, retain: true })
      const publish = { session_id, topic: 'rules/x', payload: 'ON' }
      await assert.rejects(toolkit.call('publish_message', publish), fault('forbidden', /access read_only/))
      await assert.rejects(toolkit.call('request_response', publish), fault('forbidden', /access read_only/))
      const dry = await toolkit.call('publish_message', { ...publish, topic: 'rules/door', dry_run: true })
      assert.partialDeepStrictEqual(dry, {
        confirmed: false,
        dry_run: { would_publish: false, kept_now: '{"name":"[redacted]","psk":"[redacted]"}' },
      })
      const { emit, first } = started()
      const input = { session_id, topic: 'rules/#', mode: 'first', duration: 60, max_messages: 2 }
      const collecting = toolkit.call('subscribe_and_collect', input, { emit })
      await first
      // What is kept, and one that is not: the collection ends with it.
      await device.publishAsync('rules/last', 'x', { qos: 1 })
      const collected = await collecting
      assert.doesNotMatch(JSON.stringify(collected), /hunter22|Ann|rules\/lock/)
      const messages = messagesOf(collected).toSorted((one, other) => one.topic.localeCompare(other.topic))
      assert.partialDeepStrictEqual(messages, [{ topic: 'rules/door', redacted: 2 }, { topic: 'rules/last' }])
      await assert.rejects(
        toolkit.call('subscribe_and_collect', { session_id, topic: 'rules/lock', duration: 1 }),
        fault('forbidden', /read\.deny rules\/lock/),
      )
      const { connections } = await toolkit.call('list_active_connections', {})
      assert.partialDeepStrictEqual(connections, [
        { rules: { access: 'read_only', read: 'deny rules/lock', redact: ['rules/+ name'] } },
      ])
    })

    test('deleting what is retained: looked at first, then confirmed, then gone', async (context) => {
      const toolkit = await toolkitFor(context, broker)
      const session_id = await establish(toolkit, { access: 'all' })
      await device.publishAsync('del/ghost', 'boo', { qos: 1, retain: true })
      const input = { session_id, topic: 'del/ghost', payload: '', retain: true, qos: 1 }
      await assert.rejects(toolkit.call('publish_message', input), fault('forbidden', /confirm: true/))
      const dry = await toolkit.call('publish_message', { ...input, confirm: true, dry_run: true })
      assert.partialDeepStrictEqual(dry['dry_run'], { would_publish: true, kept_now: 'boo' })
      const done = await toolkit.call('publish_message', { ...input, confirm: true })
      assert.equal(done['retained_deleted'], true)
      const after = await toolkit.call('publish_message', { ...input, confirm: true, dry_run: true })
      assert.partialDeepStrictEqual(after['dry_run'], { kept_now: null, note: 'There is nothing to delete.' })
    })
  })
}

function readObject(payload: Buffer): Record<string, unknown> {
  try {
    return JSON.parse(payload.toString()) as Record<string, unknown>
  } catch {
    return {}
  }
}

/** What a call leaves behind it does after its caller is gone: asked again until it is so, at most 100 times. */
async function eventually(isSo: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 100; tries++) {
    if (await isSo().catch(() => false)) return
    await new Promise((resolve) => setImmediate(resolve))
  }
  assert.fail('It never was so.')
}
