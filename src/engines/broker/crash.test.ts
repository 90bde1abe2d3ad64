import assert from 'node:assert/strict'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { silentLog } from '../../kernel/log.ts'
import { temporaryFolder } from '../../testing/folder.ts'
import { PEOPLE } from './access.cases.ts'
import { connectClient } from './client.testing.ts'
import { startChildHub } from './crash.testing.ts'
import { startEmbeddedBroker } from './embedded.ts'

const anna = { username: 'anna', password: 'annas-password' }
const LASTING = { ...anna, clientId: 'lasting', clean: false, properties: { sessionExpiryInterval: 600 } }

suite('embedded broker, killed with SIGKILL', () => {
  for (const round of [1, 2, 3])
    test(`nothing that was acknowledged is lost (round ${round})`, async (t) => {
      const file = join(temporaryFolder(t), 'broker.sqlite')
      const hub = await startChildHub(t, 'embedded', file)
      const lasting = await connectClient(t, hub.url, LASTING)
      await lasting.client.subscribeAsync('queue/#', { qos: 1 })
      await lasting.client.endAsync()

      const writer = await connectClient(t, hub.url, anna)
      const acknowledged: number[] = []
      const closed = new Promise<void>((resolve) => writer.client.once('close', () => resolve()))
      const killed = new Promise<void>((resolve) => {
        for (let number = 0; number < 500; number += 1) {
          const retain = number % 2 === 0
          writer.client.publish(`queue/${number}`, String(number), { qos: 1, retain }, (error) => {
            if (error) return
            acknowledged.push(number)
            // In the middle of the burst, right on an acknowledgement.
            if (acknowledged.length === 60 * round) resolve(hub.kill())
          })
        }
      })
      await killed
      await closed
      assert.ok(acknowledged.length >= 60 * round)

      const broker = await startEmbeddedBroker({ host: '127.0.0.1', port: 0, file, log: silentLog, ...PEOPLE })
      t.after(() => broker.stop())
      const again = await connectClient(t, broker.url, LASTING)
      const reader = await connectClient(t, broker.url, anna)
      await reader.client.subscribeAsync('queue/#', { qos: 1 })
      // `next` gives up where one is missing.
      const collect = async (client: typeof again, numbers: readonly number[]) => {
        const missing = new Set(numbers.map(String))
        const order: number[] = []
        while (missing.size > 0) {
          const { payload } = await client.next()
          missing.delete(payload)
          order.push(Number(payload))
        }
        return order
      }
      const order = await collect(again, acknowledged)
      assert.deepEqual(
        order,
        [...order].sort((a, b) => a - b),
      )
      await collect(
        reader,
        acknowledged.filter((number) => number % 2 === 0),
      )
    })

  test('the wills of those who were connected are still to be spoken, unless they come back', async (t) => {
    const file = join(temporaryFolder(t), 'broker.sqlite')
    const hub = await startChildHub(t, 'embedded', file)
    const will = (topic: string) => ({ topic, payload: Buffer.from('gone'), qos: 1 as const, retain: true })
    await connectClient(t, hub.url, { ...anna, clientId: 'one', will: will('will/one') })
    await connectClient(t, hub.url, { ...anna, clientId: 'two', will: will('will/two') })
    await hub.kill()

    const start = () =>
      startEmbeddedBroker({ host: '127.0.0.1', port: 0, file, log: silentLog, ...PEOPLE, heartbeatMs: 10 })
    const broker = await start()
    t.after(() => broker.stop())
    await connectClient(t, broker.url, { ...anna, clientId: 'two' })
    const reader = await connectClient(t, broker.url, anna)
    await reader.client.subscribeAsync('will/#', { qos: 1 })
    assert.equal((await reader.next()).topic, 'will/one')
    assert.deepEqual(reader.messages, [])
  })
})
