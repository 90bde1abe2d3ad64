import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { after, before, suite, test } from 'node:test'
import { promisify } from 'node:util'
import { connectAsync, type IClientOptions, type IPublishPacket, type MqttClient } from 'mqtt'
import { z } from 'zod'
import { connectBus, type RunningBus } from '../../engines/broker/bus.ts'
import type { AccessOptions } from '../../engines/broker/access.ts'
import { systemClock } from '../../kernel/clock.ts'
import { silentLog } from '../../kernel/log.ts'
import { operation } from '../../kernel/operation.ts'
import type { Broker } from '../../kernel/ports.ts'
import { testDoor } from '../../testing/hub.ts'
import { createMqttAdapter, type MqttAdapter } from './adapter.ts'
import { presenceWill } from './presence.ts'

export type WireBroker = Broker & { stop(): Promise<void> }

const OWNER_TOKEN = 'owner-token-of-the-test'
const USER = { name: 'node-red', password: 'password-of-the-test', scopes: ['text:write'] }

const echo = (runs: string[]) =>
  operation()({
    name: 'text.echo',
    summary: 'Says it again.',
    scope: 'text:write',
    effect: 'write',
    input: z.object({ text: z.string() }),
    output: z.object({ text: z.string(), caller: z.string() }),
    async handler({ text }, { caller }) {
      runs.push(text)
      return { text, caller: caller.id }
    },
  }).bind({})

/** The adapter on a broker, with other people's clients: what every broker engine has to give. */
export function describeWire(name: string, startBroker: (access: AccessOptions) => Promise<WireBroker>): void {
  suite(`operations over ${name}`, () => {
    const runs: string[] = []
    const clients: MqttClient[] = []
    let broker: WireBroker
    let bus: RunningBus
    let adapter: MqttAdapter

    before(async () => {
      broker = await startBroker({ ownerToken: OWNER_TOKEN, users: [USER], anonymous: false })
      const door = testDoor([echo(runs)])
      bus = await connectBus({
        broker,
        clientId: 'alicia-hub',
        will: presenceWill('home'),
        clock: systemClock,
        log: silentLog,
        signal: AbortSignal.timeout(10_000),
      })
      adapter = await createMqttAdapter({
        bus,
        broker,
        registry: door.registry,
        invoke: door.invoke,
        events: door.events,
        log: silentLog,
        clock: systemClock,
        version: '1.2.3',
        instance: 'home',
        users: [USER],
      })
    })

    after(async () => {
      await Promise.all(clients.map((client) => client.endAsync(true)))
      await adapter.stop()
      await bus.stop()
      await broker.stop()
    })

    const client = async (options: IClientOptions) => {
      const connected = await connectAsync(broker.url, { reconnectPeriod: 0, ...options })
      clients.push(connected)
      return connected
    }
    const owner = (protocolVersion: 4 | 5) => client({ protocolVersion, username: 'alicia', password: OWNER_TOKEN })
    const user = () => client({ protocolVersion: 5, username: USER.name, password: USER.password })

    const next = (client: MqttClient, test: (topic: string, packet: IPublishPacket) => boolean) =>
      new Promise<IPublishPacket>((resolve) => {
        const look = (topic: string, _: Buffer, packet: IPublishPacket) => {
          if (!test(topic, packet)) return
          client.off('message', look)
          resolve(packet)
        }
        client.on('message', look)
      })

    const ask = async (client: MqttClient, topic: string, responseTopic: string) => {
      await client.subscribeAsync(responseTopic, { qos: 1 })
      const reply = next(client, (received) => received === responseTopic)
      const properties = { responseTopic, correlationData: Buffer.from([0, 200, 255]), messageExpiryInterval: 20 }
      await client.publishAsync(topic, '{"text":"hi"}', { qos: 1, properties })
      return reply
    }

    test('MQTT 5: the owner asks and is answered', async () => {
      const { payload, properties, qos, retain } = await ask(
        await owner(5),
        'alicia/v1/req/text/echo',
        'alicia/v1/rep/test/1',
      )
      assert.deepEqual(JSON.parse(payload.toString()), { text: 'hi', caller: 'owner' })
      assert.deepEqual([qos, retain], [1, false])
      assert.deepEqual(properties?.correlationData, Buffer.from([0, 200, 255]))
      assert.equal(properties?.contentType, 'application/json')
      assert.deepEqual({ ...properties?.userProperties }, { status: 'ok' })
      const expiry = properties?.messageExpiryInterval ?? 0
      assert.ok(expiry > 0 && expiry <= 20, `${expiry}`)
    })

    test('MQTT 5: a user asks under its own name', async () => {
      const reply = await ask(await user(), 'alicia/v1/as/node-red/req/text/echo', 'alicia/v1/as/node-red/rep/1')
      assert.deepEqual(JSON.parse(reply.payload.toString()), { text: 'hi', caller: 'mqtt:node-red' })
    })

    test('a user cannot ask as the owner', async () => {
      const asking = await user()
      const before = runs.length
      for (const topic of ['alicia/v1/req/text/echo', 'alicia/v1/as/alicia/req/text/echo'])
        await asking.publishAsync(topic, '{"text":"stolen"}', { qos: 1 }).catch(() => undefined)
      // What it may ask comes after, and only that arrives.
      const own = await user()
      await ask(own, 'alicia/v1/as/node-red/req/text/echo', 'alicia/v1/as/node-red/rep/2')
      assert.deepEqual(runs.slice(before), ['hi'])
    })

    test('MQTT 3.1.1: an envelope is answered by one', async () => {
      const old = await owner(4)
      await old.subscribeAsync('alicia/v1/rep/old/+', { qos: 1 })
      const reply = next(old, (topic) => topic === 'alicia/v1/rep/old/1')
      const envelope = { id: 'x-1', reply: 'alicia/v1/rep/old/1', body: { text: 'old' } }
      await old.publishAsync('alicia/v1/req/text/echo', JSON.stringify(envelope), { qos: 1 })
      assert.deepEqual(JSON.parse((await reply).payload.toString()), {
        id: 'x-1',
        status: 'ok',
        body: { text: 'old', caller: 'owner' },
      })
    })

    test('who comes later finds the services and what they can do', async () => {
      const late = await user()
      const status = next(late, (topic) => topic === 'alicia/v1/svc/text/home/status')
      const meta = next(late, (topic) => topic === 'alicia/v1/svc/text/home/meta')
      const hub = next(late, (topic) => topic === 'alicia/v1/svc/hub/home/status')
      await late.subscribeAsync('alicia/v1/svc/#', { qos: 1 })
      assert.equal((JSON.parse((await status).payload.toString()) as { status: string }).status, 'online')
      assert.equal((JSON.parse((await hub).payload.toString()) as { status: string }).status, 'online')
      const { operations } = JSON.parse((await meta).payload.toString()) as { operations: { name: string }[] }
      assert.deepEqual(
        operations.map(({ name }) => name),
        ['text.echo'],
      )
    })
  })
}

/** `mosquitto_rr` and the like as foreign clients of the same adapter. */
export function describeForeignClients(
  name: string,
  startBroker: (access: AccessOptions) => Promise<WireBroker>,
): void {
  test(`mosquitto_rr asks over ${name}, with MQTT 5 and 3.1.1`, async () => {
    const broker = await startBroker({ ownerToken: OWNER_TOKEN, users: [], anonymous: false })
    const door = testDoor([echo([])])
    const signal = AbortSignal.timeout(10_000)
    const bus = await connectBus({ broker, clientId: 'alicia-hub', clock: systemClock, log: silentLog, signal })
    const adapter = await createMqttAdapter({
      bus,
      broker,
      registry: door.registry,
      invoke: door.invoke,
      events: door.events,
      log: silentLog,
      clock: systemClock,
      version: '1.2.3',
      instance: 'home',
      users: [],
    })
    try {
      const { hostname, port } = new URL(broker.url)
      const request = async (version: string, message: string) => {
        const reply = `alicia/v1/rep/${version}/1`
        const topic = ['-t', 'alicia/v1/req/text/echo', '-e', reply, '-q', '1', '-W', '10', '-V', version]
        const login = ['-h', hostname, '-p', port, '-u', 'alicia', '-P', OWNER_TOKEN]
        const { stdout } = await promisify(execFile)('mosquitto_rr', [...login, ...topic, '-m', message], { signal })
        return JSON.parse(stdout) as unknown
      }
      assert.deepEqual(await request('mqttv5', '{"text":"hi"}'), { text: 'hi', caller: 'owner' })
      const envelope = JSON.stringify({ id: 1, reply: 'alicia/v1/rep/mqttv311/1', body: { text: 'hi' } })
      assert.deepEqual(await request('mqttv311', envelope), {
        id: 1,
        status: 'ok',
        body: { text: 'hi', caller: 'owner' },
      })
    } finally {
      await adapter.stop()
      await bus.stop()
      await broker.stop()
    }
  })
}
