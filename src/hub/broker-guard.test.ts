import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { suite, test, type TestContext } from 'node:test'
import type { IClientOptions } from 'mqtt'
import { z } from 'zod'
import { createMqttAdapter } from '../adapters/mqtt/adapter.ts'
import { connectBus } from '../engines/broker/bus.ts'
import { connectClient, until, type TestClient } from '../engines/broker/client.testing.ts'
import { startEmbeddedBroker } from '../engines/broker/embedded.ts'
import { makeCertificate } from '../engines/broker/generator/certificate.ts'
import type { BrokerQuotas } from '../engines/broker/quotas.ts'
import { openPeople } from '../engines/people/people.ts'
import { openSqlite } from '../engines/store/sqlite.ts'
import type { SecurityEvent } from '../kernel/audit.ts'
import { heldClock, systemClock, type HeldClock } from '../kernel/clock.ts'
import { createIdentity, OWNER } from '../kernel/identity.ts'
import { createLoginThrottle } from '../kernel/login-throttle.ts'
import { silentLog } from '../kernel/log.ts'
import { operation } from '../kernel/operation.ts'
import { DEFAULT_ROLES } from '../kernel/role.ts'
import { createTenure } from '../kernel/tenure.ts'
import { tokens } from '../services/tokens/index.ts'
import { testDoor } from '../testing/hub.ts'
import { createBrokerGuard } from './broker-guard.ts'
import { createPlaces } from './places.ts'

const PASSWORD = 'correct horse battery'
const LASTING = { clean: false, properties: { sessionExpiryInterval: 600 } }

const whoAmI = operation()({
  name: 'door.who',
  summary: 'Who asks.',
  scope: null,
  effect: 'read',
  input: z.object({}),
  output: z.object({ id: z.string(), role: z.string().optional(), scopes: z.array(z.string()) }),
  handler: async (_, { caller: { id, role, scopes } }) => ({ id, ...(role && { role }), scopes: [...scopes] }),
}).bind({})

const PLACES = createPlaces({
  rooms: { kitchen: { topics: ['home/kitchen/#'] }, hall: { topics: ['home/hall/#'] } },
  devices: { kettle: { room: 'kitchen', topics: ['zigbee2mqtt/kettle/#'] } },
})

/** The embedded broker of a hub with real people and tokens; time stands still for what expires. */
async function startHome(t: TestContext, quotas: Partial<BrokerQuotas> = {}, file = ':memory:') {
  const clock: HeldClock = heldClock()
  const store = openSqlite({ file: ':memory:', log: silentLog })
  const door = testDoor([whoAmI])
  const { events, registry } = door
  const noted: SecurityEvent[] = []
  const limits: string[] = []
  events.on('security.noted', (event) => void noted.push(event))
  const throttle = createLoginThrottle(clock)
  const people = await openPeople({ store, events, throttle, roles: DEFAULT_ROLES, clock, log: silentLog })
  const identity = createIdentity('the-owners-own-token')
  const surroundings = { clock, events, log: silentLog }
  const tokensPart = tokens.join(surroundings, registry, () => ({ status: 'available', sinceMs: 0 }))
  const signal = AbortSignal.timeout(20_000)
  const running = await tokensPart.start({ store, identity, people }, signal)
  const guard = createBrokerGuard({
    places: PLACES,
    throttle,
    tenure: createTenure(events, clock),
    refusals: { note: (limit) => void limits.push(limit) },
    events,
    clock,
    broker: () => broker,
  })
  const broker = await startEmbeddedBroker({
    host: '127.0.0.1',
    port: 0,
    file,
    log: silentLog,
    ownerToken: 'the-owners-own-token',
    users: [{ name: 'anna', password: 'annas-password' }],
    anonymous: false,
    awaitsIdentities: true,
    quotas,
    ...guard.watch,
  })
  const bus = await connectBus({ broker, clientId: 'hub', clock: systemClock, log: silentLog, signal })
  const part = await guard.part.start({ people, identity }, signal)
  const adapter = await createMqttAdapter({
    bus,
    broker,
    registry,
    invoke: door.invoke,
    events,
    log: silentLog,
    clock: systemClock,
    version: '1',
    instance: 'home',
    users: [{ name: 'anna', scopes: [] }],
    holderOf: guard.holderOf,
  })
  t.after(async () => {
    await adapter.stop()
    await part.stop()
    await bus.stop()
    await broker.stop()
    await running.stop()
    await people.close()
    await store.close()
  })
  const add = (name: string, scopes: readonly string[]) =>
    people.add({ name, role: 'guest', scopes, password: PASSWORD })
  const makeToken = async (input: object) =>
    (await door.invoke({ operation: 'create_token', input, caller: { ...OWNER, via: 'cli' } })) as { token: string }
  const logIn = (username: string, password: string, options: IClientOptions = {}) =>
    connectClient(t, broker.url, { username, password, ...options })
  return { broker, bus, people, door, clock, noted, limits, part, identity, guard, add, makeToken, connect: logIn }
}

async function ask(client: TestClient, level: string): Promise<unknown> {
  const responseTopic = `alicia/v1/as/${level}/rep/1`
  await client.client.subscribeAsync(responseTopic, { qos: 1 })
  await client.client.publishAsync(`alicia/v1/as/${level}/req/door/who`, '{}', {
    qos: 1,
    properties: { responseTopic },
  })
  return JSON.parse((await client.next()).payload)
}

const mayPublish = ({ client }: TestClient, topic: string, options: { retain?: boolean } = {}) =>
  client.publishAsync(topic, 'x', { qos: 1, ...options }).then(
    () => true,
    () => false,
  )

const maySubscribe = ({ client }: TestClient, filter: string) =>
  client.subscribeAsync(filter, { qos: 1 }).then(
    () => true,
    () => false,
  )

/** Why the broker ended the connection (MQTT 5). */
const endOf = async ({ client }: TestClient): Promise<number | undefined> => {
  const [packet] = (await once(client as never, 'disconnect', { signal: AbortSignal.timeout(8000) })) as [
    { reasonCode?: number },
  ]
  return packet.reasonCode
}

suite('people at the broker', () => {
  test('a person logs in with name and password, and asks as the person', async (t) => {
    const home = await startHome(t)
    const mia = await home.add('mia', ['mqtt:*'])
    const client = await home.connect('mia', PASSWORD)
    assert.deepEqual(await ask(client, 'mia'), { id: mia.id, role: 'guest', scopes: ['mqtt:*'] })
    assert.equal(await mayPublish(client, 'home/lamp'), true)
    assert.equal(await mayPublish(client, 'alicia/v1/as/anna/req/door/who'), false)
    assert.equal(await mayPublish(client, 'alicia/v1/req/door/who'), false)
    assert.equal(await maySubscribe(client, '#'), true)
    assert.equal(await maySubscribe(client, 'alicia/v1/as/anna/rep/#'), false)
  })

  test('a wrong password and an unknown name are refused alike, are on record, and soon have to wait', async (t) => {
    const home = await startHome(t)
    await home.add('mia', ['mqtt:*'])
    await home.connect('anna', 'annas-password')
    for (const name of ['mia', 'nobody', 'anna']) await assert.rejects(home.connect(name, 'wrong'), { code: 0x86 })
    assert.deepEqual(
      home.noted.map(({ kind, via, who }) => [kind, via, who?.name]),
      ['mia', 'nobody', 'anna'].map((name) => ['login.failed', 'mqtt', name]),
    )
    for (let again = 0; again < 4; again++) await assert.rejects(home.connect('mia', 'wrong'), { code: 0x86 })
    await assert.rejects(home.connect('mia', PASSWORD), { code: 0x9f })
    await assert.rejects(home.connect('mia', PASSWORD, { protocolVersion: 4 }), { code: 3 })
    assert.ok(home.limits.includes('mqtt_logins'))
    // Who logged in from here before is not held up by somebody else's guesses, and the hub least of all.
    await home.connect('anna', 'annas-password')
    const { username = '', password = '' } = home.broker.login('hub') ?? {}
    await home.connect(username, password)
    home.clock.advance(60 * 60_000)
    await home.connect('mia', PASSWORD)
  })

  test('a token speaks in its own name, and never in that of its person', async (t) => {
    const home = await startHome(t)
    const mia = await home.add('mia', ['mqtt:*', 'devices:*'])
    const { token } = await home.makeToken({ name: 'kitchen tablet', scopes: ['mqtt:read'], for: 'mia' })
    const { credential = '' } = await home.identity.authenticate(token, 'mqtt')
    for (const username of ['kitchen tablet', 'mia', credential]) {
      const client = await home.connect(username, token)
      assert.deepEqual(await ask(client, credential), { id: credential, role: 'guest', scopes: ['mqtt:read'] })
      assert.equal(await mayPublish(client, 'alicia/v1/as/mia/req/door/who'), false)
      assert.equal(await mayPublish(client, 'home/lamp'), false)
    }
    assert.equal(mia.name, 'mia')
    await assert.rejects(home.connect('anna', token), { code: 0x86 })
    await assert.rejects(home.connect('somebody', token), { code: 0x86 })
    await assert.rejects(home.connect('kitchen tablet', `${token}x`), { code: 0x86 })
  })

  const within: [what: string, may: 'publish' | 'subscribe', topic: string, allowed: boolean][] = [
    ['a topic of the room', 'publish', 'home/kitchen/lamp', true],
    ['a device of the room', 'publish', 'zigbee2mqtt/kettle/set', true],
    ['another room', 'publish', 'home/hall/lamp', false],
    ['a name that begins like it', 'publish', 'home/kitchenette/lamp', false],
    ['the hub', 'publish', 'alicia/v1/svc/x/1/status', false],
    ['the room', 'subscribe', 'home/kitchen/#', true],
    ['a part of it', 'subscribe', 'home/kitchen/+/state', true],
    ['another room', 'subscribe', 'home/hall/#', false],
    ['all rooms', 'subscribe', 'home/#', false],
    ['everything', 'subscribe', '#', false],
    ['every first level', 'subscribe', '+/kitchen/lamp', false],
    ['another room, as a share', 'subscribe', '$share/all/home/hall/#', false],
    ['the figures of the broker', 'subscribe', '$SYS/#', false],
    ['what there is to call', 'subscribe', 'alicia/v1/svc/+/+/meta', false],
    ['who waits for a yes', 'subscribe', 'alicia/v1/evt/approvals', false],
  ]
  test('a guest who is bound to a room gets that room', async (t) => {
    const home = await startHome(t)
    await home.add('guest', ['mqtt:*@room/kitchen', 'mqtt:*@profile/kids', 'mqtt:*@room/hall@device/kettle'])
    const client = await home.connect('guest', PASSWORD)
    for (const [what, may, topic, allowed] of within)
      assert.equal(
        await { publish: mayPublish, subscribe: maySubscribe }[may](client, topic),
        allowed,
        `${may} ${what}`,
      )
    const old = await home.connect('guest', PASSWORD, { protocolVersion: 4 })
    for (const filter of ['$share/g/home/hall/#', '$share/g/#', 'alicia/v1/as/anna/rep/#'])
      assert.equal(await maySubscribe(old, filter), false, filter)
  })

  test('who is disabled is disconnected at once, leaves no will, and does not come back', async (t) => {
    const home = await startHome(t)
    const mia = await home.add('mia', ['mqtt:*'])
    const anna = await home.connect('anna', 'annas-password')
    await anna.client.subscribeAsync(['wills/#'], { qos: 1 })
    const will = { topic: 'wills/mia', payload: Buffer.from('gone'), qos: 1 as const, retain: false }
    const client = await home.connect('mia', PASSWORD, { will })
    const ended = endOf(client)
    await home.people.change(mia.id, { isDisabled: true })
    assert.equal(await ended, 0x87)
    await assert.rejects(home.connect('mia', PASSWORD), { code: 0x86 })
    await anna.client.publishAsync('wills/sentinel', '', { qos: 1 })
    assert.equal((await anna.next()).topic, 'wills/sentinel')
    assert.equal(home.guard.holderOf('mia'), undefined)
  })

  test('what a session was subscribed to and may not read any more is not kept for it', async (t) => {
    const home = await startHome(t)
    const mia = await home.add('mia', ['mqtt:*'])
    const lasting = { clientId: 'phone-of-mia', ...LASTING }
    const first = await home.connect('mia', PASSWORD, lasting)
    await first.client.subscribeAsync(['home/#'], { qos: 1 })
    await first.client.endAsync()
    await home.people.change(mia.id, { scopes: ['mqtt:*@room/kitchen'] })
    const anna = await home.connect('anna', 'annas-password')
    await anna.client.publishAsync('home/hall/lock', 'secret', { qos: 1 })
    await anna.client.publishAsync('home/kitchen/lamp', 'on', { qos: 1 })
    const again = await home.connect('mia', PASSWORD, lasting)
    assert.equal((await again.next()).topic, 'home/kitchen/lamp')
    // The filter is more than may be read now: it is no subscription any more.
    await again.client.subscribeAsync('home/kitchen/end', { qos: 1 })
    for (const topic of ['home/hall/lock', 'home/kitchen/lamp', 'home/kitchen/end'])
      await anna.client.publishAsync(topic, 'x', { qos: 1 })
    assert.equal((await again.next()).topic, 'home/kitchen/end')
  })

  test('a token that is revoked or has run out ends its connections, and its sessions', async (t) => {
    const home = await startHome(t)
    const { token } = await home.makeToken({ name: 'tablet', scopes: ['mqtt:*'] })
    const day = await home.makeToken({ name: 'visitor', scopes: ['mqtt:*'], expires_in_days: 1 })
    const client = await home.connect('tablet', token, { clientId: 'tablet', ...LASTING })
    await client.client.subscribeAsync('home/#', { qos: 1 })
    const visitor = await home.connect('visitor', day.token)
    // A round trip: until then the broker is still busy letting them in.
    await visitor.client.subscribeAsync('home/#', { qos: 1 })
    const expired = endOf(visitor)
    home.clock.advance(86_400_001)
    assert.equal(await expired, 0xa0)
    await assert.rejects(home.connect('visitor', day.token), { code: 0x86 })
    const revoked = endOf(client)
    await home.door.invoke({ operation: 'revoke_token', input: { name: 'tablet' }, caller: { ...OWNER, via: 'cli' } })
    assert.equal(await revoked, 0x87)
    await assert.rejects(home.connect('tablet', token), { code: 0x86 })
    // The identifier is free again: nothing was kept for the account that is gone.
    const next = await home.connect('anna', 'annas-password', { clientId: 'tablet', ...LASTING })
    assert.equal(next.connack.sessionPresent, false)
  })

  test('nobody takes over the session of another login, connected or not', async (t) => {
    const home = await startHome(t)
    const mia = await home.add('mia', ['mqtt:*'])
    const first = await home.connect('mia', PASSWORD, { clientId: 'phone', ...LASTING })
    await first.client.subscribeAsync('home/#', { qos: 1 })
    const thief = { clientId: 'phone', ...LASTING }
    await assert.rejects(home.connect('anna', 'annas-password', thief), { code: 0x85 })
    await first.client.endAsync()
    await assert.rejects(home.connect('anna', 'annas-password', thief), { code: 0x85 })
    await assert.rejects(home.connect('anna', 'annas-password', { clientId: 'phone', clean: true }), { code: 0x85 })
    await home.people.remove(mia.id)
    const next = await home.connect('anna', 'annas-password', thief)
    assert.equal(next.connack.sessionPresent, false)
  })

  test('while the hub is starting people are asked to come again, and users of the configuration are let in', async (t) => {
    const home = await startHome(t)
    await home.add('mia', ['mqtt:*'])
    await home.part.stop()
    await assert.rejects(home.connect('mia', PASSWORD), { code: 0x88 })
    await home.connect('anna', 'annas-password')
  })

  test('a request whose sender is known to the broker but not to the hub is refused', async (t) => {
    const home = await startHome(t)
    const { username = '', password = '' } = home.broker.login('hub') ?? {}
    const hub = await home.connect(username, password)
    assert.equal(((await ask(hub, 'ghost')) as { code?: string }).code, 'unauthenticated')
  })
})

suite('quotas of the broker', () => {
  const anna = (home: Awaited<ReturnType<typeof startHome>>, options: IClientOptions = {}) =>
    home.connect('anna', 'annas-password', options)

  test('retained messages: MQTT 5 hears of it, 3.1.1 is served without keeping it', async (t) => {
    const home = await startHome(t, { retainedPerUser: 2 })
    const client = await anna(home)
    for (const topic of ['r/1', 'r/2', 'r/1']) await client.client.publishAsync(topic, 'x', { qos: 1, retain: true })
    for (const qos of [1, 2] as const)
      await assert.rejects(client.client.publishAsync('r/3', 'x', { qos, retain: true }), { code: 0x97 })
    const old = await anna(home, { protocolVersion: 4 })
    await client.client.subscribeAsync('r/3', { qos: 1 })
    await old.client.publishAsync('r/3', 'live', { qos: 1, retain: true })
    assert.equal((await client.next()).payload, 'live')
    await client.client.publishAsync('r/2', '', { qos: 1, retain: true })
    await client.client.publishAsync('r/3', 'kept', { qos: 1, retain: true })
    assert.ok(home.limits.includes('mqtt_retained_per_user'))
    await home.bus.publish('r/hub-1', 'x', { qos: 1, retain: true })
    await home.bus.publish('r/hub-2', 'x', { qos: 1, retain: true })
    await home.bus.publish('r/hub-3', 'x', { qos: 1, retain: true })
  })

  test('bytes of retained messages count as well', async (t) => {
    const home = await startHome(t, { retainedMegabytesPerUser: 1 })
    const client = await anna(home)
    await client.client.publishAsync('big/1', Buffer.alloc(900_000), { qos: 1, retain: true })
    await assert.rejects(client.client.publishAsync('big/2', Buffer.alloc(900_000), { qos: 1, retain: true }), {
      code: 0x97,
    })
    await client.client.publishAsync('big/1', Buffer.alloc(950_000), { qos: 1, retain: true })
  })

  test('subscriptions, also when many come in one packet', async (t) => {
    const home = await startHome(t, { subscriptionsPerClient: 3 })
    for (const lasting of [{}, { clientId: 'lasting', ...LASTING }]) {
      const client = await anna(home, lasting)
      const granted = await client.client.subscribeAsync(['s/1', 's/2', 's/3', 's/4'], { qos: 1 }).catch(() => [])
      assert.equal(granted.filter(({ qos }) => qos === 1).length <= 3, true)
      assert.equal(await maySubscribe(client, 's/5'), false)
      await client.client.unsubscribeAsync('s/1')
      assert.equal(await maySubscribe(client, 's/5'), true)
    }
  })

  test('connections and sessions of one user', async (t) => {
    const home = await startHome(t, { connectionsPerUser: 2, sessionsPerUser: 1 })
    const first = await anna(home, { clientId: 'one', ...LASTING })
    await assert.rejects(anna(home, { clientId: 'two', ...LASTING }), { code: 0x97 })
    await anna(home)
    await assert.rejects(anna(home), { code: 0x97 })
    await assert.rejects(anna(home, { protocolVersion: 4 }), { code: 3 })
    await first.client.endAsync()
    await until(async () => {
      const again = await anna(home, { clientId: 'one', ...LASTING }).catch(() => undefined)
      return again !== undefined
    })
  })

  test('messages of QoS 2 that are never released end the connection', async (t) => {
    const home = await startHome(t, { inflightPerClient: 2 })
    assert.equal((await anna(home)).connack.properties?.receiveMaximum, 2)
    // Written by hand: a client of ours would release them.
    const { hostname, port } = new URL(home.broker.url)
    const socket = connect({ host: hostname, port: Number(port) })
    t.after(() => socket.destroy())
    const text = (value: string) => [0, value.length, ...Buffer.from(value)]
    const body = [...text('MQTT'), 5, 0xc2, 0, 60, 0, ...text('raw'), ...text('anna'), ...text('annas-password')]
    socket.write(Buffer.from([0x10, body.length, ...body]))
    const answer = async () => ((await once(socket, 'data')) as [Buffer])[0]
    assert.equal((await answer())[0], 0x20)
    const publish = (id: number) => socket.write(Buffer.from([0x34, 7, 0, 1, 0x71, 0, id, 0, 0x78]))
    for (const id of [1, 2, 2]) {
      publish(id)
      assert.equal((await answer())[0], 0x50)
    }
    publish(3)
    assert.deepEqual(
      [...(await answer())].slice(0, 3).filter((_, at) => at !== 1),
      [0xe0, 0x93],
    )
    await once(socket, 'close')
  })

  test('who sends faster than it may is read more slowly; nothing is lost, and the order stays', async (t) => {
    const home = await startHome(t, { messagesPerSecond: 50 })
    const client = await anna(home)
    await client.client.subscribeAsync('fast', { qos: 1 })
    let count = 0
    const publish = (more: number) =>
      Promise.all(Array.from({ length: more }, () => client.client.publishAsync('fast', `${count++}`, { qos: 1 })))
    await publish(500)
    // What took a while has earned some more.
    while (!home.limits.includes('mqtt_messages_per_second')) await publish(20)
    await until(() => client.messages.length === count)
    assert.deepEqual(
      client.messages.map(({ payload }) => Number(payload)),
      Array.from({ length: count }, (_, at) => at),
    )
  })
})

const lasting = { fromMs: Date.now() - 1000, untilMs: Date.now() + 3_600_000 }

test('the broker speaks TLS by a certificate of the local authority', async (t) => {
  const authority = makeCertificate({ name: 'home', use: 'authority', ...lasting })
  const issue = () => makeCertificate({ name: 'localhost', use: 'server', hosts: ['localhost'], ...lasting }, authority)
  const files = issue()
  const broker = await startEmbeddedBroker({
    host: '127.0.0.1',
    port: 0,
    file: ':memory:',
    log: silentLog,
    ownerToken: 'the-owners-own-token',
    users: [{ name: 'anna', password: 'annas-password' }],
    anonymous: false,
    tls: { port: 0, read: () => files },
  })
  t.after(() => broker.stop())
  const url = (broker.tlsUrl ?? '').replace('127.0.0.1', 'localhost')
  const anna = { username: 'anna', password: 'annas-password' }
  const { client, next } = await connectClient(t, url, { ...anna, ca: authority.cert })
  await client.subscribeAsync('home/#', { qos: 1 })
  await client.publishAsync('home/lamp', 'on', { qos: 1 })
  assert.equal((await next()).payload, 'on')
  await assert.rejects(connectClient(t, url, anna), /certificate|self.signed|verify/i)
  await assert.rejects(connectClient(t, url, { ...anna, password: 'wrong', ca: authority.cert }), { code: 0x86 })
  const unusable = startEmbeddedBroker({
    host: '127.0.0.1',
    port: 0,
    file: ':memory:',
    log: silentLog,
    ownerToken: 'the-owners-own-token',
    users: [],
    anonymous: false,
    tls: { port: 0, read: () => ({ cert: files.cert, key: issue().key }) },
  })
  await assert.rejects(unusable, { code: 'invalid_input' })
})
