import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { z } from 'zod'
import type { Caller } from '../../kernel/caller.ts'
import { heldClock } from '../../kernel/clock.ts'
import { Fault, type FaultBody } from '../../kernel/fault.ts'
import { OWNER } from '../../kernel/identity.ts'
import { silentLog } from '../../kernel/log.ts'
import { operation } from '../../kernel/operation.ts'
import type { BusMessage, BusProperties } from '../../kernel/ports.ts'
import { testDoor } from '../../testing/hub.ts'
import { memoryBus } from '../../testing/memory-bus.ts'
import { createMqttAdapter, type MqttUser } from './adapter.ts'

const USERS: readonly MqttUser[] = [
  { name: 'node-red', scopes: ['lamps:write'] },
  { name: 'guest', scopes: [] },
  { name: 'tablet', scopes: ['lamps:write'], role: 'child' },
]

/** A hub with one lamp; `runs` are the handler's calls, `gate` holds `lamps.wait`. */
async function startHub(enforcesIdentity = true) {
  const runs: { lamp: string; caller: Caller; trace?: string }[] = []
  const gates: (() => void)[] = []
  const setLamp = operation()({
    name: 'lamps.set_lamp',
    summary: 'Switch one lamp.',
    scope: 'lamps:write',
    effect: 'write',
    input: z.object({ lamp: z.string() }),
    output: z.object({ run: z.number() }),
    async handler({ lamp }, { caller, emit }) {
      runs.push({ lamp, caller })
      if (lamp === 'missing') throw new Fault('not_found', 'No lamp called missing.', { hint: 'List the lamps.' })
      emit({ progress: 1, total: 2 })
      emit({ progress: 2, total: 2, message: 'lit' })
      return { run: runs.length }
    },
  })
  const wait = operation()({
    name: 'lamps.wait',
    summary: 'Wait for the gate.',
    scope: null,
    effect: 'write',
    input: z.object({}).loose(),
    output: z.object({ waited: z.literal(true) }),
    async handler(_, { signal, caller }) {
      runs.push({ lamp: 'wait', caller })
      await new Promise<void>((resolve, reject) => {
        gates.push(resolve)
        signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true })
      })
      return { waited: true as const }
    },
  })
  const big = operation()({
    name: 'lamps.list',
    summary: 'Far too much.',
    scope: null,
    effect: 'read',
    input: z.object({}),
    output: z.string(),
    handler: async () => 'x'.repeat(1_000_001),
  })
  const door = testDoor([setLamp.bind({}), wait.bind({}), big.bind({})])
  const bus = memoryBus()
  const adapter = await createMqttAdapter({
    bus,
    broker: { enforcesIdentity },
    registry: door.registry,
    invoke: door.invoke,
    events: door.events,
    log: silentLog,
    // Descriptions, which follow after a while, are no part of what these tests count.
    clock: heldClock(),
    version: '1.2.3',
    instance: 'home',
    users: USERS,
  })
  const ask = (topic: string, payload: string | Buffer, properties: BusProperties, qos: 0 | 1 | 2 = 1) => {
    const reply = bus.next((message) => message.topic === properties.responseTopic)
    void bus.publish(topic, payload, { qos, properties })
    return reply
  }
  return { bus, adapter, door, runs, gates, ask }
}

const REPLY = 'alicia/v1/rep/client/1'
const json = (message: BusMessage) => JSON.parse(message.payload.toString()) as unknown
const fault = (message: BusMessage) => json(message) as FaultBody & { type: string; status: number; detail: string }
const statusOf = (message: BusMessage) => message.properties?.userProperties?.['status']
const turns = async (count = 20) => {
  for (let turn = 0; turn < count; turn++) await new Promise(setImmediate)
}

suite('MQTT 5 request and response', () => {
  test('answers with the same correlation data, and says who asked', async () => {
    const { ask, runs, adapter } = await startHub()
    const correlationData = Buffer.from([0, 255, 13, 10])
    const reply = await ask('alicia/v1/req/lamps/set_lamp', '{"lamp":"hall"}', {
      responseTopic: REPLY,
      correlationData,
    })
    assert.deepEqual(json(reply), { run: 1 })
    assert.deepEqual(reply.properties, {
      correlationData,
      contentType: 'application/json',
      messageExpiryInterval: 300,
      userProperties: { status: 'ok' },
    })
    assert.equal(reply.qos, 1)
    assert.equal(reply.retain, false)
    assert.deepEqual(runs[0]?.caller, { ...OWNER, via: 'mqtt' })
    await adapter.stop()
  })

  test('a user has the role that the configuration gives it', async () => {
    const { ask, runs, adapter } = await startHub()
    for (const user of ['tablet', 'node-red']) {
      const { topic, responseTopic } = asUser(user)
      await ask(topic, '{"lamp":"hall"}', { responseTopic })
    }
    assert.deepEqual(
      runs.map(({ caller }) => caller.role),
      ['child', undefined],
    )
    await adapter.stop()
  })

  const asUser = (user: string) => ({
    topic: `alicia/v1/as/${user}/req/lamps/set_lamp`,
    responseTopic: `alicia/v1/as/${user}/rep/1`,
  })
  const identities = [
    ['a user has its own scopes', asUser('node-red'), 'ok', 'mqtt:node-red'],
    ['a user without the scope is refused', asUser('guest'), 'forbidden', undefined],
    ['a user nobody configured is refused', asUser('mallory'), 'unauthenticated', undefined],
    ['the login of the owner is the owner', asUser('alicia'), 'ok', 'owner'],
  ] as const
  for (const [what, { topic, responseTopic }, status, id] of identities)
    test(what, async () => {
      const { ask, runs, adapter } = await startHub()
      // What a request says of its sender counts for nothing.
      const userProperties = { user: 'owner', caller: 'owner' }
      const reply = await ask(topic, '{"lamp":"hall"}', { responseTopic, userProperties })
      assert.equal(statusOf(reply), status)
      assert.equal(runs[0]?.caller.id, id)
      await adapter.stop()
    })

  test('a broker that does not check who writes gets faults that name the setting', async () => {
    const { ask, runs, adapter } = await startHub(false)
    const reply = await ask('alicia/v1/req/lamps/set_lamp', '{"lamp":"hall"}', { responseTopic: REPLY })
    assert.equal(statusOf(reply), 'forbidden')
    assert.match(fault(reply).hint ?? '', /broker\.enforcesIdentity/)
    assert.equal(runs.length, 0)
    await adapter.stop()
  })

  const deep = `${'['.repeat(65)}${']'.repeat(65)}`
  const wrong = [
    ['no JSON', '{"lamp"', {}, 'invalid_request', /not valid JSON/],
    ['not UTF-8', Buffer.from([0x7b, 0xff, 0x7d]), {}, 'invalid_request', /UTF-8/],
    ['too deep', deep, {}, 'invalid_request', /64 levels/],
    ['too long', ' '.repeat(1_000_001), {}, 'too_large', /1000001 bytes/],
    ['another format', '<x/>', { contentType: 'text/xml' }, 'unsupported_media', /text\/xml/],
    ['unknown argument', '{"lmap":"hall"}', {}, 'invalid_input', /did you mean lamp/],
    ['not an object', '[1]', {}, 'invalid_input', /expected object/],
    ['nothing', '', {}, 'invalid_input', /lamp/],
    ['the operation refuses', '{"lamp":"missing"}', {}, 'not_found', /missing/],
    ['empty key', '{}', { userProperties: { 'idempotency-key': '' } }, 'invalid_request', /idempotency key/],
  ] as const
  for (const [what, payload, properties, code, says] of wrong)
    test(`is told: ${what}`, async () => {
      const { ask, adapter } = await startHub()
      const correlationData = Buffer.from('c')
      const sent = { ...properties, responseTopic: REPLY, correlationData }
      const reply = await ask('alicia/v1/req/lamps/set_lamp', payload, sent)
      const { type, detail, code: own } = fault(reply)
      assert.equal(statusOf(reply), code)
      assert.equal(own, code)
      assert.equal(type, `/problems/${code}`)
      assert.match(detail, says)
      assert.equal(reply.properties?.contentType, 'application/problem+json')
      assert.deepEqual(reply.properties?.correlationData, correlationData)
      await adapter.stop()
    })

  test('an unknown operation, and a result that no packet holds', async () => {
    const { ask, adapter } = await startHub()
    const unknown = await ask('alicia/v1/req/lamps/set_lmap', '{}', { responseTopic: REPLY })
    assert.equal(statusOf(unknown), 'unknown_operation')
    assert.match(fault(unknown).hint ?? '', /lamps\.set_lamp|set_lamp/)
    assert.equal(statusOf(await ask('alicia/v1/req/lamps/list', '', { responseTopic: REPLY })), 'too_large')
    await adapter.stop()
  })

  const elsewhere = [
    'homeassistant/light/x/config',
    'alicia/v1/svc/hub/home/status',
    'alicia/v1/rep/',
    'alicia/v1/rep/+',
    'alicia/v1/as/node-red/rep/1',
    'alicia/v1/req/lamps/set_lamp',
    '',
  ]
  for (const responseTopic of elsewhere)
    test(`does not answer at ${JSON.stringify(responseTopic)}`, async () => {
      const { bus, runs, adapter } = await startHub()
      await turns()
      const before = bus.published.length
      await bus.publish('alicia/v1/req/lamps/set_lamp', '{"lamp":"hall"}', { qos: 1, properties: { responseTopic } })
      await turns()
      assert.equal(runs.length, 0)
      assert.equal(bus.published.length, before + 1)
      await adapter.stop()
    })

  test('a user cannot have answers sent to the owner, or to another user', async () => {
    const { bus, runs, adapter } = await startHub()
    for (const responseTopic of [REPLY, 'alicia/v1/as/guest/rep/1'])
      await bus.publish('alicia/v1/as/node-red/req/lamps/set_lamp', '{"lamp":"hall"}', {
        properties: { responseTopic },
      })
    await turns()
    assert.equal(runs.length, 0)
    await adapter.stop()
  })

  test('without a response topic it runs and says nothing', async () => {
    const { bus, runs, adapter } = await startHub()
    await turns()
    const before = bus.published.length
    await bus.publish('alicia/v1/req/lamps/set_lamp', '{"lamp":"hall"}', { qos: 1 })
    await turns()
    assert.deepEqual([runs.length, bus.published.length], [1, before + 1])
    await adapter.stop()
  })

  test('a retained request is not run, neither at the start nor after a reconnect', async () => {
    const { bus, runs, adapter } = await startHub()
    await bus.publish('alicia/v1/req/lamps/set_lamp', '{"lamp":"hall"}', { retain: true })
    await turns()
    assert.equal(runs.length, 1, 'live, it is a request as any other')
    bus.reconnect()
    await turns()
    assert.equal(runs.length, 1)
    await adapter.stop()
  })

  test('the message expiry is the deadline, and the answer does not outlive it', async () => {
    const { ask, adapter } = await startHub()
    const sent = { responseTopic: REPLY, messageExpiryInterval: 1 }
    const late = await ask('alicia/v1/req/lamps/wait', '', sent)
    assert.equal(statusOf(late), 'timeout')
    assert.equal(late.properties?.messageExpiryInterval, 1)
    await adapter.stop()
  })

  test('progress is sent when asked for: numbered, with the same correlation, and the answer ends it', async () => {
    const { bus, ask, adapter } = await startHub()
    const correlationData = Buffer.from('p')
    const sent = { responseTopic: REPLY, correlationData, userProperties: { progress: '1' } }
    void bus.publish('alicia/v1/req/lamps/set_lamp', '{"lamp":"hall"}', { properties: sent })
    await bus.next(({ properties }) => properties?.userProperties?.['final'] === 'true')
    const replies = bus.published.filter(({ topic }) => topic === REPLY)
    assert.deepEqual(
      replies.map((reply) => [json(reply), reply.properties?.userProperties, reply.properties?.correlationData]),
      [
        [{ progress: 1, total: 2 }, { seq: '0', final: 'false' }, correlationData],
        [{ progress: 2, total: 2, message: 'lit' }, { seq: '1', final: 'false' }, correlationData],
        [{ run: 1 }, { status: 'ok', seq: '2', final: 'true' }, correlationData],
      ],
    )
    const plain = await ask('alicia/v1/req/lamps/set_lamp', '{"lamp":"hall"}', { responseTopic: REPLY })
    assert.deepEqual(json(plain), { run: 2 })
    await adapter.stop()
  })
})

suite('MQTT 3.1.1 envelope', () => {
  const call = async (envelope: object, topic = 'alicia/v1/req/lamps/set_lamp') => {
    const hub = await startHub()
    const reply = hub.bus.next((message) => message.topic.includes('/rep/'))
    void hub.bus.publish(topic, JSON.stringify(envelope), { qos: 1 })
    const answer = json(await reply)
    await hub.adapter.stop()
    return answer
  }

  const table = [
    ['answer', { id: 7, reply: REPLY, body: { lamp: 'hall' } }, { id: 7, status: 'ok', body: { run: 1 } }],
    ['no id', { reply: REPLY, body: { lamp: 'hall' } }, { id: null, status: 'ok', body: { run: 1 } }],
  ] as const
  for (const [what, envelope, expected] of table)
    test(what, async () => assert.deepEqual(await call(envelope), expected))

  test('a fault is the body', async () => {
    const answer = (await call({ id: 'a', reply: REPLY, body: { lamp: 'missing' } })) as {
      id: string
      status: string
      body: FaultBody
    }
    assert.deepEqual([answer.id, answer.status, answer.body.code], ['a', 'not_found', 'not_found'])
  })

  test('a wrong envelope is answered under its id', async () => {
    const answer = (await call({ id: 'a', reply: REPLY, timeout_ms: -1 })) as { id: string; status: string }
    assert.deepEqual([answer.id, answer.status], ['a', 'invalid_request'])
  })

  test('progress', async () => {
    const { bus, adapter } = await startHub()
    const envelope = { id: 1, reply: REPLY, progress: true, body: { lamp: 'hall' } }
    void bus.publish('alicia/v1/req/lamps/set_lamp', JSON.stringify(envelope))
    await bus.next(({ payload }) => payload.includes('"final":true'))
    assert.deepEqual(bus.published.filter(({ topic }) => topic === REPLY).map(json), [
      { id: 1, seq: 0, final: false, progress: { progress: 1, total: 2 } },
      { id: 1, seq: 1, final: false, progress: { progress: 2, total: 2, message: 'lit' } },
      { id: 1, status: 'ok', seq: 2, final: true, body: { run: 1 } },
    ])
    await adapter.stop()
  })
})

suite('requests that come twice, and too many of them', () => {
  const keyed = (key: string): BusProperties => ({ responseTopic: REPLY, userProperties: { 'idempotency-key': key } })
  const TOPIC = 'alicia/v1/req/lamps/set_lamp'

  test('the same key has the same answer and one run', async () => {
    const { ask, runs, adapter } = await startHub()
    const first = await ask(TOPIC, '{"lamp":"hall"}', keyed('k'))
    const second = await ask(TOPIC, '{ "lamp": "hall" }', keyed('k'))
    assert.deepEqual(json(second), json(first))
    assert.equal(runs.length, 1)
    await ask(TOPIC, '{"lamp":"hall"}', keyed('other'))
    assert.equal(runs.length, 2)
    await adapter.stop()
  })

  test('the key is the caller’s and the operation’s own', async () => {
    const { ask, runs, adapter } = await startHub()
    await ask(TOPIC, '{"lamp":"hall"}', keyed('k'))
    const properties = { ...keyed('k'), responseTopic: 'alicia/v1/as/node-red/rep/1' }
    assert.equal(statusOf(await ask('alicia/v1/as/node-red/req/lamps/set_lamp', '{"lamp":"hall"}', properties)), 'ok')
    assert.equal(runs.length, 2)
    await adapter.stop()
  })

  test('the same key with another input is a conflict', async () => {
    const { ask, runs, adapter } = await startHub()
    await ask(TOPIC, '{"lamp":"hall"}', keyed('k'))
    assert.equal(statusOf(await ask(TOPIC, '{"lamp":"attic"}', keyed('k'))), 'conflict')
    assert.equal(runs.length, 1)
    await adapter.stop()
  })

  test('a refused request does not use up its key; one that failed at work does', async () => {
    const { ask, runs, adapter } = await startHub()
    assert.equal(statusOf(await ask(TOPIC, '{}', keyed('k'))), 'invalid_input')
    assert.equal(statusOf(await ask(TOPIC, '{"lamp":"missing"}', keyed('k'))), 'not_found')
    assert.equal(statusOf(await ask(TOPIC, '{"lamp":"missing"}', keyed('k'))), 'not_found')
    assert.equal(runs.length, 1)
    await adapter.stop()
  })

  const twice = [
    ['one key', { userProperties: { 'idempotency-key': 'k' } }, 1, 1],
    ['a redelivery at QoS 1', { correlationData: Buffer.from('c') }, 1, 1],
    ['QoS 0 is not redelivered', { correlationData: Buffer.from('c') }, 0, 2],
    ['no correlation data tells nothing', {}, 1, 2],
  ] as const
  for (const [what, properties, qos, expected] of twice)
    test(`at the same time: ${what}`, async () => {
      const { bus, runs, gates, adapter } = await startHub()
      const sent = { qos, properties: { ...properties, responseTopic: REPLY } }
      for (let count = 0; count < 2; count++) void bus.publish('alicia/v1/req/lamps/wait', '{}', sent)
      await turns()
      assert.equal(runs.length, expected)
      for (const open of gates) open()
      await turns()
      assert.equal(bus.published.filter(({ topic }) => topic === REPLY).length, 2, 'both are answered')
      await adapter.stop()
    })

  test('more than 64 at once are refused, and others are still served', async () => {
    const { bus, gates, ask, runs, adapter } = await startHub()
    for (let count = 0; count < 64; count++) void bus.publish('alicia/v1/req/lamps/wait', '')
    await turns()
    const refused = await ask('alicia/v1/req/lamps/wait', '', { responseTopic: REPLY })
    assert.equal(statusOf(refused), 'rate_limited')
    assert.equal(fault(refused).retry_after_ms, 1000)
    const other = { responseTopic: 'alicia/v1/as/node-red/rep/1' }
    assert.equal(statusOf(await ask('alicia/v1/as/node-red/req/lamps/set_lamp', '{"lamp":"hall"}', other)), 'ok')
    for (const open of gates) open()
    await turns()
    assert.equal(statusOf(await ask(TOPIC, '{"lamp":"hall"}', { responseTopic: REPLY })), 'ok')
    assert.equal(runs.length, 66)
    await adapter.stop()
  })

  test('stop waits for what runs, and takes nothing new', async () => {
    const { bus, gates, runs, adapter } = await startHub()
    const reply = bus.next(({ topic }) => topic === REPLY)
    await bus.publish('alicia/v1/req/lamps/wait', '', { properties: { responseTopic: REPLY } })
    await turns()
    const stopped = adapter.stop()
    await turns()
    await bus.publish('alicia/v1/req/lamps/wait', '', { properties: { responseTopic: REPLY } })
    assert.equal(runs.length, 1)
    gates[0]?.()
    assert.equal(statusOf(await reply), 'ok')
    await stopped
  })
})
