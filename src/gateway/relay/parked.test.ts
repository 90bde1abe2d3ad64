import assert from 'node:assert/strict'
import { getEventListeners } from 'node:events'
import { suite, test } from 'node:test'
import { RelayedError, type RelayedResult } from '../../kernel/mcp/relayed.ts'
import {
  anna,
  bert,
  contextFor,
  modernMeta,
  modernPeer,
  testRelay,
  type Serve,
  type TestRelay,
} from '../../testing/relay.ts'

const OLD = '2025-11-25'
const annasPhone = { ...anna, credential: 'phone' }
const FORM = { message: 'Where?', requestedSchema: {} }
const PARAMS = { name: 'rain', arguments: {}, _meta: modernMeta() }

interface Required {
  readonly resultType: string
  readonly inputRequests: Readonly<Record<string, { method: string; params: unknown }>>
  readonly requestState: string
}

const call = ({ relay }: TestRelay, more: object = {}, context = contextFor(modernPeer().peer)) =>
  relay.request('tools/call', JSON.stringify({ ...PARAMS, ...more }), context)

const required = (result: RelayedResult) => {
  assert.equal(result.value['resultType'], 'input_required', result.text)
  return result.value as unknown as Required
}

/** Answers for every question that was asked. */
const answers = ({ inputRequests, requestState }: Required, answer: unknown = { action: 'accept' }) => ({
  requestState,
  inputResponses: Object.fromEntries(Object.keys(inputRequests).map((key) => [key, answer])),
})

/** Asks each of these at once and answers with what it heard. */
const asks =
  (...rounds: string[][]): Serve =>
  async ({ ask }) => {
    const heard: unknown[] = []
    for (const round of rounds)
      heard.push(
        (await Promise.all(round.map((message) => ask('elicitation/create', { ...FORM, message })))).map(
          ({ value }) => value,
        ),
      )
    return JSON.stringify({ heard })
  }

suite('a call of a client of 2026-07-28 on a server of before that asks something', () => {
  for (const correlates of [true, false])
    test(`is parked, and goes on with the answers (${correlates ? 'own stream' : 'one pipe'})`, async () => {
      const setup = testRelay({ revision: OLD, correlates, serve: asks(['Where?']) })
      const first = required(await call(setup))
      assert.deepEqual(Object.values(first.inputRequests), [{ method: 'elicitation/create', params: FORM }])
      const done = await call(setup, answers(first, { action: 'accept', content: { where: 'Ghent' } }))
      assert.deepEqual(done.value, {
        resultType: 'complete',
        heard: [[{ action: 'accept', content: { where: 'Ghent' } }]],
      })
      assert.equal(setup.shared.served.length, 1, 'the server was called once')
    })

  test('several questions at once are asked at once, and there may be more rounds', async () => {
    const setup = testRelay({ revision: OLD, serve: asks(['a', 'b', 'c'], ['d']) })
    const first = required(await call(setup))
    assert.equal(Object.keys(first.inputRequests).length, 3)
    const second = required(await call(setup, answers(first)))
    assert.deepEqual(
      Object.values(second.inputRequests).map(({ params }) => params),
      [{ ...FORM, message: 'd' }],
    )
    assert.notEqual(second.requestState, first.requestState)
    assert.equal((await call(setup, answers(second))).value['resultType'], 'complete')
  })

  for (const [name, change] of [
    ['left out', () => ({})],
    ['under another key', () => ({ wrong_key: { action: 'accept' } })],
    ['of the wrong type', (keys: string[]) => ({ [keys[1] ?? '']: 12345 })],
  ] as const)
    test(`an answer that is ${name} is asked for again`, async () => {
      const setup = testRelay({ revision: OLD, serve: asks(['a', 'b']) })
      const first = required(await call(setup))
      const keys = Object.keys(first.inputRequests)
      const inputResponses = { [keys[0] ?? '']: { action: 'accept' }, ...change(keys) }
      const second = required(await call(setup, { requestState: first.requestState, inputResponses }))
      assert.deepEqual(Object.keys(second.inputRequests), keys.slice(1))
      assert.equal((await call(setup, answers(second))).value['resultType'], 'complete')
    })

  test('progress and log messages go to the request that waits; those that came meanwhile, when there is one', async () => {
    const parked = Promise.withResolvers<void>()
    const serve: Serve = async ({ id, ask, notify }) => {
      const answer = ask('elicitation/create', FORM)
      await parked.promise
      notify('notifications/progress', { progressToken: id, progress: 0.5 })
      await answer
      notify('notifications/progress', { progressToken: id, progress: 1 })
      notify('notifications/message', { level: 'error' })
      return '{}'
    }
    const setup = testRelay({ revision: OLD, serve })
    const first = modernPeer()
    const asked = required(
      await call(setup, { _meta: { ...modernMeta(), progressToken: 'one' } }, contextFor(first.peer)),
    )
    parked.resolve()
    await new Promise(setImmediate)
    const second = modernPeer({ logLevel: 'info' })
    await call(setup, { ...answers(asked), _meta: { ...modernMeta(), progressToken: 'two' } }, contextFor(second.peer))
    assert.deepEqual(first.heard, [])
    assert.deepEqual(second.heard, [
      { method: 'notifications/progress', params: { progressToken: 'two', progress: 0.5 } },
      { method: 'notifications/progress', params: { progressToken: 'two', progress: 1 } },
      { method: 'notifications/message', params: { level: 'error' } },
    ])
  })

  test('a result that did not wait for the answer is kept', async () => {
    const serve: Serve = ({ ask }) => {
      ask('elicitation/create', FORM).catch(() => undefined)
      return new Promise((resolve) => setImmediate(setImmediate, resolve, '{"early":true}'))
    }
    const setup = testRelay({ revision: OLD, serve })
    const first = required(await call(setup))
    assert.deepEqual((await call(setup, answers(first))).value, { resultType: 'complete', early: true })
  })

  const refused = [
    ['is tampered with', (state: string) => `${state.slice(0, -4)}AAAA`, anna, 'rain', /not one that this server gave/],
    ['is made up', () => 'made up', anna, 'rain', /not one that this server gave/],
    ['is no string', () => 5, anna, 'rain', /not one that this server gave/],
    ["is another person's", (state: string) => state, bert, 'rain', /not one that this server gave/],
    ['came by another login', (state: string) => state, annasPhone, 'rain', /not one that this server gave/],
    ['belongs to another tool', (state: string) => state, anna, 'snow', /another request/],
  ] as const
  for (const [name, change, caller, tool, says] of refused)
    test(`a state that ${name} is refused, and the call goes on with the right one`, async () => {
      const setup = testRelay({ revision: OLD, serve: asks(['a']) })
      const first = required(await call(setup))
      const retry = { ...answers(first), name: tool, requestState: change(first.requestState) }
      await assert.rejects(call(setup, retry, contextFor(modernPeer().peer, caller)), (fault: RelayedError) => {
        assert.equal(fault.error.code, -32602)
        assert.match(fault.error.message, says)
        return true
      })
      assert.equal((await call(setup, answers(first))).value['resultType'], 'complete')
    })

  test('a state serves once', async () => {
    const setup = testRelay({ revision: OLD, serve: asks(['a'], ['b']) })
    const first = required(await call(setup))
    const [second, again] = await Promise.allSettled([call(setup, answers(first)), call(setup, answers(first))])
    assert.equal(second.status, 'fulfilled')
    assert.match(String((again as PromiseRejectedResult).reason), /used already/)
    await assert.rejects(call(setup, answers(first)), /used already/)
  })

  test('answers that are no object are refused without using up the state', async () => {
    const setup = testRelay({ revision: OLD, serve: asks(['a']) })
    const first = required(await call(setup))
    await assert.rejects(call(setup, { ...answers(first), inputResponses: null }), /inputResponses must be an object/)
    assert.equal((await call(setup, answers(first))).value['resultType'], 'complete')
  })

  test('answers without a state make a new call', async () => {
    const setup = testRelay({ revision: OLD, serve: asks(['a']) })
    required(await call(setup, { inputResponses: { a: {} } }))
    assert.equal(setup.shared.served[0]?.params['inputResponses'], undefined)
  })

  test('the relay that keeps it knows its state', async () => {
    const setup = testRelay({ revision: OLD, serve: asks(['a']) })
    const retry = JSON.stringify({ ...PARAMS, ...answers(required(await call(setup))) })
    const other = testRelay({ revision: OLD, serve: asks(['a']) })
    assert.deepEqual(
      [setup, other].map(({ relay }) => relay.holds('tools/call', retry)),
      [true, false],
    )
    assert.equal(setup.relay.holds('tools/call', JSON.stringify(PARAMS)), false)
    await setup.relay.close()
    assert.equal(setup.relay.holds('tools/call', retry), false)
  })

  test('ends when nobody comes back, and the server is told', async () => {
    const setup = testRelay({ revision: OLD, serve: asks(['a']) })
    const first = required(await call(setup))
    setup.clock.advance(600_000)
    assert.match(String(setup.shared.served[0]?.signal.reason), /Nobody answered weather within 10 minutes/)
    await assert.rejects(call(setup, answers(first)), /has expired/)
  })

  for (const [name, ended, ends] of [
    ['its login', { credential: 'phone' }, true],
    ['its person', { person: 'anna' }, true],
    ['another login', { credential: 'laptop' }, false],
    ['another person', { person: 'bert' }, false],
  ] as const)
    test(`${ends ? 'ends' : 'goes on'} when the access of ${name} ends`, async () => {
      const setup = testRelay({ revision: OLD, serve: asks(['a']) })
      const context = () => contextFor(modernPeer().peer, annasPhone)
      const first = required(await call(setup, {}, context()))
      setup.events.emit('access.ended', ended)
      assert.equal(setup.shared.served[0]?.signal.aborted, ends)
      if (ends) await assert.rejects(call(setup, answers(first), context()), /its call is over/)
      else assert.equal((await call(setup, answers(first), context())).value['resultType'], 'complete')
    })

  test('ends with a retry that is withdrawn', async () => {
    const serve: Serve = async ({ ask }) => (await ask('elicitation/create', FORM), await new Promise<never>(() => {}))
    const setup = testRelay({ revision: OLD, serve })
    const first = required(await call(setup))
    const context = contextFor(modernPeer().peer)
    const retry = assert.rejects(call(setup, answers(first), context), /gone/)
    context.abort(new Error('gone'))
    await retry
    assert.ok(setup.shared.served[0]?.signal.aborted)
  })

  test('leaves no listener behind', async () => {
    const setup = testRelay({ revision: OLD, serve: asks(['a']) })
    const contexts = [contextFor(modernPeer().peer), contextFor(modernPeer().peer)] as const
    const first = required(await call(setup, {}, contexts[0]))
    await call(setup, answers(first), contexts[1])
    assert.deepEqual(
      contexts.map(({ signal }) => getEventListeners(signal, 'abort').length),
      [0, 0],
    )
  })

  test('ends with the relay', async () => {
    const setup = testRelay({ revision: OLD, serve: asks(['a']) })
    required(await call(setup))
    await setup.relay.close()
    assert.match(String(setup.shared.served[0]?.signal.reason), /closed its connections to weather/)
  })

  test('one person does not take all the places', async () => {
    const setup = testRelay({ revision: OLD, correlates: true, serve: asks(['a']) })
    for (let count = 0; count < 32; count++) required(await call(setup))
    await assert.rejects(call(setup), { code: 'rate_limited' })
    required(await call(setup, {}, contextFor(modernPeer().peer, bert)))
    await setup.relay.close()
  })

  test('a client that did not declare the capability gets the error that the protocol demands', async () => {
    const serve: Serve = ({ ask }) =>
      ask('sampling/createMessage', {}).then(
        () => '{}',
        () => '{"isError":true}',
      )
    const setup = testRelay({ revision: OLD, serve })
    const { peer } = modernPeer({ capabilities: { elicitation: {} } })
    await assert.rejects(call(setup, {}, contextFor(peer)), (fault: RelayedError) => {
      assert.deepEqual([fault.error.code, fault.error.data], [-32021, { requiredCapabilities: { sampling: {} } }])
      return true
    })
  })

  test('a server that gets by without the answer is let to', async () => {
    const serve: Serve = ({ ask }) =>
      ask('sampling/createMessage', {}).then(
        () => '{}',
        () => '{"short":true}',
      )
    const { peer } = modernPeer({ capabilities: {} })
    const result = await call(testRelay({ revision: OLD, serve }), {}, contextFor(peer))
    assert.deepEqual(result.value, { resultType: 'complete', short: true })
  })

  test('a page to visit first (-32042) becomes a question', async () => {
    const elicitations = [{ mode: 'url', elicitationId: '7', url: 'https://a.example', message: 'Log in' }]
    const error = new RelayedError('weather', { code: -32042, message: 'Log in', data: { elicitations } })
    let visited = false
    const setup = testRelay({ revision: OLD, serve: () => (visited ? '{"in":true}' : Promise.reject(error)) })
    const first = required(await call(setup))
    const params = { mode: 'url', url: 'https://a.example', message: 'Log in' }
    assert.deepEqual(Object.values(first.inputRequests), [{ method: 'elicitation/create', params }])
    assert.equal(first.requestState, undefined)
    visited = true
    assert.equal((await call(setup, answers(first))).value['in'], true)
    const { peer } = modernPeer({ capabilities: { elicitation: {} } })
    visited = false
    await assert.rejects(call(setup, {}, contextFor(peer)), (fault: RelayedError) => fault.error.code === -32021)
  })

  test('nothing can be asked where the protocol has no way to', async () => {
    const serve: Serve = ({ ask }) =>
      ask('elicitation/create', FORM).then(
        () => '{}',
        (error) => JSON.stringify(error.error),
      )
    const { relay } = testRelay({ revision: OLD, serve })
    const result = await relay.request('completion/complete', JSON.stringify(PARAMS), contextFor(modernPeer().peer))
    assert.match(result.text, /cannot be asked anything during completion\/complete/)
  })
})
