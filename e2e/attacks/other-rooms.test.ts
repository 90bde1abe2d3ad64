import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import { connect, type IClientOptions, type IPublishPacket, type MqttClient } from 'mqtt'
import { cleanUps } from '../../src/testing/mqtt-toolkit.ts'
import type { TestHub } from '../support/hub.ts'
import { connectMqtt, nextMessage, ownerLogin } from '../support/mqtt.ts'
import { within } from '../support/program.ts'
import { ask, bearer, codeOf } from './support/ask.ts'
import { PASSWORD, startHome, type AttackedHome } from './support/home.ts'
import { entered, modernCall } from './support/ways.ts'

const GUS = { username: 'gus', password: PASSWORD } as const
/** What lies about in the hall; no guest of the kitchen hears of it. */
const SECRET = 'the key is under the mat'
const HALL = [
  'home/hall/lock',
  'home/hall',
  'home/hall/deep/down',
  'zigbee2mqtt/lock-1',
  'elsewhere/note',
  'homeassistant/lock/hall/config',
]
const KITCHEN = ['home/kitchen/lamp', 'zigbee2mqtt/lamp-1']

type Ask = (operation: string, input: object) => Promise<{ code: string; text: string }>

suite('a guest of the kitchen never reaches the hall', () => {
  const ending = cleanUps()
  let home: AttackedHome
  let hub: TestHub
  let owner: MqttClient
  /** What happened in the hall, and anywhere else where no guest may. */
  const happened: string[] = []
  before(async () => {
    home = await startHome(ending)
    ;({ hub } = home)
    owner = await connectMqtt(ending, hub.urls.mqtt, { ...ownerLogin(hub), protocolVersion: 5 })
    const retained = { qos: 1, retain: true } as const
    for (const topic of HALL) await owner.publishAsync(topic, SECRET, retained)
    for (const topic of KITCHEN) await owner.publishAsync(topic, '{"state":"ON"}', retained)
    owner.on('message', (topic, _payload, { retain }) => {
      if (!retain && !topic.startsWith('home/kitchen') && !topic.startsWith('zigbee2mqtt/lamp-1')) happened.push(topic)
    })
    await owner.subscribeAsync(
      [
        'home/#',
        'zigbee2mqtt/#',
        'elsewhere/#',
        'homeassistant/#',
        'alicia/v1/req/#',
        'alicia/v1/as/anna/#',
        'alicia/v1/evt/#',
        'alicia/v1/svc/hub/#',
      ],
      { qos: 1 },
    )
    happened.length = 0
  })
  after(() => ending.run())

  const enter = (options: IClientOptions = {}) =>
    connectMqtt(ending, hub.urls.mqtt, { ...GUS, protocolVersion: 5, ...options })
  /** All that the broker had to say to it has been said by then. */
  const settled = async () => {
    const seen = await nextMessage(owner, 'home/kitchen/settled')
    await owner.publishAsync('home/kitchen/settled', 'x', { qos: 1 })
    await seen()
  }

  const FILTERS = [
    ...HALL,
    '#',
    '+/#',
    '+/+/+',
    'home/#',
    'home/+/lock',
    'home/+/#',
    'home/hall/#',
    'home/Kitchen/#',
    'home//kitchen/#',
    '/home/kitchen/#',
    'zigbee2mqtt/#',
    'zigbee2mqtt/+',
    'zigbee2mqtt/lock-1/#',
    '$share/x/#',
    '$share/x/home/hall/#',
    '$share/x/home/+/lock',
    '$SYS/#',
    'alicia/#',
    'alicia/v1/#',
    'alicia/v1/as/#',
    'alicia/v1/as/+/rep/#',
    'alicia/v1/as/anna/rep/#',
    'alicia/v1/as/anna/req/#',
    'alicia/v1/as/+/req/#',
    'alicia/v1/req/#',
    'alicia/v1/rep/#',
    'alicia/v1/evt/#',
    'alicia/v1/evt/approvals',
    'alicia/v1/bus/#',
    'alicia/v1/svc/+/+/meta',
  ]
  for (const protocolVersion of [5, 4] as const)
    test(`MQTT ${protocolVersion === 5 ? '5' : '3.1.1'}: hears of no topic outside, whatever it subscribes to`, async () => {
      const heard: string[] = []
      const client = await enter({ protocolVersion })
      client.on('message', (topic, payload) => heard.push(`${topic} ${payload.toString()}`))
      const granted: string[] = []
      for (const filter of FILTERS) if ((await subscribed(client, filter)) < 0x80) granted.push(filter)
      assert.deepEqual(granted, [])
      for (const filter of KITCHEN) assert.ok((await subscribed(client, filter)) < 0x80)
      for (const topic of [...HALL, ...KITCHEN]) await owner.publishAsync(topic, SECRET, { qos: 1 })
      happened.length = 0
      await settled()
      assert.ok(heard.length >= 4, heard.join())
      assert.deepEqual(
        heard.filter((line) => !KITCHEN.includes(line.split(' ', 1)[0] ?? '')),
        [],
      )
      await client.endAsync()
    })

  const TOPICS = [
    ...HALL,
    'home/hall/lock/set',
    'home',
    'home/kitchen2/lamp',
    'zigbee2mqtt/lock-1/set',
    'zigbee2mqtt/bridge/request/device/remove',
    'homeassistant/switch/evil/config',
    'alicia/v1/req/people/add_person',
    'alicia/v1/as/anna/req/people/add_person',
    'alicia/v1/as/olga/req/people/add_person',
    'alicia/v1/as/alicia/req/people/add_person',
    'alicia/v1/as/gus/req/mqtt/ping',
    'alicia/v1/as/gus/rep/1',
    'alicia/v1/as/gus/reqs/people/add_person',
    'alicia/v1/rep/owner/1',
    'alicia/v1/evt/approvals',
    'alicia/v1/svc/hub/1/status',
    'alicia/v1/bus/x/1/up/hello',
    '$SYS/broker/uptime',
    '$share/x/home/hall/lock',
  ]
  test('publishes nothing outside, retained or not, at any QoS', async () => {
    const refused = async (topic: string, options: { qos: 1 | 2; retain: boolean }) => {
      const client = await enter({ password: home.tokens.gus })
      // With QoS 2, or where it may not even try, the broker says no by ending the connection.
      const { promise: gone, reject } = Promise.withResolvers<never>()
      client.once('close', () => reject(new Error('it was cut off')))
      const sent = client.publishAsync(topic, 'open', options)
      await within(assert.rejects(Promise.race([sent, gone]), `${topic} ${JSON.stringify(options)}`), topic)
      await client.endAsync(true)
      await Promise.allSettled([sent, gone])
    }
    for (const topic of TOPICS)
      await Promise.all(
        ([1, 2] as const).flatMap((qos) => [false, true].map((retain) => refused(topic, { qos, retain }))),
      )
    await settled()
    assert.deepEqual(happened, [])
    const lock = await nextMessage(owner, 'home/hall/lock')
    assert.equal((await lock()).payload.toString(), SECRET)
  })

  test('a topic alias is no way around: neither one that was refused nor another’s', async () => {
    const client = await enter()
    await client
      .publishAsync('home/hall/lock', 'open', { qos: 1, properties: { topicAlias: 1 } })
      .catch(() => undefined)
    const { promise: gone, resolve } = Promise.withResolvers<void>()
    client.once('close', () => resolve())
    const sent = client.publishAsync('', 'open', { qos: 1, properties: { topicAlias: 1 } })
    await within(Promise.race([gone, sent.catch(() => undefined)]), 'an answer')
    await settled()
    assert.deepEqual(happened, [])
    await client.endAsync(true)
  })

  test('leaves no will outside: it is not let in with one', async () => {
    for (const topic of ['home/hall/lock', 'alicia/v1/as/anna/req/people/add_person', 'alicia/v1/evt/approvals'])
      for (const retain of [false, true]) {
        const client = connect(hub.urls.mqtt, {
          ...GUS,
          protocolVersion: 5,
          reconnectPeriod: 0,
          will: { topic, payload: Buffer.from('open'), qos: 1, retain },
        })
        // Where it is let in, nothing comes of its will.
        if ((await entered(client)) === undefined) client.stream.destroy()
        await client.endAsync(true)
      }
    await settled()
    assert.deepEqual(happened, [])
  })

  test('takes over no session of somebody else’s, and reads none of what waits for it', async () => {
    const lasting = { clean: false, properties: { sessionExpiryInterval: 600 }, clientId: 'annas-phone' }
    const anna = await connectMqtt(ending, hub.urls.mqtt, {
      username: 'anna',
      password: PASSWORD,
      protocolVersion: 5,
      ...lasting,
    })
    await anna.subscribeAsync('home/hall/#', { qos: 1 })
    for (const isConnected of [true, false]) {
      if (!isConnected) {
        await anna.endAsync()
        await owner.publishAsync('home/hall/lock', SECRET, { qos: 1 })
      }
      const client = connect(hub.urls.mqtt, { ...GUS, protocolVersion: 5, reconnectPeriod: 0, ...lasting })
      assert.equal(await entered(client), 'CONNACK 133')
      await client.endAsync(true)
      if (isConnected) assert.ok(anna.connected)
    }
    happened.length = 0
  })

  test('an answer goes nowhere else than below its own topic', async () => {
    const client = await enter()
    const answered = await nextMessage(client, 'alicia/v1/as/gus/rep/last')
    const request = (responseTopic: string) =>
      client.publishAsync('alicia/v1/as/gus/req/mqtt/ping', '{}', { qos: 1, properties: { responseTopic } })
    for (const responseTopic of [
      'home/hall/lock',
      'home/kitchen/lamp',
      'alicia/v1/rep/owner/1',
      'alicia/v1/as/anna/req/mqtt/ping',
      'alicia/v1/as/anna/rep/1',
      'alicia/v1/req/people/add_person',
      'alicia/v1/evt/approvals',
      'alicia/v1/as/gus/rep',
      'alicia/v1/as/gus/rep/../../anna/rep/1',
      'alicia/v1/as/gus2/rep/1',
      'Alicia/v1/as/gus/rep/1',
    ])
      await request(responseTopic).catch(() => undefined)
    const envelope = { id: 1, reply: 'home/hall/lock', body: {} }
    await client.publishAsync('alicia/v1/as/gus/req/mqtt/ping', JSON.stringify(envelope), { qos: 1 })
    await request('alicia/v1/as/gus/rep/last')
    await answered()
    await settled()
    assert.deepEqual(happened, [])
  })

  /** Operations that speak of topics, with one that lies outside. */
  const ASKED: readonly (readonly [operation: string, input: object])[] = [
    ...[
      'home/hall/#',
      '#',
      '+/#',
      'home/+/lock',
      'home/+/#',
      '$share/x/home/kitchen/#',
      '$share/x/#',
      '$SYS/#',
      'alicia/#',
      'alicia/v1/as/+/rep/#',
    ].flatMap(
      (filter) =>
        [
          ['mqtt.subscribe_and_collect', { topic: filter, duration: 0.1 }],
          ['mqtt.list_topics', { pattern: filter, duration: 0.1 }],
          ['mqtt.what_changed', { pattern: filter }],
          ['mqtt.get_topic_schema', { topic: filter, duration: 1 }],
          ['mqtt.list_devices', { pattern: filter, duration: 1 }],
          ['mqtt.monitor_performance', { topics: ['home/kitchen/#', filter], duration: 1 }],
          ['mqtt.debug_device', { device_pattern: filter, duration: 1 }],
          ['mqtt.record_messages', { topic: filter, name: 'loot', duration: 0.1 }],
        ] as const,
    ),
    ['mqtt.list_topics', {}],
    ['mqtt.what_changed', {}],
    ['mqtt.list_devices', {}],
    ['mqtt.monitor_performance', { duration: 1 }],
    ['mqtt.debug_device', { device_pattern: 'lock-1', duration: 1 }],
    ['mqtt.debug_device', { device_pattern: 'lamp-1', duration: 1 }],
    ['mqtt.debug_device', { device_pattern: 'hall', duration: 1 }],
    ['mqtt.publish_message', { topic: 'home/hall/lock', payload: 'open' }],
    ['mqtt.publish_message', { topic: 'home/hall/lock', payload: '', retain: true, confirm: true }],
    ['mqtt.publish_message', { topic: 'alicia/v1/as/anna/req/people/add_person', payload: '{}' }],
    [
      'mqtt.publish_message',
      { topic: 'home/kitchen/lamp', payload: 'x', properties: { response_topic: 'home/hall/lock' } },
    ],
    ['mqtt.request_response', { topic: 'home/hall/lock', payload: 'open', timeout: 0.1 }],
    ['mqtt.request_response', { topic: 'home/hall/lock', reply_topic: 'home/kitchen/x', timeout: 0.1 }],
    ['mqtt.request_response', { topic: 'home/kitchen/lamp', reply_topic: 'home/hall/#', timeout: 0.1 }],
    ['mqtt.request_response', { topic: 'home/kitchen/lamp', timeout: 0.1 }],
    ['mqtt.replay_messages', { name: 'any', topic_prefix: 'home/hall' }],
    ['mqtt.get_recording', { name: 'any' }],
    ['mqtt.list_recordings', {}],
    ['mqtt.test_connection', { connection_string: 'mqtt://127.0.0.1:1' }],
    ['mqtt.establish_connection', { connection_string: 'mqtt://127.0.0.1:1' }],
    ['mqtt.establish_connection', { client_id: 'annas-phone' }],
    ['toys.greet', { name: 'x' }],
    ['health.list_services', {}],
    ['approvals.list_approvals', {}],
  ]

  /** What lies inside, or says something of the home: nothing of the hall is in the answer. */
  const ALLOWED: readonly (readonly [operation: string, input: object])[] = [
    ['mqtt.list_topics', { pattern: 'home/kitchen/#' }],
    ['mqtt.list_topics', { pattern: 'home/kitchen/nothing/#', duration: 0.2 }],
    ['mqtt.what_changed', { pattern: 'home/kitchen/#' }],
    ['mqtt.list_devices', { pattern: 'home/kitchen/#', duration: 1 }],
    ['mqtt.list_devices', { pattern: 'zigbee2mqtt/lamp-1/#', duration: 1 }],
    ['mqtt.debug_device', { device_pattern: 'home/kitchen/nothing/#', duration: 1 }],
    ['mqtt.get_topic_schema', { topic: 'home/kitchen/#', duration: 1 }],
    ['mqtt.subscribe_and_collect', { topic: 'home/kitchen/#', duration: 0.2 }],
    ['mqtt.list_active_connections', {}],
  ]

  const ASKING: Readonly<Record<string, () => Promise<Ask>>> = {
    REST: async () => async (operation, input) => {
      const { body } = await home.as('gus', operation, input)
      const text = JSON.stringify(body)
      return { code: codeOf(text), text }
    },
    MCP: async () => async (operation, input) => {
      const { headers, body } = modernCall(operation, input)
      const { text } = await ask(hub, '/mcp', { headers: { ...headers, ...bearer(home.tokens.gus) }, body })
      return { code: codeOf(text), text }
    },
    call_tool: async () => async (operation, input) => {
      const { body } = await home.as('gus', 'catalog.call_tool', { name: operation, arguments: input })
      const text = JSON.stringify(body)
      return { code: codeOf(text), text }
    },
    MQTT: async () => {
      const client = await enter()
      let count = 0
      return async (operation, input) => {
        const responseTopic = `alicia/v1/as/gus/rep/${++count}`
        const answer = await nextMessage(client, responseTopic)
        const topic = `alicia/v1/as/gus/req/${operation.replace('.', '/')}`
        await client.publishAsync(topic, JSON.stringify(input), { qos: 1, properties: { responseTopic } })
        const { payload, properties }: IPublishPacket = await answer()
        return { code: String(properties?.userProperties?.['status']), text: payload.toString() }
      }
    },
  }
  test(`${Object.keys(ASKING).join(', ')}: it asks for nothing outside, and hears of nothing`, async () => {
    const tried = Object.entries(ASKING).map(async ([way, begin]) => {
      const request = await begin()
      const own = await request('mqtt.establish_connection', {})
      const session_id = /"session_id\\?":\\?"([\w-]+)/.exec(own.text)?.[1]
      assert.ok(session_id, own.text)
      const withSession = (operation: string, input: object) =>
        !operation.startsWith('mqtt.') || /connection|recording/.test(operation) ? input : { session_id, ...input }
      for (const [operation, input] of ASKED) {
        const { code, text } = await request(operation, withSession(operation, input))
        const what = `${way}: ${operation} ${JSON.stringify(input)}: ${text}`
        // To a model a tool that it could not call at all is none.
        if (way === 'call_tool' && code === 'not_found') assert.match(text, /no tool called/, what)
        else assert.equal(code, 'forbidden', what)
        assert.ok(!text.includes(SECRET), what)
      }
      const look = async ([operation, input]: readonly [operation: string, input: object]) => {
        const { code, text } = await request(operation, withSession(operation, input))
        const what = `${way}: ${operation} ${JSON.stringify(input)}: ${text}`
        assert.ok(code === 'ok' || code === 'not_found', what)
        assert.doesNotMatch(text, /hall|lock-1|elsewhere|under the mat/, what)
      }
      for (let at = 0; at < ALLOWED.length; at += 4) await Promise.all(ALLOWED.slice(at, at + 4).map(look))
    })
    await Promise.all(tried)
    await settled()
    assert.deepEqual(happened, [])
  })
})

/** The reason code of the SUBACK. */
async function subscribed(client: MqttClient, filter: string): Promise<number> {
  const { promise, resolve } = Promise.withResolvers<number>()
  client.subscribe(filter, { qos: 1 }, (error, granted) => {
    const [first] = granted ?? []
    resolve(error ? 0x87 : (first?.qos ?? 0x80))
  })
  return await within(promise, `SUBACK of ${filter}`)
}
