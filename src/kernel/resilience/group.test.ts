import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { heldClock } from '../clock.ts'
import { Fault } from '../fault.ts'
import { RelayedError } from '../mcp/relayed.ts'
import type { Strategy } from './balance.ts'
import { wasNotSent } from './blame.ts'
import { createGroup, ONCE, type Attempt, type CallKind, type Member } from './group.ts'

type Answer = (signal: AbortSignal) => Promise<string>

const READ: CallKind = { repeatable: true, hedged: true }
const never = new AbortController().signal
const broken = (name: string) => () => Promise.reject(new Fault('unavailable', `${name} closed its pipe.`))

interface Connection {
  answer: Answer
  asked: number
}

interface Replica extends Member<Connection> {
  /** Undefined: it is down. */
  connection: Connection | undefined
  readonly first: Connection
}

/** A replica that does what `answer` says. */
function replica(id: string, answer: Answer = () => Promise.resolve(id)): Replica {
  const first = { answer, asked: 0 }
  const self: Replica = {
    id,
    weight: 1,
    first,
    connection: first,
    current: () => self.connection,
    obtain: () => Promise.reject(new Fault('unavailable', `${id} is down.`)),
    report: () => ({ status: self.connection ? 'available' : 'unavailable', sinceMs: 0 }),
  }
  return self
}

interface Options {
  strategy?: Strategy
  hedgeAfterMs?: number
  concurrency?: number
}

function group(replicas: readonly Replica[], options: Options = {}) {
  const clock = heldClock()
  const { strategy = 'round_robin', concurrency = 2, hedgeAfterMs } = options
  const group = createGroup({
    name: 'files',
    members: replicas,
    strategy,
    limits: { concurrency, queue: 1 },
    clock,
    ...(hedgeAfterMs !== undefined && { hedgeAfterMs }),
  })
  const call = (kind: CallKind = ONCE, tried?: Attempt[], signal = never) =>
    group.run((connection, own) => (connection.asked++, connection.answer(own)), { signal }, kind, tried)
  return { group, clock, call }
}

const outcomes = (tried: readonly Attempt[]) => tried.map(({ member, outcome }) => `${member} ${outcome}`)

suite('group', () => {
  test('spreads calls over its members', async () => {
    const { call } = group([replica('a'), replica('b'), replica('c')])
    assert.deepEqual([await call(), await call(), await call(), await call()], ['a', 'b', 'c', 'a'])
  })

  const failing: [string, Answer, CallKind, string | RegExp, string[]][] = [
    ['a read is repeated elsewhere', broken('a'), READ, 'b', ['a unavailable', 'b ok']],
    ['what may have happened is not', broken('a'), ONCE, /a closed its pipe/, ['a unavailable']],
    [
      'an answer is an answer, even if it is an error',
      () => Promise.reject(new RelayedError('a', { code: -32000, message: 'no such file' })),
      READ,
      /no such file/,
      ['a upstream_failed'],
    ],
    [
      'so is a refusal',
      () => Promise.reject(new Fault('not_found', 'There is none.')),
      READ,
      /There is none/,
      ['a not_found'],
    ],
    ['a defect counts as a failure', () => Promise.reject(new TypeError('x')), READ, 'b', ['a internal', 'b ok']],
  ]
  for (const [name, answer, kind, expected, tried] of failing)
    test(`when one fails: ${name}`, async () => {
      const { call } = group([replica('a', answer), replica('b')])
      const attempts: Attempt[] = []
      if (typeof expected === 'string') assert.equal(await call(kind, attempts), expected)
      else await assert.rejects(call(kind, attempts), expected)
      assert.deepEqual(outcomes(attempts), tried)
    })

  test('a call that fails before it is sent gives its place back', async () => {
    const tooLarge = () => {
      throw new Fault('too_large', 'The input is longer than a message may be.')
    }
    const one = replica('a', tooLarge)
    const { call, group: alone } = group([one])
    for (let count = 0; count < 5; count++) await assert.rejects(async () => call(), { code: 'too_large' })
    assert.deepEqual(
      alone.status().members.map(({ running, waiting }) => [running, waiting]),
      [[0, 0]],
    )
    one.first.answer = () => Promise.resolve('a')
    assert.equal(await call(), 'a')
  })

  test('one that is down is passed over, whatever the call does', async () => {
    const [a, b] = [replica('a'), replica('b')]
    const { call, group: one } = group([a, b])
    a.connection = undefined
    assert.deepEqual([await call(), await call()], ['b', 'b'])
    assert.equal(one.report().status, 'degraded')
  })

  test('it is down since the last of them is, and not whole since the first is not', () => {
    const [a, b] = [replica('a'), replica('b')]
    const { group: one } = group([a, b])
    a.report = () => ({ status: 'unavailable', sinceMs: 1000, reason: 'it is away' })
    assert.deepEqual(one.report(), { status: 'degraded', sinceMs: 1000, reason: '1 of 2: a: it is away' })
    b.report = () => ({ status: 'unavailable', sinceMs: 5000, reason: 'it ended' })
    assert.deepEqual(one.report(), {
      status: 'unavailable',
      sinceMs: 5000,
      reason: '2 of 2: a: it is away; b: it ended',
    })
  })

  test('when all are down each is waited for, and the fault tells of each', async () => {
    const replicas = [replica('a'), replica('b')]
    const { call, group: one } = group(replicas)
    for (const each of replicas) each.connection = undefined
    await assert.rejects(call(), (fault: Fault) => {
      assert.equal(fault.message, '2 instances of files failed. a is down. b is down.')
      return wasNotSent(fault)
    })
    assert.equal(one.report().status, 'unavailable')
  })

  test('a breaker takes a failing one out, and lets it in again', async () => {
    const a = replica('a', broken('a'))
    const { call, clock, group: one } = group([a, replica('b')])
    for (let turn = 0; turn < 20; turn++) await call(READ)
    assert.equal(a.first.asked, 5)
    assert.equal(one.status().members[0]?.breaker, 'open')
    assert.match(one.status().members[0]?.avoided ?? '', /^5 calls in a row failed/)
    a.first.answer = () => Promise.resolve('a')
    clock.advance(2000)
    for (let turn = 0; turn < 4; turn++) await call(READ)
    assert.equal(one.status().members[0]?.breaker, 'closed')
    assert.equal(a.first.asked, 7)
  })

  test('a new connection begins with a closed breaker', async () => {
    const a = replica('a', broken('a'))
    const { call } = group([a])
    for (let turn = 0; turn < 5; turn++) await assert.rejects(call(), /closed its pipe/)
    await assert.rejects(
      call(),
      (fault: Fault) => (fault.retryAfterMs ?? 0) > 0 && fault.message.startsWith('a is not asked for now: 5 calls'),
    )
    a.connection = { answer: () => Promise.resolve('well'), asked: 0 }
    assert.equal(await call(), 'well')
  })

  test('one that is full is passed over while another has room', async () => {
    let end = () => {}
    const a = replica('a', () => new Promise((resolve) => (end = () => resolve('a'))))
    const { call } = group([a, replica('b')], { concurrency: 1 })
    const first = call()
    assert.deepEqual([await call(), await call(), await call()], ['b', 'b', 'b'])
    end()
    assert.equal(await first, 'a')
  })

  test('a busy one passes its calls on; when all are busy they wait, and not too many', async () => {
    const ends: (() => void)[] = []
    const slow = (id: string) => replica(id, () => new Promise((resolve) => ends.push(() => resolve(id))))
    const { call, group: one } = group([slow('a'), slow('b')], { concurrency: 1, strategy: 'least_loaded' })
    const calls = [call(), call(), call(), call()]
    await new Promise(setImmediate)
    assert.deepEqual(
      one.status().members.map(({ running, waiting }) => [running, waiting]),
      [
        [1, 1],
        [1, 1],
      ],
    )
    await assert.rejects(call(), /2 instances of files failed\. \w is busy/)
    for (let turn = 0; turn < 4; turn++) {
      ends.shift()?.()
      await new Promise(setImmediate)
    }
    assert.deepEqual((await Promise.all(calls)).sort(), ['a', 'a', 'b', 'b'])
  })

  test('a slow read is asked of another too, and the loser is told to stop', async () => {
    // It takes a while to stop; who was asked is known before that.
    const stuck: Answer = (signal) =>
      new Promise((_, reject) => signal.addEventListener('abort', () => setImmediate(reject, signal.reason)))
    const { call, clock, group: one } = group([replica('a', stuck), replica('b')], { hedgeAfterMs: 50 })
    const tried: Attempt[] = []
    const result = call(READ, tried)
    await new Promise(setImmediate)
    clock.advance(50)
    assert.equal(await result, 'b')
    assert.deepEqual(outcomes(tried), ['b ok', 'a cancelled'])
    await new Promise(setImmediate)
    await new Promise(setImmediate)
    assert.deepEqual(outcomes(tried), ['b ok', 'a cancelled'])
    assert.deepEqual(
      one.status().members.map(({ running, failures }) => [running, failures]),
      [
        [0, 0],
        [0, 0],
      ],
    )
  })

  for (const [strategy, asked] of [
    ['round_robin', 5],
    ['least_loaded', 1],
  ] as const)
    test(`one that is overtaken each time is not the first each time: ${strategy}`, async () => {
      const stuck: Answer = (signal) =>
        new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
      const a = replica('a', stuck)
      const { call, clock } = group([a, replica('b')], { hedgeAfterMs: 50, strategy })
      for (let turn = 0; turn < 10; turn++) {
        const result = call(READ)
        await new Promise(setImmediate)
        clock.advance(50)
        assert.equal(await result, 'b')
      }
      assert.equal(a.first.asked, asked)
    })

  test('a withdrawn call is not repeated', async () => {
    const gone = new AbortController()
    const b = replica('b')
    const stuck: Answer = (signal) =>
      new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Fault('unavailable', 'cut off'))))
    const { call } = group([replica('a', stuck), b])
    const result = assert.rejects(call(READ, [], gone.signal), /cut off/)
    gone.abort()
    await result
    assert.equal(b.first.asked, 0)
  })

  test('in an outage, failing over keeps to a budget', async () => {
    const replicas = [replica('a', broken('a')), replica('b', broken('b'))]
    const { group: one } = group(replicas)
    // Each call meets a breaker that knows nothing: connections come and go.
    let asked = 0
    const send = () => (asked++, Promise.reject(new Fault('unavailable', 'gone')))
    for (let turn = 0; turn < 100; turn++) {
      for (const each of replicas) each.connection = { answer: broken('x'), asked: 0 }
      await assert.rejects(one.run(send, { signal: never }, READ))
    }
    assert.ok(asked <= 100 + 20 + 20, String(asked))
  })

  test('strategy and weights change while it runs', async () => {
    const { call, group: one } = group([replica('a'), replica('b')])
    one.configure({ strategy: 'weighted', weights: { a: 3 } })
    const answers = [await call(), await call(), await call(), await call()]
    assert.deepEqual(answers, ['a', 'a', 'b', 'a'])
    assert.throws(() => one.configure({ weights: { c: 1 } }), { code: 'not_found' })
  })

  test('members come and go; those that stay keep what is known of them', async () => {
    const a = replica('a')
    const { call, group: one } = group([a])
    await call()
    one.replace([a, replica('b')])
    assert.deepEqual(
      one.status().members.map(({ id, calls }) => [id, calls]),
      [
        ['a', 1],
        ['b', 0],
      ],
    )
    one.replace([])
    await assert.rejects(call(), /files has nobody who could answer/)
  })
})
