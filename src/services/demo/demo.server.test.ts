import assert from 'node:assert/strict'
import { test } from 'node:test'
import { connectAsync } from 'mqtt'
import { startMosquitto } from '../../engines/broker/mosquitto.ts'
import { systemClock } from '../../kernel/clock.ts'
import { silentLog } from '../../kernel/log.ts'
import { temporaryFolder } from '../../testing/folder.ts'
import { startHome } from './running-home.ts'

test('on Mosquitto the demo home comes up, and goes without a trace', async (context) => {
  const broker = await startMosquitto({
    host: '127.0.0.1',
    port: 0,
    folder: temporaryFolder(context),
    ownerToken: 'owner-token-of-the-test',
    users: [],
    anonymous: false,
    log: silentLog,
    clock: systemClock,
  })
  /** What is retained: Mosquitto sends it before anything live. */
  const retained = async () => {
    const login = { username: 'alicia', password: 'owner-token-of-the-test', reconnectPeriod: 0 }
    const client = await connectAsync(broker.url, login)
    const topics: string[] = []
    const over = new Promise<void>((resolve) => {
      client.on('message', (topic, _, packet) =>
        topic === 'the/end' ? resolve() : packet.retain && topics.push(topic),
      )
    })
    await client.subscribeAsync('#', { qos: 1 })
    await client.publishAsync('the/end', '', { qos: 1 })
    await over
    await client.endAsync()
    return topics
  }
  try {
    const options = { broker, clock: systemClock, log: silentLog, seed: 7, speed: 1 }
    const before = (await retained()).sort()
    const home = await startHome(options, AbortSignal.timeout(20_000))
    assert.ok(home.links.every((link) => link.isOnline()))
    await home.stop()
    assert.deepEqual((await retained()).sort(), before)
  } finally {
    await broker.stop()
  }
})
