import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { z } from 'zod'
import { owner, testDoor } from '../testing/hub.ts'
import { systemClock } from './clock.ts'
import { createLifecycle } from './lifecycle.ts'
import { silentLog } from './log.ts'
import { operation } from './operation.ts'
import { service } from './service.ts'

const read = operation<{ value: number }>()({
  name: 'demo.read',
  summary: 'Reads.',
  scope: null,
  effect: 'read',
  input: z.object({}),
  output: z.object({ value: z.number() }),
  handler: async (_, { value }) => ({ value }),
})

function hubWith(start: () => Promise<{ deps: { value: number } }>) {
  const door = testDoor([])
  const demo = service({ name: 'demo', summary: 'For the test.', needs: [], operations: [read], start })
  const report = () => life.report('demo')
  const part = demo.join({ clock: systemClock, events: door.events, log: silentLog }, door.registry, report)
  const options = { clock: systemClock, events: door.events, log: silentLog, startTimeoutMs: 1000, stopTimeoutMs: 1000 }
  const life = createLifecycle([part], options)
  return { life, call: () => door.invoke({ operation: 'read', input: {}, caller: owner }), door }
}

suite('service', () => {
  test('its operations are listed before it runs, work while it runs, and say why they do not after', async () => {
    const { life, call, door } = hubWith(async () => ({ deps: { value: 7 } }))
    assert.equal(door.registry.list()[0]?.name, 'read')
    await life.start()
    assert.deepEqual(await call(), { value: 7 })
    await life.stop()
    await assert.rejects(call(), { code: 'unavailable', message: /it was stopped/ })
  })

  test('one that is started anew works on what it is now', async () => {
    let value = 0
    const { life, call } = hubWith(async () => ({ deps: { value: (value += 1) } }))
    await life.start()
    assert.deepEqual(await call(), { value: 1 })
    await life.control.restart('demo')
    assert.deepEqual(await call(), { value: 2 })
    await life.stop()
  })

  test('one that did not start shows its reason to every caller', async () => {
    const { life, call } = hubWith(() => Promise.reject(new Error('no such device')))
    await life.start()
    await assert.rejects(call(), {
      code: 'unavailable',
      message: /^demo is unavailable since (\d{4}-\d\d-\d\d )?\d\d:\d\d: no such device/,
    })
  })

  test('an operation belongs to its service', () => {
    const wrong = {
      name: 'other',
      summary: '',
      needs: [],
      operations: [read],
      start: async () => ({ deps: { value: 1 } }),
    }
    assert.throws(() => service(wrong), /demo\.read does not belong to service other/)
  })
})
