import assert from 'node:assert/strict'
import { afterEach, beforeEach, suite, test } from 'node:test'
import { z } from 'zod'
import { openSqlite } from '../../engines/store/sqlite.ts'
import type { Caller } from '../../kernel/caller.ts'
import { heldClock, type HeldClock } from '../../kernel/clock.ts'
import type { Fault } from '../../kernel/fault.ts'
import { silentLog } from '../../kernel/log.ts'
import { operation } from '../../kernel/operation.ts'
import type { PeopleKeeper } from '../../kernel/people.ts'
import type { Progress } from '../../kernel/tool.ts'
import { testDoor, testHub, type TestDoor } from '../../testing/hub.ts'
import { approvalsService, type WaitingCalls } from './index.ts'
import { waitingCallsAt } from './waiting.fixture.ts'

const WAIT_MS = 120_000

const child: Caller = {
  id: 'person-kim',
  name: 'kim',
  scopes: ['*'],
  via: 'mcp',
  role: 'child',
  person: 'person-kim',
  credential: 'login-kim',
}
const mother: Caller = {
  id: 'person-anna',
  name: 'anna',
  scopes: ['approvals:*', 'home:*'],
  via: 'rest',
  role: 'adult',
  person: 'person-anna',
  credential: 'login-anna',
}
const asked: Caller = { ...child, via: 'rest' }

/** One child lives here. */
const people: PeopleKeeper = Object.assign(Object.create(null) as PeopleKeeper, {
  get: (id: string) => (id === 'person-kim' ? { name: 'kim' } : undefined),
})

interface Shown {
  version: number
  waiting: { id: string; operation: string; arguments: Record<string, unknown>; fingerprint: string; until: string }[]
  allowed: { id: string; operation: string; caller: string }[]
}

let runs: unknown[]

/** One that loses something, one that does not, and one that only passes on. */
const homeTools = (summary = 'Wipes a room.') => [
  operation()({
    name: 'home.wipe_room',
    summary,
    scope: 'home:write',
    effect: 'destructive',
    timeoutMs: 1000,
    input: z.object({ room: z.string(), password: z.string().optional() }),
    output: z.object({ wiped: z.string() }),
    async handler({ room }) {
      runs.push(room)
      return { wiped: room }
    },
  }).bind({}),
  operation()({
    name: 'home.switch_lamp',
    summary: 'Switches a lamp.',
    scope: 'home:write',
    effect: 'write',
    input: z.object({}),
    output: z.object({}),
    handler: async () => ({}),
  }).bind({}),
  operation<{ door: () => TestDoor }>()({
    name: 'home.do_it',
    summary: 'Does what it is told.',
    scope: null,
    effect: 'destructive',
    passesOn: true,
    input: z.object({ room: z.string() }),
    output: z.unknown(),
    handler: (input, { door: own, caller, signal }) =>
      own().invoke({ operation: 'home.wipe_room', input, caller, signal }),
  }).bind({ door: () => door }),
]

let door: TestDoor
let calls: WaitingCalls
let clock: HeldClock
let store: ReturnType<typeof openSqlite>
let stopService: () => Promise<void>

/** For each test of a suite; a hook at the top of a file would run for every test of every file. */
function eachAtItsOwnDoor(): void {
  beforeEach(async () => {
    runs = []
    clock = heldClock()
    door = testDoor(homeTools(), {
      clock,
      approvals: (joined) => (calls = waitingCallsAt(joined, clock, WAIT_MS)),
    })
    store = openSqlite({ file: ':memory:', log: silentLog })
    const { registry, events } = door
    const part = approvalsService({ calls: () => calls, retentionDays: 30 }).join(
      { clock, events, log: silentLog },
      registry,
      () => ({ status: 'available', sinceMs: 0 }),
    )
    const running = await part.start({ hub: testHub(door), store, people }, new AbortController().signal)
    stopService = () => running.stop()
  })

  afterEach(async () => {
    await stopService()
    await store.close()
  })
}

const describeAnew = (summary: string) =>
  door.registry.add({
    id: 'home',
    kind: 'service',
    tools: homeTools(summary),
    report: () => ({ status: 'available', sinceMs: 0 }),
  })

const call = (name: string, input: object, caller: Caller) => door.invoke({ operation: name, input, caller })
const waiting = async () => ((await call('list_approvals', {}, mother)) as Shown).waiting

/** A call that waits, by its id. */
async function ask(caller = asked, input: object = { room: 'attic' }, name = 'wipe_room') {
  const events: Progress[] = []
  const withdrawal = new AbortController()
  const outcome = door.invoke({
    operation: name,
    input,
    caller,
    signal: withdrawal.signal,
    emit: (progress) => events.push(progress),
  })
  outcome.catch(() => undefined)
  const [first] = (await waiting()).slice(-1)
  assert.ok(first)
  return { outcome, id: first.id, fingerprint: first.fingerprint, events, withdraw: () => withdrawal.abort() }
}

suite('calls that wait for a person', () => {
  eachAtItsOwnDoor()

  const who: [name: string, caller: Caller, operation: string, waits: boolean][] = [
    ['a child that destroys something', asked, 'wipe_room', true],
    ['a child that only changes something', asked, 'switch_lamp', false],
    ['a guest', { ...asked, role: 'guest' }, 'wipe_room', true],
    ['an adult', { ...mother, scopes: ['*'] }, 'wipe_room', false],
    ['a program', { ...asked, role: 'service' }, 'wipe_room', false],
    ['a token without a role', { id: 'token-1', name: 't', scopes: ['*'], via: 'rest' }, 'wipe_room', false],
  ]
  for (const [name, caller, operationName, waits] of who)
    test(`${name} ${waits ? 'waits' : 'does not wait'}`, async () => {
      const outcome = call(operationName, operationName === 'wipe_room' ? { room: 'attic' } : {}, caller)
      outcome.catch(() => undefined)
      assert.equal((await waiting()).length, waits ? 1 : 0)
      calls.close()
      if (waits) await assert.rejects(outcome, { code: 'stopping' })
      else await outcome
    })

  test('it goes on when somebody allows it, once, and its time limit begins then', async () => {
    const { outcome, id, fingerprint, events } = await ask()
    assert.deepEqual(runs, [])
    assert.match(String(events[0]?.message), new RegExp(`^waits for approval ${id}, until \\d\\d:\\d\\d$`))
    clock.advance(60_000)
    assert.equal(events.length, 5)
    assert.deepEqual(await call('approve_call', { id: id.toLowerCase(), fingerprint }, mother), {
      id,
      approved: 'home.wipe_room',
    })
    assert.deepEqual(await outcome, { wiped: 'attic' })
    assert.deepEqual(runs, ['attic'])
    assert.deepEqual(await waiting(), [])
    await assert.rejects(call('approve_call', { id }, mother), { code: 'conflict' })
    const next = await ask()
    assert.notEqual(next.id, id)
    calls.close()
  })

  test('it ends with the reason when somebody refuses it', async () => {
    const { outcome, id } = await ask()
    await call('deny_call', { id, reason: 'the cat sleeps there\u202e' }, mother)
    await assert.rejects(outcome, {
      code: 'forbidden',
      message: 'anna refused home.wipe_room: the cat sleeps there\\u{202e}.',
      details: { approval: { id, decision: 'denied' } },
    })
    assert.deepEqual(runs, [])
  })

  test('it ends when nobody says anything, and that is on record', async () => {
    const { outcome } = await ask()
    clock.advance(WAIT_MS - 1)
    assert.equal((await waiting()).length, 1)
    clock.advance(1)
    await assert.rejects(outcome, { code: 'timeout', message: /within 120 s; it was not done/ })
    assert.deepEqual(await waiting(), [])
    const { decisions } = (await call('list_decisions', {}, mother)) as { decisions: { decision: string }[] }
    assert.deepEqual(
      decisions.map(({ decision }) => decision),
      ['expired'],
    )
  })

  const ends: [how: string, end: (waits: Awaited<ReturnType<typeof ask>>) => void, code: string][] = [
    ['its caller withdraws it', ({ withdraw }) => withdraw(), 'cancelled'],
    ['the hub stops', () => calls.close(), 'stopping'],
    [
      'the login of its caller ends',
      () => door.events.emit('access.ended', { credential: 'login-kim' }),
      'unauthenticated',
    ],
    ['its caller is disabled', () => door.events.emit('access.ended', { person: 'person-kim' }), 'unauthenticated'],
  ]
  for (const [how, end, code] of ends)
    test(`it ends when ${how}, and nobody can allow it any more`, async () => {
      const waits = await ask()
      end(waits)
      await assert.rejects(waits.outcome, { code })
      assert.deepEqual(await waiting(), [])
      await assert.rejects(call('approve_call', { id: waits.id }, mother), { code: 'conflict' })
      assert.deepEqual(runs, [])
    })

  test('whoever decides sees the call without secrets, and with what people do not see', async () => {
    await ask({ ...asked, name: 'k\u200bim', address: '192.168.1.7' }, { room: 'attic\u0007', password: 'hunter22' })
    const [shown] = await waiting()
    assert.partialDeepStrictEqual(shown, {
      operation: 'home.wipe_room',
      summary: 'Wipes a room.',
      provider: 'home',
      caller: {
        id: 'person-kim',
        name: 'k\\u{200b}im',
        person: 'kim',
        role: 'child',
        via: 'rest',
        address: '192.168.1.7',
      },
      until: new Date(clock.now() + WAIT_MS).toISOString(),
    })
    assert.deepEqual({ ...shown?.arguments }, { room: 'attic\\u{7}', password: '[redacted]' })
    calls.close()
  })

  test('a call within a call is asked for once, for what it does', async () => {
    const { outcome, id } = await ask(child, { room: 'hall' }, 'do_it')
    assert.deepEqual(
      (await waiting()).map(({ operation: name }) => name),
      ['home.wipe_room'],
    )
    await call('approve_call', { id }, mother)
    assert.deepEqual(await outcome, { wiped: 'hall' })
  })

  test('somebody who watches hears of a change at once, and of one that they missed', async () => {
    const { version } = (await call('list_approvals', {}, mother)) as Shown
    const watch = call('list_approvals', { after: version, wait_seconds: 50 }, mother)
    const { id } = await ask()
    assert.deepEqual(
      ((await watch) as Shown).waiting.map((one) => one.id),
      [id],
    )
    const missed = (await call('list_approvals', { after: version, wait_seconds: 50 }, mother)) as Shown
    assert.equal(missed.waiting.length, 1)
    const quiet = call('list_approvals', { after: missed.version, wait_seconds: 50 }, mother)
    clock.advance(50_000)
    assert.equal(((await quiet) as Shown).version, missed.version)
    calls.close()
  })
})

suite('who may decide', () => {
  eachAtItsOwnDoor()

  const deciders: [name: string, approver: Caller, asker: Caller, says?: RegExp][] = [
    ['an adult', mother, asked],
    ['the owner', { ...mother, role: 'owner', credential: 'owner' }, asked],
    ['a token without a role', { id: 'mqtt:phone', name: 'phone', scopes: ['approvals:*'], via: 'mqtt' }, asked],
    ['an adult over MCP', { ...mother, via: 'mcp' }, asked, /not for models/],
    ['the child itself', { ...asked, credential: 'another' }, asked, /does not decide alone/],
    ['a guest', { ...mother, role: 'guest' }, asked, /does not decide alone/],
    ['the same credential', { ...mother, credential: 'login-kim' }, asked, /cannot be who says yes/],
    [
      'another credential of the same program',
      { ...mother, client: 'https://app.example' },
      { ...asked, client: 'https://app.example' },
      /cannot be who says yes/,
    ],
    [
      'another program of the same person, who is an adult by now',
      { ...mother, id: 'person-kim', person: 'person-kim', client: 'phone' },
      { ...asked, client: 'assistant' },
    ],
    [
      'the same caller, where nothing tells its credentials apart',
      { id: 'person-kim', name: 'kim', scopes: ['*'], via: 'mqtt' },
      asked,
      /cannot be who says yes/,
    ],
  ]
  for (const [name, approver, asker, says] of deciders)
    for (const operationName of ['approve_call', 'deny_call'])
      test(`${name} ${says ? 'may not' : 'may'} ${operationName}`, async () => {
        const { outcome, id } = await ask(asker)
        const word = call(operationName, { id }, { ...approver, scopes: ['*'] })
        if (says) {
          await assert.rejects(word, (fault: Fault) => fault.code === 'forbidden' && says.test(fault.message))
          assert.equal((await waiting()).length, 1)
        } else await word
        calls.close()
        await outcome.catch(() => undefined)
        assert.equal(runs.length, !says && operationName === 'approve_call' ? 1 : 0)
      })

  test('without the scope nobody does', async () => {
    const { id } = await ask()
    await assert.rejects(call('approve_call', { id }, { ...mother, scopes: ['approvals:read'] }), { code: 'forbidden' })
    await assert.rejects(call('list_approvals', {}, { ...mother, scopes: ['home:*'] }), { code: 'forbidden' })
    calls.close()
  })

  test('a yes to something else than was looked at counts for nothing', async () => {
    const { id, outcome } = await ask()
    await assert.rejects(call('approve_call', { id, fingerprint: 'f00' }, mother), { code: 'not_found' })
    await assert.rejects(call('approve_call', { id: 'ZZZZ' }, mother), { code: 'not_found' })
    assert.equal((await waiting()).length, 1)
    describeAnew('Wipes a room, and mails its contents to somebody.')
    await assert.rejects(call('approve_call', { id }, mother), { code: 'conflict', message: /not described as it was/ })
    await assert.rejects(outcome, { code: 'conflict' })
    assert.deepEqual(runs, [])
  })

  test('of two who decide at once, the first counts', async () => {
    const { id, outcome } = await ask()
    const words = await Promise.allSettled([
      call('deny_call', { id }, mother),
      call('approve_call', { id }, { ...mother, id: 'person-ben', credential: 'login-ben' }),
    ])
    assert.deepEqual(
      words.map(({ status }) => status),
      ['fulfilled', 'rejected'],
    )
    await assert.rejects(outcome, { code: 'forbidden' })
  })

  test('decisions are kept, with what was shown', async () => {
    const first = await ask(asked, { room: 'attic', password: 'hunter22' })
    await call('deny_call', { id: first.id, reason: 'no' }, mother)
    clock.advance(1000)
    const second = await ask()
    await call('approve_call', { id: second.id, for_minutes: 10 }, mother)
    await second.outcome
    const { decisions } = (await call('list_decisions', {}, mother)) as { decisions: object[] }
    assert.partialDeepStrictEqual(decisions, [
      { decision: 'approved', by: 'anna', via: 'rest', minutes: 10, call: { id: second.id } },
      { decision: 'denied', by: 'anna', reason: 'no', call: { id: first.id, arguments: { password: '[redacted]' } } },
    ])
    assert.doesNotMatch(JSON.stringify(decisions), /hunter22/)
  })
})

suite('a yes for some minutes', () => {
  eachAtItsOwnDoor()

  async function allow() {
    const { outcome, id } = await ask()
    await call('approve_call', { id, for_minutes: 10 }, mother)
    await outcome
    return id
  }

  test('lets the same caller do the same, until its time is over', async () => {
    const id = await allow()
    await call('wipe_room', { room: 'cellar' }, asked)
    const { allowed } = (await call('list_approvals', {}, mother)) as Shown
    assert.partialDeepStrictEqual(allowed, [{ id, operation: 'home.wipe_room', caller: 'kim' }])
    clock.advance(600_000)
    await ask()
    calls.close()
    assert.deepEqual(runs, ['attic', 'cellar'])
  })

  const ends: [how: string, caller: Caller, end: (id: string) => unknown][] = [
    ['somebody else', { ...asked, id: 'person-lou', credential: 'login-lou' }, () => undefined],
    ['another login of the same', { ...asked, credential: 'another' }, () => undefined],
    ['a tool that is described anew', asked, () => describeAnew('Wipes everything.')],
    ['after it was taken back', asked, (id) => call('deny_call', { id }, mother)],
    ['after whoever said it is gone', asked, () => door.events.emit('access.ended', { person: 'person-anna' })],
  ]
  for (const [how, caller, end] of ends)
    test(`does not hold for ${how}`, async () => {
      await end(await allow())
      await ask(caller)
      calls.close()
      assert.deepEqual(runs, ['attic'])
    })
})

suite('bounds of waiting', () => {
  eachAtItsOwnDoor()

  test('one caller has so many calls waiting, and leaves room for others', async () => {
    for (let at = 0; at < 5; at++) await ask()
    await assert.rejects(call('wipe_room', { room: 'x' }, asked), { code: 'rate_limited', message: /5 calls of kim/ })
    await ask({ ...asked, id: 'person-lou' })
    calls.close()
  })

  test('all together have so many', async () => {
    for (let at = 0; at < 50; at++) await ask({ ...asked, id: `person-${at}` })
    await assert.rejects(call('wipe_room', { room: 'x' }, asked), { code: 'rate_limited', message: /50 calls wait/ })
    calls.close()
  })

  test('after the hub began to stop, nothing waits', async () => {
    calls.close()
    await assert.rejects(call('wipe_room', { room: 'x' }, asked), { code: 'stopping' })
  })
})
