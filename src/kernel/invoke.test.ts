import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { z } from 'zod'
import { callerWith, owner, testDoor } from '../testing/hub.ts'
import type { AuditEntry } from './audit.ts'
import { anonymous, type Caller } from './caller.ts'
import { heldClock } from './clock.ts'
import { Fault } from './fault.ts'
import { silentLog } from './log.ts'
import { operation } from './operation.ts'
import type { ArgumentKeeping } from './recorder.ts'
import { createRedaction } from './redact.ts'
import type { Effect } from './tool.ts'

const Level = z.int().min(0).max(100)

const setLevel = operation<{ lamps: Map<string, number> }>()({
  name: 'lamps.set_level',
  summary: 'Dim one lamp.',
  scope: 'lamps:write',
  effect: 'write',
  input: z.object({ lamp: z.string().min(1), level: Level }),
  output: z.object({ lamp: z.string(), level: Level }),
  async handler({ lamp, level }, { lamps }) {
    if (!lamps.has(lamp)) throw new Fault('not_found', `No lamp called ${lamp}.`)
    lamps.set(lamp, level)
    return { lamp, level }
  },
})

/** An operation whose handler is the test's. */
const custom = (handler: (signal: AbortSignal) => Promise<unknown>, effect: Effect = 'read', idempotent?: boolean) =>
  operation()({
    name: 'test.run',
    summary: 'Runs.',
    scope: null,
    effect,
    ...(idempotent !== undefined && { idempotent }),
    input: z.object({}),
    output: z.object({ ok: z.literal(true) }),
    handler: async (_, { signal }) => (await handler(signal)) as { ok: true },
  }).bind({})

const run = (door: ReturnType<typeof testDoor>, more: { signal?: AbortSignal; timeoutMs?: number } = {}) =>
  door.invoke({ operation: 'run', input: {}, caller: owner, ...more })

suite('invoke', () => {
  const lamps = new Map([['kitchen', 0]])
  const door = testDoor([setLevel.bind({ lamps })])
  const writer = callerWith('lamps:write')

  test('runs a valid call', async () => {
    const output = await door.invoke({ operation: 'set_level', input: { lamp: 'kitchen', level: 40 }, caller: writer })
    assert.deepEqual(output, { lamp: 'kitchen', level: 40 })
    assert.equal(lamps.get('kitchen'), 40)
  })

  const refused = [
    ['unknown operation', 'set_levle', {}, writer, 'unknown_operation', /Did you mean set_level\?/],
    ['no token', 'set_level', {}, anonymous('rest'), 'unauthenticated', /alicia token/],
    ['no scope', 'set_level', {}, callerWith('lamps:read'), 'forbidden', /lamps:write/],
    ['wrong type', 'set_level', { lamp: 'kitchen', level: 'x' }, writer, 'invalid_input', /level: expected number/],
    ['out of range', 'set_level', { lamp: 'kitchen', level: 101 }, writer, 'invalid_input', /level: too big/],
    [
      'unknown key',
      'set_level',
      { lmap: 'x', level: 1 },
      writer,
      'invalid_input',
      /lmap: unknown \(did you mean lamp\?\)\. It takes/,
    ],
    ['input is no object', 'set_level', [1], writer, 'invalid_input', /expected object/],
    ['handler says no', 'set_level', { lamp: 'attic', level: 1 }, writer, 'not_found', /attic/],
  ] as const
  for (const [why, name, input, caller, code, says] of refused)
    test(`refuses: ${why}`, () =>
      assert.rejects(door.invoke({ operation: name, input, caller }), (fault: Fault) => {
        assert.equal(fault.code, code)
        assert.match(`${fault.message} ${fault.hint}`, says)
        return true
      }))

  test('area:* and * include a scope of the area', async () => {
    for (const scope of ['lamps:*', '*'])
      await door.invoke({
        operation: 'lamps.set_level',
        input: { lamp: 'kitchen', level: 1 },
        caller: callerWith(scope),
      })
  })

  test('limits how often a caller may call', async () => {
    const limited = testDoor([custom(async () => ({ ok: true }))], { callsPerMinute: 2 })
    await run(limited)
    await run(limited)
    await assert.rejects(run(limited), (fault: Fault) => fault.code === 'rate_limited' && (fault.retryAfterMs ?? 0) > 0)
  })

  test('retries what is safe to repeat, and nothing else', async () => {
    const attempts = async (effect: Effect, idempotent: boolean, fault: Fault) => {
      let count = 0
      const clock = heldClock()
      const failing = testDoor([custom(() => ((count += 1), Promise.reject(fault)), effect, idempotent)], { clock })
      const call = assert.rejects(run(failing), { code: fault.code })
      for (let turn = 0; turn < 20; turn++) {
        await new Promise(setImmediate)
        clock.advance(100)
      }
      await call
      return count
    }
    const away = new Fault('unavailable', 'away')
    assert.equal(await attempts('read', true, away), 3)
    assert.equal(await attempts('write', true, away), 3)
    assert.equal(await attempts('write', false, away), 1)
    assert.equal(await attempts('destructive', false, away), 1)
    assert.equal(await attempts('read', true, new Fault('not_found', 'gone')), 1)
  })

  test('a deadline ends even a handler that does not listen, and tells one that does', async () => {
    const clock = heldClock()
    let told: unknown
    const slow = testDoor(
      [custom((signal) => (signal.addEventListener('abort', () => (told = signal.reason)), new Promise(() => {})))],
      { clock },
    )
    const call = assert.rejects(run(slow, { timeoutMs: 500 }), { code: 'timeout', message: /0\.5 s/ })
    await new Promise(setImmediate)
    clock.advance(500)
    await call
    assert.equal((told as Fault).code, 'timeout')
  })

  for (const [effect, hint, retryable] of [
    ['read', /try again/, true],
    ['write', /^It may have been done, or not/, false],
  ] as const)
    test(`a ${effect} that took too long is told what to do`, async () => {
      const clock = heldClock()
      const call = assert.rejects(
        run(testDoor([custom(() => new Promise(() => {}), effect)], { clock }), { timeoutMs: 500 }),
        {
          code: 'timeout',
          hint,
          retryable,
        },
      )
      await new Promise(setImmediate)
      clock.advance(500)
      await call
    })

  test('a caller that goes away cancels its call', async () => {
    const gone = new AbortController()
    const door = testDoor([custom(() => new Promise(() => {}))])
    const call = assert.rejects(run(door, { signal: gone.signal }), { code: 'cancelled' })
    gone.abort()
    await call
  })

  test('a defect shows a reference, not its text', async () => {
    const broken = testDoor([custom(() => Promise.reject(new Error('password=hunter2')))])
    await assert.rejects(run(broken), (fault: Fault) => {
      assert.equal(fault.code, 'internal')
      assert.doesNotMatch(`${fault.message}${fault.hint}${JSON.stringify(fault.details)}`, /hunter2/)
      return true
    })
  })

  test('a result that breaks its schema is a defect', async () => {
    await assert.rejects(run(testDoor([custom(async () => ({ ok: false }))])), { code: 'internal' })
  })

  test('closing refuses new calls, lets running ones finish, and aborts those that do not', async () => {
    const clock = heldClock()
    let finish = (_: unknown) => {}
    const patient = testDoor([custom(() => new Promise((resolve) => (finish = resolve)))], { clock })
    const running = run(patient)
    await new Promise(setImmediate)
    const closed = patient.close(1000)
    await assert.rejects(run(patient), { code: 'stopping' })
    finish({ ok: true })
    assert.deepEqual(await running, { ok: true })
    await closed

    const stuck = testDoor([custom(() => new Promise(() => {}))], { clock })
    const ended = assert.rejects(run(stuck), { code: 'stopping' })
    await new Promise(setImmediate)
    const closing = stuck.close(1000)
    clock.advance(1000)
    await Promise.all([ended, closing])
  })

  test('a refusal is on record too: whose, and why', async () => {
    const entries: unknown[] = []
    const audit = {
      record: async ({ outcome, callerId, callerName }: AuditEntry) =>
        void entries.push([callerId, callerName, outcome]),
    }
    const door = testDoor([setLevel.bind({ lamps: new Map() })], { audit, callsPerMinute: 2, clock: heldClock() })
    const ask = async (caller: Caller) =>
      await door.invoke({ operation: 'set_level', input: {}, caller }).catch((fault: Fault) => fault.code)
    for (const caller of [anonymous('rest'), callerWith(), callerWith(), callerWith()]) await ask(caller)
    assert.deepEqual(entries, [
      ['anonymous', 'anonymous', 'unauthenticated'],
      ['guest', 'guest', 'forbidden'],
      ['guest', 'guest', 'forbidden'],
      ['guest', 'guest', 'rate_limited'],
    ])
  })

  test('arguments are on record as the keeping says, redacted; trace and outer call too', async () => {
    const lamps = new Map([['kitchen', 0]])
    const trace = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`
    const kept = async (of: ArgumentKeeping['of']) => {
      const entries: AuditEntry[] = []
      const door = testDoor([setLevel.bind({ lamps }), custom(async () => ({ ok: true }))], {
        audit: { record: async (entry) => void entries.push(entry) },
        keepArguments: { of, redact: createRedaction() },
      })
      await run(door)
      const input = { lamp: 'kitchen', level: 1, pin: 1234 }
      await assert.rejects(door.invoke({ operation: 'set_level', input, caller: writer, trace, within: 'outer' }))
      return entries.map(({ traceId, details }) => ({ traceId, details: JSON.stringify(details) }))
    }
    const traceId = 'a'.repeat(32)
    const shown = '{"lamp":"kitchen","level":1,"pin":"[redacted]"}'
    const write = { traceId, details: `{"within":"outer","arguments":${shown}}` }
    assert.deepEqual(await kept('none'), [
      { traceId: undefined, details: undefined },
      { traceId, details: '{"within":"outer"}' },
    ])
    assert.deepEqual(await kept('writes'), [{ traceId: undefined, details: undefined }, write])
    assert.deepEqual(await kept('all'), [{ traceId: undefined, details: '{"arguments":{}}' }, write])
  })

  test('every call is on record; a write before its caller hears of it', async () => {
    const entries: AuditEntry[] = []
    let stored = () => {}
    const audit = {
      record: (entry: AuditEntry) => (entries.push(entry), new Promise<void>((resolve) => (stored = resolve))),
    }
    const lamps = new Map([['kitchen', 0]])
    const door = testDoor([setLevel.bind({ lamps }), custom(async () => ({ ok: true }))], { audit })
    await run(door)
    let answered = false
    const write = door
      .invoke({ operation: 'set_level', input: { lamp: 'kitchen', level: 1 }, caller: writer })
      .then(() => (answered = true))
    await new Promise(setImmediate)
    assert.equal(answered, false)
    stored()
    await write
    const denied = assert.rejects(door.invoke({ operation: 'set_level', input: {}, caller: callerWith() }))
    await new Promise(setImmediate)
    stored()
    await denied
    assert.deepEqual(
      entries.map(({ operation, outcome, callerId }) => [operation, outcome, callerId]),
      [
        ['test.run', 'ok', 'owner'],
        ['lamps.set_level', 'ok', 'guest'],
        ['lamps.set_level', 'forbidden', 'guest'],
      ],
    )
  })

  test('reads that the audit fails to keep are logged once for all that it gathered', async () => {
    const lines: string[] = []
    const log = { ...silentLog, error: (message: string) => void lines.push(message) }
    let kept = Promise.withResolvers<void>()
    const door = testDoor([custom(async () => ({ ok: true }))], { audit: { record: () => kept.promise }, log })
    for (const _ of [1, 2]) {
      await run(door)
      await run(door)
      kept.reject(new Error('the disk is full'))
      await new Promise(setImmediate)
      kept = Promise.withResolvers()
    }
    assert.deepEqual(lines, ['the audit could not be written', 'the audit could not be written'])
  })
})
