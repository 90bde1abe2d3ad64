import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { Fault } from '../../kernel/fault.ts'
import { MODERN_REVISION } from '../../kernel/mcp/protocol.ts'
import { RelayedError } from '../../kernel/mcp/relayed.ts'
import { anna, bert, contextFor, legacyPeer, modernPeer, testRelay, type Serve } from '../../testing/relay.ts'

const OLD = '2025-06-18'
const FORM = { message: 'Where?', requestedSchema: { type: 'object', properties: {} }, 'x-own': 1 }

/** Asks the client and answers with what it said, or with what went wrong. */
const asking =
  (method = 'elicitation/create', params: object = FORM): Serve =>
  async ({ ask }) => {
    try {
      return JSON.stringify({ heard: (await ask(method, params)).value })
    } catch (error) {
      const said = error instanceof RelayedError ? error.error : String(error)
      return JSON.stringify({ isError: true, refused: said })
    }
  }

suite('questions of a server of before 2026-07-28 to a client of before', () => {
  for (const correlates of [true, false])
    test(`pass unchanged both ways, ${correlates ? 'on their own stream' : 'on one pipe'}`, async () => {
      const { relay, learned } = testRelay({ revision: OLD, correlates, serve: asking() })
      const { peer, asked } = legacyPeer({ answer: () => ({ action: 'accept', content: { a: 1 }, 'x-own': 2 }) })
      const context = contextFor(peer)
      const result = await relay.request('tools/call', '{}', context)
      assert.deepEqual(asked, [{ method: 'elicitation/create', params: FORM }])
      assert.deepEqual(result.value, { heard: { action: 'accept', content: { a: 1 }, 'x-own': 2 } })
      assert.ok(learned())
      assert.ok(context.extended() > 0, 'a person takes longer than a program')
    })

  test('a refusal of the client reaches the server as it came', async () => {
    const { relay } = testRelay({ revision: OLD, serve: asking() })
    const error = { code: -1, message: 'User rejected', data: [1] }
    const { peer } = legacyPeer({ answer: () => Promise.reject(new RelayedError('client', error)) })
    assert.deepEqual((await relay.request('tools/call', '{}', contextFor(peer))).value['refused'], error)
  })

  for (const [name, capabilities, method, params] of [
    ['no elicitation', {}, 'elicitation/create', FORM],
    ['no pages to visit', { elicitation: {} }, 'elicitation/create', { mode: 'url', url: 'https://a.example' }],
    ['no forms', { elicitation: { url: {} } }, 'elicitation/create', FORM],
    ['no sampling', { roots: {} }, 'sampling/createMessage', {}],
    ['no tools in sampling', { sampling: {} }, 'sampling/createMessage', { tools: [] }],
  ] as const)
    test(`a client that declared ${name} is not asked`, async () => {
      const { relay } = testRelay({ revision: OLD, serve: asking(method, params) })
      const { peer, asked } = legacyPeer({ capabilities })
      const { refused } = (await relay.request('tools/call', '{}', contextFor(peer))).value
      assert.match(JSON.stringify(refused), /-32601.*did not declare/)
      assert.deepEqual(asked, [])
    })

  test('a client that declared no more than elicitation can be asked by a form', async () => {
    const { relay } = testRelay({ revision: OLD, serve: asking() })
    const { peer, asked } = legacyPeer({ capabilities: { elicitation: {} } })
    await relay.request('tools/call', '{}', contextFor(peer))
    assert.equal(asked.length, 1)
  })

  test('nobody is asked where no client stands behind the call', async () => {
    const { relay } = testRelay({ revision: OLD, serve: asking() })
    const { refused } = (await relay.request('tools/call', '{}', contextFor())).value
    assert.match(JSON.stringify(refused), /nobody can be asked/)
  })

  test('whoever does not answer for ten minutes is not waited for', async () => {
    const { relay, clock } = testRelay({ revision: OLD, serve: asking() })
    const { promise: asked, resolve } = Promise.withResolvers<void>()
    const answer = (_method: string, _params: unknown, signal: AbortSignal) =>
      new Promise((_, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason), { once: true })
        resolve()
      })
    const call = relay.request('tools/call', '{}', contextFor(legacyPeer({ answer }).peer))
    await asked
    clock.advance(600_000)
    assert.match(JSON.stringify((await call).value), /Nobody answered within 10 minutes/)
  })

  test("calls of several clients at once: nobody is asked what may be another's, and it is learned", async () => {
    const bothRunning = Promise.withResolvers<void>()
    const serve: Serve = async (request) => {
      if (request.id === 2) bothRunning.resolve()
      await bothRunning.promise
      return await asking()(request)
    }
    const { relay, learned } = testRelay({ revision: OLD, serve })
    const [one, other] = [legacyPeer(), legacyPeer({ id: 'session-2', caller: bert })]
    const results = await Promise.all([
      relay.request('tools/call', '{}', contextFor(one.peer, anna)),
      relay.request('tools/call', '{}', contextFor(other.peer, bert)),
    ])
    assert.match(JSON.stringify(results[0].value), /try it again/)
    assert.deepEqual([...one.asked, ...other.asked].length, 0)
    assert.ok(learned())
  })

  test('roots outside every call are those of the definition', async () => {
    const { relay, shared, learned } = testRelay({ revision: OLD, serve: () => '{}' })
    await relay.request('tools/call', '{}', contextFor())
    const { signal } = new AbortController()
    const roots = await shared.handlers.onRequest({ id: 1, method: 'roots/list', params: '{}', signal })
    assert.deepEqual(roots.value, { roots: [{ uri: 'file:///srv/home' }] })
    await assert.rejects(
      shared.handlers.onRequest({ id: 1, method: 'elicitation/create', params: '{}', signal }),
      /No call is running/,
    )
    assert.equal(learned(), false)
  })

  test('where no roots are configured, a server that asks for them is to have those of each client', async () => {
    const { shared, learned } = testRelay({ revision: OLD, serve: () => '{}' }, { roots: [] })
    const { signal } = new AbortController()
    const roots = await shared.handlers.onRequest({ id: 1, method: 'roots/list', params: '{}', signal })
    assert.deepEqual([roots.value, learned()], [{ roots: [] }, true])
  })

  test("roots that a server asks for when it begins are nobody's own", async () => {
    const { relay, clock, learned } = testRelay({ revision: OLD, serve: asking('roots/list', {}) })
    const { peer } = legacyPeer({ answer: () => ({ roots: [{ uri: 'file:///home/anna' }] }) })
    const roots = async () => JSON.stringify((await relay.request('tools/call', '{}', contextFor(peer))).value)
    assert.match(await roots(), /srv\/home/)
    assert.equal(learned(), false)
    clock.advance(2_000)
    assert.match(await roots(), /home\/anna/)
    assert.ok(learned())
  })
})

/** Asks all of these by `input_required` until it has answers. */
const requiring =
  (requests: object | undefined, requestState: string | undefined): Serve =>
  ({ params }) => {
    const { inputResponses, requestState: back } = params
    if (back === requestState && (requests === undefined || inputResponses !== undefined))
      return JSON.stringify({ resultType: 'complete', heard: inputResponses })
    return JSON.stringify({ resultType: 'input_required', inputRequests: requests, requestState })
  }

suite('questions of a server of 2026-07-28 to a client of before', () => {
  const THREE = {
    name: { method: 'elicitation/create', params: FORM },
    page: { method: 'elicitation/create', params: { mode: 'url', url: 'https://a.example', message: 'Go' } },
    roots: { method: 'roots/list' },
  }

  test('become real questions, asked at once, and the answers go back with the state', async () => {
    const { relay, shared } = testRelay({ revision: MODERN_REVISION, serve: requiring(THREE, 'a "state" \u20ac') })
    const { peer, asked } = legacyPeer({ answer: (method) => ({ of: method }) })
    const result = await relay.request('tools/call', '{"name":"x"}', contextFor(peer))
    const of = (method: string) => ({ of: method })
    assert.deepEqual(result.value, {
      heard: { name: of('elicitation/create'), page: of('elicitation/create'), roots: of('roots/list') },
    })
    assert.equal(asked.length, 3)
    assert.deepEqual(asked[0], { method: 'elicitation/create', params: FORM })
    // 2025-11-25 wants one.
    assert.equal(typeof (asked[1]?.params as { elicitationId?: unknown }).elicitationId, 'string')
    assert.deepEqual(asked[2], { method: 'roots/list', params: {} })
    assert.equal(shared.served[1]?.params['requestState'], 'a "state" \u20ac')
    assert.equal(shared.served[1]?.params['name'], 'x')
  })

  test('a server that only wants to be called again is, after a pause', async () => {
    const { relay, clock, shared } = testRelay({
      revision: MODERN_REVISION,
      serve: ({ id }) =>
        id < 3 ? `{"resultType":"input_required","requestState":"s${id}"}` : '{"resultType":"complete"}',
    })
    const call = relay.request('tools/call', '{}', contextFor(legacyPeer().peer))
    for (let turn = 0; turn < 10; turn++) {
      await new Promise(setImmediate)
      clock.advance(250)
    }
    assert.equal((await call).text, '{}')
    assert.deepEqual(
      shared.served.map(({ params }) => params['requestState']),
      [undefined, 's1', 's2'],
    )
  })

  for (const [name, serve, method, options, says] of [
    [
      'the ninth round',
      () => JSON.stringify({ resultType: 'input_required', inputRequests: { a: THREE.name } }),
      'tools/call',
      {},
      /asked 8 times/,
    ],
    [
      'nothing to ask',
      () => '{"resultType":"input_required"}',
      'tools/call',
      {},
      /neither inputRequests nor requestState/,
    ],
    ['an unknown question', requiring({ a: { method: 'x/y' } }, 's'), 'tools/call', {}, /no client knows/],
    ['a method that cannot ask', requiring(THREE, 's'), 'completion/complete', {}, /which cannot/],
    [
      'what the client did not declare',
      requiring(THREE, 's'),
      'tools/call',
      { capabilities: { roots: {} } },
      /did not declare/,
    ],
    [
      'a client that refuses',
      requiring(THREE, 's'),
      'tools/call',
      { answer: () => Promise.reject(new RelayedError('client', { code: -1, message: 'User rejected' })) },
      /no answer: User rejected/,
    ],
  ] as const)
    test(`${name} ends the call with a fault that names the server`, async () => {
      const { relay } = testRelay({ revision: MODERN_REVISION, serve })
      const { peer } = legacyPeer(options)
      await assert.rejects(relay.request(method, '{}', contextFor(peer)), (fault: unknown) => {
        assert.ok(fault instanceof Fault && !(fault instanceof RelayedError))
        assert.match(fault.message, says)
        assert.match(fault.message, /weather/)
        return true
      })
    })

  test('where no client stands behind the call it says so', async () => {
    const { relay } = testRelay({ revision: MODERN_REVISION, serve: requiring(THREE, 's') })
    await assert.rejects(relay.request('tools/call', '{}', contextFor()), {
      code: 'conflict',
      message: /from a person/,
    })
  })

  test('a client of 2026-07-28 gets them as they are, and its answers come as it wrote them', async () => {
    const text = '{"resultType":"input_required","inputRequests":{"a": 1.0}}'
    const { relay, shared } = testRelay({ revision: MODERN_REVISION, serve: () => text })
    const params = '{"inputResponses":{"a":1.0}, "name":"x"}'
    assert.equal((await relay.request('tools/call', params, contextFor(modernPeer().peer))).text, text)
    assert.equal(shared.served[0]?.text, params)
  })
})
