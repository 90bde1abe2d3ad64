import assert from 'node:assert/strict'
import { test } from 'node:test'
import { heldClock } from '../../kernel/clock.ts'
import { silentLog } from '../../kernel/log.ts'
import { callerWith, testDoor } from '../../testing/hub.ts'
import { memoryBus } from '../../testing/memory-bus.ts'
import { startBusHost } from './host.ts'
import { requestTopic } from './topics.ts'

test('of many runs of hubs, the one that was silent for longest is forgotten: who asks now and then runs nothing twice', async () => {
  const bus = memoryBus()
  const { registry, events } = testDoor([])
  const place = { login: 'attic', instance: 'one' }
  const runs: unknown[] = []
  const invoke = ({ input }: { input: unknown }) => {
    runs.push(input)
    return Promise.resolve({})
  }
  const host = await startBusHost({
    bus,
    registry,
    events,
    clock: heldClock(),
    log: silentLog,
    version: '1',
    place,
    others: [],
    boot: 'b',
    broker: { enforcesIdentity: true },
    invoke,
  })
  const call = async (hub: string, number: number) => {
    const request = { is: 'call', hub, number, floor: 1, operation: 'text.append', input: `${hub} ${number}` }
    await bus.publish(requestTopic(place), JSON.stringify({ ...request, caller: callerWith('text:use') }))
    await new Promise(setImmediate)
  }
  await call('old', 1)
  for (let other = 0; other < 15; other++) await call(`other ${other}`, 1)
  await call('old', 2)
  await call('new', 1)
  // Its connection was broken meanwhile: it asks again, word for word.
  await call('old', 2)
  assert.deepEqual(
    runs.filter((input) => String(input).startsWith('old')),
    ['old 1', 'old 2'],
  )
  await host.stop(0)
})
