import assert from 'node:assert/strict'
import { once } from 'node:events'
import { join } from 'node:path'
import { test } from 'node:test'
import { connectClient, until } from '../engines/broker/client.testing.ts'
import { startMosquitto } from '../engines/broker/mosquitto.ts'
import { makeBrokerPassword } from '../engines/broker/mosquitto-set.ts'
import { openPeople } from '../engines/people/people.ts'
import { openSqlite } from '../engines/store/sqlite.ts'
import { systemClock as clock } from '../kernel/clock.ts'
import { createEvents } from '../kernel/events.ts'
import { createIdentity } from '../kernel/identity.ts'
import { createLoginThrottle } from '../kernel/login-throttle.ts'
import { silentLog as log } from '../kernel/log.ts'
import { noRefusals } from '../kernel/refusals.ts'
import { DEFAULT_ROLES } from '../kernel/role.ts'
import { createTenure } from '../kernel/tenure.ts'
import { temporaryFolder } from '../testing/folder.ts'
import { createBrokerGuard } from './broker-guard.ts'
import { createPlaces } from './places.ts'

test('people with a password of their own are users of a Mosquitto that the hub runs, as long as they may be', async (t) => {
  const folder = join(temporaryFolder(t), 'mosquitto')
  const events = createEvents((error) => {
    throw error
  })
  const store = openSqlite({ file: ':memory:', log })
  const throttle = createLoginThrottle(clock)
  const people = await openPeople({ store, events, throttle, roles: DEFAULT_ROLES, clock, log })
  const broker = await startMosquitto({
    host: '127.0.0.1',
    port: 0,
    folder,
    clock,
    log,
    ownerToken: 'the-owners-own-token',
    users: [{ name: 'anna', password: 'annas-password' }],
    anonymous: false,
  })
  const guard = createBrokerGuard({
    places: createPlaces({ rooms: { kitchen: { topics: ['home/kitchen/#'] } }, devices: {} }),
    throttle,
    tenure: createTenure(events, clock),
    refusals: noRefusals,
    events,
    clock,
    broker: () => broker,
  })
  const identity = createIdentity('the-owners-own-token')
  const part = await guard.part.start({ people, identity }, AbortSignal.timeout(20_000))
  t.after(async () => {
    await part.stop()
    await broker.stop()
    await people.close()
    await store.close()
  })

  const mia = await people.add({ name: 'mia', role: 'guest', scopes: ['mqtt:*@room/kitchen'] })
  const password = makeBrokerPassword(folder, 'mia')
  const connect = () => connectClient(t, broker.url, { username: 'mia', password })
  const arrives = async () => {
    let client: Awaited<ReturnType<typeof connect>> | undefined
    await until(async () => (client = await connect().catch(() => undefined)) !== undefined)
    assert.ok(client)
    return client
  }
  const { client } = await arrives()
  const may = (topic: string) =>
    client.publishAsync(topic, 'x', { qos: 1 }).then(
      () => true,
      () => false,
    )
  assert.equal(await may('home/kitchen/lamp'), true)
  assert.equal(await may('home/hall/lamp'), false)
  assert.equal(await may('alicia/v1/as/mia/req/x/y'), true)
  assert.equal(await may('alicia/v1/as/anna/req/x/y'), false)
  assert.equal(guard.holderOf('mia')?.id, mia.id)

  const closed = once(client as never, 'close')
  await people.change(mia.id, { isDisabled: true })
  await closed
  await until(() => broker.report().status === 'available')
  await assert.rejects(connect(), { code: 0x87 })
  await connectClient(t, broker.url, { username: 'anna', password: 'annas-password' })
})
