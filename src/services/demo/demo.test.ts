import assert from 'node:assert/strict'
import { suite, test, type TestContext } from 'node:test'
import { connectAsync, type MqttClient } from 'mqtt'
import { connectBus } from '../../engines/broker/bus.ts'
import { startEmbeddedBroker } from '../../engines/broker/embedded.ts'
import { heldClock, systemClock } from '../../kernel/clock.ts'
import { Fault } from '../../kernel/fault.ts'
import { silentLog } from '../../kernel/log.ts'
import type { Broker } from '../../kernel/ports.ts'
import { owner, testDoor } from '../../testing/hub.ts'
import { temporaryFolder } from '../../testing/folder.ts'
import { clearDemoHome, RETAINED_TOPIC, STATE_TOPIC } from './ghosts.ts'
import { describeHome } from './operations.ts'
import { startHome } from './running-home.ts'

const TOKEN = 'owner-token-of-the-test'
const FLAKY = 'tele/tasmota_A11C02/LWT'

/** What a test opens is closed when it ends, also when it fails. */
async function startBroker(context: TestContext, file = ':memory:') {
  const options = { host: '127.0.0.1', port: 0, file, ownerToken: TOKEN, users: [], log: silentLog }
  const broker = await startEmbeddedBroker({ ...options, anonymous: false })
  let stopped: Promise<void> | undefined
  const stop = () => (stopped ??= broker.stop())
  context.after(stop)
  return { ...broker, stop }
}

/** What a person sees: every message, live and retained. */
async function watch(context: TestContext, broker: Pick<Broker, 'url'>) {
  const client = await connectAsync(broker.url, { username: 'alicia', password: TOKEN, reconnectPeriod: 0 })
  context.after(() => client.endAsync(true))
  const latest = new Map<string, string>()
  const waiting = new Set<() => void>()
  client.on('message', (topic, payload) => {
    latest.set(topic, payload.toString())
    for (const look of waiting) look()
  })
  await client.subscribeAsync('#', { qos: 1 })
  const see = (topic: string, pattern: RegExp) =>
    new Promise<string>((resolve) => {
      const look = () => {
        const payload = latest.get(topic)
        if (payload === undefined || !pattern.test(payload)) return
        waiting.delete(look)
        resolve(payload)
      }
      waiting.add(look)
      look()
    })
  return { client, latest, see }
}

/** Everything that is retained, as whoever comes now gets it: in the order in which the topics came up. */
async function retainedAt(broker: Pick<Broker, 'url'>): Promise<string[]> {
  const client = await connectAsync(broker.url, { username: 'alicia', password: TOKEN, reconnectPeriod: 0 })
  const last = `last/${crypto.randomUUID()}`
  await client.publishAsync(last, 'last', { qos: 1, retain: true })
  const topics: string[] = []
  const over = new Promise<void>((resolve) => {
    client.on('message', (topic, _, { retain }) => (topic === last ? resolve() : retain && topics.push(topic)))
  })
  await client.subscribeAsync('#', { qos: 1 })
  await over
  await client.publishAsync(last, '', { qos: 1, retain: true })
  await client.endAsync()
  return topics.sort()
}

async function run(context: TestContext, broker: Broker, clock = heldClock(Date.UTC(2026, 5, 1, 12))) {
  const options = { broker, clock, log: silentLog, seed: 7, speed: 1 }
  const home = await startHome(options, AbortSignal.timeout(20_000))
  context.after(() => home.stop())
  return home
}

async function start(context: TestContext) {
  const clock = heldClock(Date.UTC(2026, 5, 1, 12))
  const broker = await startBroker(context)
  const person = await watch(context, broker)
  return { clock, broker, home: await run(context, broker, clock), ...person }
}

async function busAt(context: TestContext, broker: Broker) {
  const signal = AbortSignal.timeout(10_000)
  const bus = await connectBus({ broker, clientId: 'hub', clock: systemClock, log: silentLog, signal })
  context.after(() => bus.stop())
  return bus
}

const publish = (client: MqttClient, topic: string, payload: string) => client.publishAsync(topic, payload, { qos: 1 })

suite('the demo home at a broker', () => {
  test('every family answers commands', async (context) => {
    const { client, see } = await start(context)
    const table = [
      ['zigbee2mqtt/hall_light/set', '{"brightness":99}', 'zigbee2mqtt/hall_light', /"brightness":99/],
      ['cmnd/tasmota_A11C01/POWER', 'ON', 'stat/tasmota_A11C01/POWER', /^ON$/],
      [
        'shellies/shellyswitch25-D0A11C/roller/0/command',
        'close',
        'shellies/shellyswitch25-D0A11C/roller/0',
        /^close$/,
      ],
      [
        'shellyplus1pm-d0a11cade001/rpc',
        '{"id":1,"src":"test","method":"Switch.Toggle","params":{"id":0}}',
        'test/rpc',
        /"was_on":true/,
      ],
      ['desk-lamp/light/desk_lamp/command', '{"state":"ON"}', 'desk-lamp/light/desk_lamp/state', /"state":"ON"/],
    ] as const
    for (const [topic, payload, answerTopic, pattern] of table) {
      const answer = see(answerTopic, pattern)
      await publish(client, topic, payload)
      assert.match(await answer, pattern)
    }
  })

  test('the flaky one drops off without a word, and comes back', async (context) => {
    const { clock, home, see } = await start(context)
    const advanceUntil = (away: boolean) => {
      const flaky = home.links.find(({ node }) => node.guides.some(({ name }) => name === 'Greenhouse Heater'))?.node
      do clock.advance(1000)
      while (flaky?.isAway?.(home.now()) !== away)
    }
    await see(FLAKY, /^Online$/)
    advanceUntil(true)
    await see(FLAKY, /^Offline$/)
    const online = async () => {
      const { devices } = (await describe(home)) as { devices: { name: string; online: boolean }[] }
      return devices.find(({ name }) => name === 'Greenhouse Heater')?.online
    }
    assert.equal(await online(), false)
    advanceUntil(false)
    await see(FLAKY, /^Online$/)
    assert.equal(await online(), true)
  })

  test('describes itself, and every topic it names is there', async (context) => {
    const { home, see } = await start(context)
    const { devices } = (await describe(home)) as { devices: { family: string; reports: string[] }[] }
    assert.deepEqual([...new Set(devices.map(({ family }) => family))].sort(), [
      'ESPHome',
      'Shelly Gen1',
      'Shelly Gen2',
      'Tasmota',
      'Zigbee2MQTT',
    ])
    // All but one: a notification of the second generation comes when something changes.
    const topics = devices.flatMap(({ reports }) => reports).filter((topic) => !topic.endsWith('/events/rpc'))
    for (const topic of topics) await see(topic, /./)
  })

  test('when it stops nothing of it stays, and what is not its own is left', async (context) => {
    const broker = await startBroker(context)
    const person = await watch(context, broker)
    await person.client.publishAsync('homeassistant/light/real/config', '{}', { qos: 1, retain: true })
    const sockets = openSockets()
    const home = await run(context, broker)
    await person.see(RETAINED_TOPIC, /desk-lamp/)
    assert.ok((await retainedAt(broker)).length > 20)
    await home.stop()
    assert.deepEqual(await retainedAt(broker), ['homeassistant/light/real/config'])
    await person.client.endAsync()
    await broker.stop()
    assert.ok(openSockets() <= sockets, 'no connection is left')
  })

  test('what a killed hub left is cleared by the next start without a demo', async (context) => {
    const file = `${temporaryFolder(context)}/broker.db`
    const first = await startBroker(context, file)
    const person = await watch(context, first)
    const clock = heldClock(Date.UTC(2026, 5, 1, 12))
    const home = await run(context, first, clock)
    await person.see('desk-lamp/status', /online/)
    clock.advance(1000)
    await person.see(RETAINED_TOPIC, /desk-lamp/)
    await person.client.publishAsync('homeassistant/light/real/config', '{}', { qos: 1, retain: true })
    await person.client.publishAsync('zigbee2mqtt_real/bridge/state', 'online', { qos: 1, retain: true })
    await person.client.endAsync()
    await first.stop()
    await home.stop()

    const second = await startBroker(context, file)
    const bus = await busAt(context, second)
    assert.ok((await retainedAt(second)).includes('desk-lamp/status'), 'the ghosts are there')
    assert.ok((await clearDemoHome({ bus, broker: second, clock: systemClock, log: silentLog })) > 20)
    assert.deepEqual(await retainedAt(second), ['homeassistant/light/real/config', 'zigbee2mqtt_real/bridge/state'])
    assert.equal(await clearDemoHome({ bus, broker: second, clock: systemClock, log: silentLog }), 0)
  })

  test('a forged list clears nothing of others', async (context) => {
    const broker = await startBroker(context)
    const person = await watch(context, broker)
    const bus = await busAt(context, broker)
    const kept = ['alicia/v1/svc/hub/home/status', 'homeassistant/light/real/config', 'zigbee2mqtt/bridge/info']
    for (const topic of kept) await bus.publish(topic, '{"coordinator":{}}', { qos: 1, retain: true })
    await person.client.publishAsync(RETAINED_TOPIC, JSON.stringify([...kept, 7, 'desk-lamp/#']), { retain: true })
    await person.client.publishAsync(STATE_TOPIC, '{"state":"online"}', { qos: 1, retain: true })
    assert.equal(await clearDemoHome({ bus, broker, clock: systemClock, log: silentLog }), 0)
    assert.deepEqual(await retainedAt(broker), kept)
  })

  test('it does not speak over a real home, nor over another demo', async (context) => {
    const broker = await startBroker(context)
    const person = await watch(context, broker)
    const refused = (broker: Broker, says: RegExp) =>
      assert.rejects(run(context, broker), (fault: Fault) => {
        assert.equal(fault.code, 'conflict')
        assert.match(fault.message, says)
        return true
      })
    const real = JSON.stringify({ version: '2.7.2', coordinator: { ieee_address: '0x00124b0018ed2c00' } })
    await person.client.publishAsync('zigbee2mqtt/bridge/info', real, { qos: 1, retain: true })
    await refused(broker, /real Zigbee2MQTT/)
    await person.client.publishAsync('zigbee2mqtt/bridge/info', '', { qos: 1, retain: true })
    await run(context, broker)
    await refused({ ...broker, kind: 'remote' }, /Another hub/)
  })

  test('without a broker it says so', async (context) => {
    const broker = await startBroker(context)
    await broker.stop()
    await assert.rejects(run(context, broker), (fault: Fault) => fault instanceof Fault && fault.code === 'unavailable')
  })
})

const describe = (home: Awaited<ReturnType<typeof run>>) =>
  testDoor([describeHome.bind({ home })]).invoke({ operation: 'describe_home', input: {}, caller: owner })

const openSockets = () => process.getActiveResourcesInfo().filter((kind) => kind.startsWith('TCPSocket')).length
