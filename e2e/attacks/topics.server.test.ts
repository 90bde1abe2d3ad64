import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import { after, before, suite, test } from 'node:test'
import { connect, type IClientPublishOptions, type MqttClient } from 'mqtt'
import { cleanUps } from '../../src/testing/mqtt-toolkit.ts'
import type { TestHub } from '../support/hub.ts'
import { connectMqtt, nextMessage, ownerLogin } from '../support/mqtt.ts'
import { within } from '../support/program.ts'
import { PASSWORD, startHome } from './support/home.ts'
import { entered } from './support/ways.ts'

/** Of the configuration, so that both brokers know it. It may the home, and nothing of the hub's but its own. */
const TABLET = { username: 'tablet', password: PASSWORD } as const
const OWN = 'alicia/v1/as/tablet/req'

/** Below what the tablet may write; none of it is a request of somebody else's, or one that it may make. */
const TOPICS: readonly string[] = [
  `${OWN}/people/add_person`,
  `${OWN}/people/add_person/`,
  `${OWN}/people/add_person/x`,
  `${OWN}//people/add_person`,
  `${OWN}/people`,
  `${OWN}/People/add_person`,
  `${OWN}/people/add_person `,
  `${OWN}/people%2Fadd_person/x`,
  `${OWN}/__proto__/constructor`,
  `${OWN}/../../anna/req/people/add_person`,
  `${OWN}/..//people.add_person`,
  `${OWN}/people.add_person/x`,
  `${OWN}/catalog/call_tool`,
]

/** What a request says of itself besides; whose it is follows from the topic alone. */
const CLAIMS: readonly (readonly [payload: object, properties?: IClientPublishOptions['properties']])[] = [
  [{ name: 'loot', role: 'guest' }],
  [{ name: 'loot', role: 'guest', caller: 'owner', as: 'owner', token: 'owner' }],
  [{ id: 1, reply: 'alicia/v1/as/tablet/rep/claims', body: { name: 'loot', role: 'guest' }, caller: 'owner' }],
  [{ id: { toString: 1 }, reply: 'alicia/v1/as/tablet/rep/claims', body: { name: 'loot', role: 'guest' } }],
  [
    { name: 'loot', role: 'guest' },
    { userProperties: { authorization: 'Bearer x', user: 'owner', caller: 'owner', 'idempotency-key': '__proto__' } },
  ],
  [{ name: 'loot', role: 'guest' }, { correlationData: Buffer.from('\u0000../\n#+/alicia/v1/req') }],
  [{ name: 'loot', role: 'guest' }, { correlationData: Buffer.alloc(60_000, '#') }],
  [{ name: 'people.add_person', arguments: { name: 'loot', role: 'guest' } }],
]

/** Ids that mean something somewhere, or are no level of a topic. */
const clientIds = (hubs: string): readonly string[] => [
  hubs,
  'hub',
  'alicia/hub',
  'alicia',
  'owner',
  '+',
  '#',
  'a/b',
  '../../x',
  '$SYS',
  'x'.repeat(2000),
  'id\nwith a line',
  "'; drop table sessions --",
  '__proto__',
  '\u202Egnp',
]

for (const broker of ['embedded', 'mosquitto'])
  suite(`topics made of what somebody sends, on a broker that is ${broker}`, () => {
    const ending = cleanUps()
    let hub: TestHub
    let owner: MqttClient
    let tablet: MqttClient
    /** What came below `alicia/`, but for what the tablet was answered. */
    const happened: string[] = []
    before(async () => {
      ;({ hub } = await startHome(ending, {}, ['--broker', broker]))
      owner = await connectMqtt(ending, hub.urls.mqtt, { ...ownerLogin(hub), protocolVersion: 5 })
      tablet = await connectMqtt(ending, hub.urls.mqtt, { ...TABLET, protocolVersion: 5 })
      owner.on('message', (topic, _payload, { retain }) => {
        const isExpected = topic.startsWith(`${OWN}/`) || topic.startsWith('alicia/v1/as/tablet/rep/')
        if (!retain && !isExpected && !topic.startsWith('alicia/v1/svc/')) happened.push(topic)
      })
      await owner.subscribeAsync('alicia/#', { qos: 1 })
    })
    after(() => ending.run())

    const people = async () =>
      ((await hub.result('people.list_people'))['people'] as { name: string }[]).map(({ name }) => name).sort()
    let count = 0
    /** A request that it may make is answered to it: what was sent before has been looked at by then. */
    const isAnswered = async () => {
      const responseTopic = `alicia/v1/as/tablet/rep/${++count}`
      const answer = await nextMessage(tablet, responseTopic)
      await tablet.publishAsync(`${OWN}/mqtt/ping`, '{}', { qos: 1, properties: { responseTopic } })
      const { properties } = await answer()
      return properties?.userProperties?.['status']
    }

    test('a request is its topic’s, whatever it says of itself', async () => {
      for (const topic of TOPICS)
        for (const [payload, properties] of CLAIMS)
          // A broker may refuse what no client should send.
          await tablet
            .publishAsync(topic, JSON.stringify(payload), { qos: 1, ...(properties && { properties }) })
            .catch(() => undefined)
      assert.equal(await isAnswered(), 'ok')
      assert.deepEqual(await people(), ['anna', 'gus', 'kim', 'olga', 'robo'])
      assert.deepEqual(happened, [])
    })

    test('an answer goes below what is its caller’s, whatever is asked for', async () => {
      const targets = [
        'alicia/v1/req/people/add_person',
        'alicia/v1/as/anna/req/people/add_person',
        'alicia/v1/as/tablet/req/people/add_person',
        'alicia/v1/as/tablet/rep',
        'alicia/v1/as/tablet/repx/1',
        'alicia/v1/as/anna/rep/1',
        'alicia/v1/rep/1',
        'alicia/v1/evt/approvals',
        'alicia/v1/svc/hub/1/status',
        'home/hall/lock',
      ]
      const locks = await connectMqtt(ending, hub.urls.mqtt, { ...ownerLogin(hub), protocolVersion: 5 })
      const opened: string[] = []
      locks.on('message', (topic) => opened.push(topic))
      await locks.subscribeAsync('home/#', { qos: 1 })
      for (const target of targets) {
        const properties = { responseTopic: target }
        await tablet.publishAsync(`${OWN}/mqtt/ping`, '{}', { qos: 1, properties }).catch(() => undefined)
        await tablet.publishAsync(`${OWN}/mqtt/ping`, JSON.stringify({ id: 1, reply: target, body: {} }), { qos: 1 })
      }
      assert.equal(await isAnswered(), 'ok')
      assert.deepEqual([...happened, ...opened], [])
    })

    test('what correlates comes back as it was sent, byte for byte', async () => {
      const correlationData = Buffer.from([0, 10, 13, 0x2b, 0x23, 0x2f, 0xff, 0xfe, 0xc0, 0xae])
      const responseTopic = 'alicia/v1/as/tablet/rep/bytes'
      const answer = await nextMessage(tablet, responseTopic)
      await tablet.publishAsync(`${OWN}/mqtt/ping`, '{}', { qos: 1, properties: { responseTopic, correlationData } })
      assert.deepEqual((await answer()).properties?.correlationData, correlationData)
    })

    const idOfHub = async (): Promise<string> => {
      const looker = await connectMqtt(ending, hub.urls.mqtt, { ...ownerLogin(hub), protocolVersion: 5 })
      const { promise, resolve } = Promise.withResolvers<string>()
      looker.on('message', (topic) => resolve(topic.split('/')[4] ?? ''))
      await looker.subscribeAsync('alicia/v1/svc/hub/+/status', { qos: 1 })
      const instance = await within(promise, 'the status of the hub')
      return `alicia-hub-${instance}-${hash('sha256', `bus ${hub.token}`).slice(0, 12)}`
    }

    test('no client id is anybody else’s, the hub’s own included', async () => {
      // A Mosquitto lets whoever has an id take over its connection; the hub's has 48 bits that follow from its token.
      const hubs = broker === 'embedded' ? await idOfHub() : 'alicia-hub'
      for (const clientId of clientIds(hubs)) {
        const client = connect(hub.urls.mqtt, {
          ...TABLET,
          clientId,
          protocolVersion: 5,
          reconnectPeriod: 0,
          will: { topic: 'alicia/v1/as/anna/req/people/add_person', payload: Buffer.from('{}'), qos: 1, retain: false },
        })
        const refusal = await entered(client)
        if (clientId === hubs && broker === 'embedded') assert.equal(refusal, 'CONNACK 133')
        if (refusal === undefined) {
          await assert.rejects(client.publishAsync('alicia/v1/req/mqtt/ping', '{}', { qos: 1 }), clientId)
          client.stream.destroy()
        }
        await client.endAsync(true)
      }
      assert.equal(await isAnswered(), 'ok')
      assert.deepEqual(happened, [])
    })

    /** Topics that are somebody else’s. */
    const OTHERS = [
      'alicia/v1/as/anna/rep/1',
      'alicia/v1/as/gus/req/mqtt/ping',
      'alicia/v1/as/alicia/req/mqtt/ping',
      'alicia/v1/req/mqtt/ping',
      'alicia/v1/rep/1',
      'alicia/v1/evt/approvals',
      'alicia/v1/svc/hub/1/status',
      'alicia/v1/bus/x/1/up/hello',
      '$CONTROL/dynamic-security/v1',
      '$SYS/broker/uptime',
    ]
    test('nothing of the hub’s is written by others', async () => {
      for (const topic of OTHERS) {
        const client = await connectMqtt(ending, hub.urls.mqtt, { ...TABLET, protocolVersion: 5 })
        const { promise: gone, reject } = Promise.withResolvers<never>()
        client.once('close', () => reject(new Error('it was cut off')))
        const sent = client.publishAsync(topic, '{}', { qos: 1 })
        await within(assert.rejects(Promise.race([sent, gone]), topic), topic)
        await client.endAsync(true)
        await Promise.allSettled([sent, gone])
      }
      assert.equal(await isAnswered(), 'ok')
      assert.deepEqual(happened, [])
    })

    test('nothing of others’ conversations is heard, by whatever filter', async () => {
      const heard: string[] = []
      const client = await connectMqtt(ending, hub.urls.mqtt, { ...TABLET, protocolVersion: 5 })
      client.on('message', (topic) => heard.push(topic))
      const filters = [
        '#',
        'alicia/#',
        'alicia/v1/as/+/rep/#',
        'alicia/v1/as/+/req/#',
        '+/v1/#',
        'alicia/v1/rep/#',
        '$share/x/alicia/#',
        '$share/x/#',
        'alicia/v1/evt/approvals',
        '$CONTROL/#',
      ]
      for (const filter of filters) await client.subscribeAsync(filter, { qos: 1 }).catch(() => undefined)
      const responseTopic = 'alicia/v1/rep/secret/1'
      const answer = await nextMessage(owner, responseTopic)
      await owner.publishAsync('alicia/v1/req/people/list_people', '{}', { qos: 1, properties: { responseTopic } })
      await answer()
      happened.length = 0
      const last = await nextMessage(client, 'home/settled')
      await owner.publishAsync('home/settled', 'x', { qos: 1 })
      await last()
      assert.deepEqual(
        heard.filter((topic) => /^alicia\/v1\/(?:as|req|rep|bus|evt\/approvals)|^\$/.test(topic)),
        [],
      )
    })
  })
