import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { heldClock, systemClock } from '../../kernel/clock.ts'
import { silentLog } from '../../kernel/log.ts'
import { anyFreePort } from '../../testing/free-port.ts'
import { startTestMosquitto } from '../../testing/mosquitto.ts'
import { connectBus } from './bus.ts'
import { until } from './client.testing.ts'
import { remoteBroker } from './remote.ts'

const remote = (url: string) => remoteBroker({ url, enforcesIdentity: false, clock: systemClock })
const signal = () => AbortSignal.timeout(10_000)

suite('remote broker', () => {
  test('serves the bus', async (t) => {
    const { url } = await startTestMosquitto(t)
    const broker = remote(url)
    const bus = await connectBus({ broker, clientId: 'hub', clock: systemClock, log: silentLog, signal: signal() })
    t.after(() => bus.stop())
    const seen: string[] = []
    await bus.subscribe('a/+', 1, ({ payload }) => void seen.push(payload.toString()))
    await bus.subscribe('+/b', 1, ({ payload }) => void seen.push(payload.toString()))
    await bus.publish('a/b', 'x', { qos: 1 })
    await until(() => seen.length === 2)
    assert.equal(broker.enforcesIdentity, false)
    await broker.check(signal())
    assert.equal(broker.report().status, 'available')
  })

  test('may be down when the hub starts: the bus comes up with it', async (t) => {
    const port = await anyFreePort()
    const broker = remote(`mqtt://127.0.0.1:${port}`)
    const bus = await connectBus({ broker, clientId: 'hub', clock: systemClock, log: silentLog, signal: signal() })
    t.after(() => bus.stop())
    assert.equal(bus.report().status, 'unavailable')
    assert.match(bus.report().reason ?? '', /ECONNREFUSED/)
    await broker.check(signal())
    assert.match(broker.report().reason ?? '', /ECONNREFUSED/)
    const seen: string[] = []
    await bus.subscribe('a', 1, ({ payload }) => void seen.push(payload.toString()))
    await startTestMosquitto(t, { port })
    await until(() => bus.report().status === 'available')
    await until(async () => {
      await bus.publish('a', 'x', { qos: 1 })
      return seen.length > 0
    })
  })

  test('looks again by itself when its report has grown old', async (t) => {
    const port = await anyFreePort()
    const clock = heldClock()
    const broker = remoteBroker({ url: `mqtt://127.0.0.1:${port}`, enforcesIdentity: false, clock })
    t.after(() => broker.stop())
    await broker.check(signal())
    assert.equal(broker.report().status, 'unavailable')
    await startTestMosquitto(t, { port })
    clock.advance(10_001)
    await until(() => broker.report().status === 'available')
  })

  test('says that the credentials are wrong, without repeating them', async (t) => {
    const { port } = await startTestMosquitto(t, { lines: ['allow_anonymous false'] })
    const broker = remote(`mqtt://anna:hush-hush@127.0.0.1:${port}`)
    await broker.check(signal())
    const { status, reason = '' } = broker.report()
    assert.equal(status, 'unavailable')
    assert.match(reason, /refused the user name or password/)
    assert.ok(!reason.includes('hush'))
  })

  const urls: [text: string, url: string, login: object | undefined][] = [
    ['mqtt://broker', 'mqtt://broker', undefined],
    ['mqtts://broker:8883/', 'mqtts://broker:8883', undefined],
    ['mqtt://anna:p%40ss@broker:1884', 'mqtt://broker:1884', { username: 'anna', password: 'p@ss' }],
    ['wss://broker/mqtt', 'wss://broker/mqtt', undefined],
    ['mqtt://[::1]:1883', 'mqtt://[::1]:1883', undefined],
  ]
  for (const [text, url, login] of urls)
    test(`${text} is understood`, () => {
      const broker = remote(text)
      assert.equal(broker.url, url)
      assert.deepEqual(broker.login('hub'), login)
    })
  for (const text of ['', 'broker', 'http://broker', 'mqtt://', 'mqtt://anna:hush@'])
    test(`${JSON.stringify(text)} is refused`, () => {
      assert.throws(
        () => remote(text),
        (fault: Error) => /not valid/.test(fault.message) && !/hush/.test(fault.message),
      )
    })
})
