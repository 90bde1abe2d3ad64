import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { META, MODERN_REVISION } from '../../kernel/mcp/protocol.ts'
import { RelayedError } from '../../kernel/mcp/relayed.ts'
import {
  bert,
  contextFor,
  legacyPeer,
  modernMeta,
  modernPeer,
  testRelay,
  type Serve,
  type TestPeer,
} from '../../testing/relay.ts'

const OLD = '2025-06-18'
const RESULT = '{"content":[{"type":"text","text":"\\u00e9"}],"big":12345678901234567890}'
const MODERN_RESULT =
  '{"resultType":"complete","content":[],"n":1.0,"_meta":{"io.modelcontextprotocol/serverInfo":{"name":"s"},"a/b":1}}'
const CALL = { name: 'rain', arguments: { where: 'Ghent' } }

/** Client and server of every era, and a caller that is no MCP client. */
const CASES = [
  { name: 'modern to modern', server: MODERN_REVISION, client: () => modernPeer(), meta: modernMeta() },
  { name: 'legacy to modern', server: MODERN_REVISION, client: () => legacyPeer(), meta: {} },
  { name: 'legacy to legacy', server: OLD, client: () => legacyPeer(), meta: {} },
  { name: 'modern to legacy', server: OLD, client: () => modernPeer(), meta: modernMeta() },
] as const

const textOf = (meta: object) => JSON.stringify({ ...CALL, _meta: { ...meta, traceparent: '00-1-1-01', 'x/y': [1] } })
const resultOf = (revision: string) => (revision === MODERN_REVISION ? MODERN_RESULT : RESULT)

suite('relay: one call', () => {
  test('modern to modern: params and result stay as they are', async () => {
    const { relay, shared } = testRelay({ revision: MODERN_REVISION, serve: () => MODERN_RESULT })
    const params = textOf(modernMeta())
    const result = await relay.request('tools/call', params, contextFor(modernPeer().peer))
    assert.equal(result.text, MODERN_RESULT)
    assert.equal(shared.served[0]?.text, params)
  })

  test('legacy to legacy: params and result stay as they are', async () => {
    const { relay, shared } = testRelay({ revision: OLD, serve: () => RESULT })
    const params = textOf({})
    const result = await relay.request('tools/call', params, contextFor(legacyPeer().peer))
    assert.equal(result.text, RESULT)
    assert.equal(shared.served[0]?.text, params)
  })

  test('legacy to modern: the session speaks for the request, and the result is without what is new', async () => {
    const { relay, shared } = testRelay({ revision: MODERN_REVISION, serve: () => MODERN_RESULT })
    const { peer } = legacyPeer({ logLevel: 'error', capabilities: { roots: {}, tasks: {} } })
    const result = await relay.request('tools/call', textOf({}), contextFor(peer))
    assert.equal(result.text, '{"content":[],"n":1.0,"_meta":{"a/b":1}}')
    assert.deepEqual(shared.served[0]?.params, {
      ...CALL,
      _meta: {
        [META.revision]: MODERN_REVISION,
        [META.clientInfo]: { name: 'old client', version: '1' },
        [META.clientCapabilities]: { roots: {} },
        [META.logLevel]: 'error',
        traceparent: '00-1-1-01',
        'x/y': [1],
      },
    })
  })

  test('legacy to modern: who does not say its whole name says none', async () => {
    const { relay, shared } = testRelay({ revision: MODERN_REVISION, serve: () => MODERN_RESULT })
    const { peer } = legacyPeer()
    await relay.request('tools/call', '{}', contextFor({ ...peer, clientInfo: { name: 'half' } }))
    assert.equal(META.clientInfo in (shared.served[0]?.params._meta ?? {}), false)
  })

  test('modern to legacy: without what the client says of itself; the result is stamped', async () => {
    const { relay, shared } = testRelay({ revision: OLD, serve: () => RESULT })
    const context = contextFor(modernPeer().peer)
    const result = await relay.request('tools/call', textOf(modernMeta()), context)
    assert.equal(result.text, `{"resultType":"complete",${RESULT.slice(1)}`)
    assert.equal(result.value['resultType'], 'complete')
    assert.deepEqual(shared.served[0]?.params, { ...CALL, _meta: { traceparent: '00-1-1-01', 'x/y': [1] } })
  })

  test('modern to legacy: what can be cached says that it should not be', async () => {
    const { relay } = testRelay({ revision: OLD, serve: () => '{"contents":[]}' })
    const params = JSON.stringify({ uri: 'a:b', _meta: modernMeta() })
    const result = await relay.request('resources/read', params, contextFor(modernPeer().peer))
    assert.equal(result.text, '{"resultType":"complete","ttlMs":0,"cacheScope":"private","contents":[]}')
    assert.deepEqual(result.value, JSON.parse(result.text))
  })

  test('legacy to modern: how long it may be kept is not said', async () => {
    const serve: Serve = () => '{"resultType":"complete","ttlMs":5,"contents":[],"cacheScope":"public"}'
    const { relay } = testRelay({ revision: MODERN_REVISION, serve })
    const read = (method: string) => relay.request(method, '{"uri":"a:b"}', contextFor(legacyPeer().peer))
    assert.equal((await read('resources/read')).text, '{"contents":[]}')
    assert.equal((await read('x/other')).text, '{"ttlMs":5,"contents":[],"cacheScope":"public"}')
  })

  test('no client: the hub wants progress, and says who it is where the server needs it', async () => {
    const old = testRelay({ revision: OLD, serve: () => RESULT })
    await old.relay.request('tools/call', JSON.stringify(CALL), contextFor())
    assert.equal(old.shared.served[0]?.text, `{"_meta":{"progressToken":1},${JSON.stringify(CALL).slice(1)}`)
    const young = testRelay({ revision: MODERN_REVISION, serve: () => MODERN_RESULT })
    await young.relay.request('tools/call', JSON.stringify(CALL), contextFor())
    const meta = young.shared.served[0]?.params._meta
    assert.deepEqual(meta?.[META.clientCapabilities], {})
    assert.equal(meta?.['progressToken'], 1)
  })

  for (const { name, server, client, meta } of CASES)
    test(`${name}: an error of the server arrives as it came`, async () => {
      const error = { code: -32099, message: 'No rain here.', data: { a: 1 } }
      const fail: Serve = () => Promise.reject(new RelayedError('weather', error))
      const { relay } = testRelay({ revision: server, serve: fail })
      const call = relay.request('tools/call', textOf(meta), contextFor(client().peer))
      await assert.rejects(call, (fault) => fault instanceof RelayedError && fault.error === error)
    })

  for (const [name, client, server, code, expected] of [
    ['capabilities of the other hop', legacyPeer, MODERN_REVISION, -32021, /needs a client that can do more: sampling/],
    ['headers of the other hop', modernPeer, MODERN_REVISION, -32020, /refused how the hub asked/],
    ['a revision of the other hop', legacyPeer, MODERN_REVISION, -32022, /refused how the hub asked/],
  ] as const)
    test(`an error about ${name} is not relayed bare`, async () => {
      const body = { code, message: 'x', data: { requiredCapabilities: { sampling: {} } } }
      const { relay } = testRelay({ revision: server, serve: () => Promise.reject(new RelayedError('weather', body)) })
      const call = relay.request('tools/call', textOf(modernMeta()), contextFor(client().peer))
      await assert.rejects(call, (fault: Error) => {
        assert.ok(!(fault instanceof RelayedError))
        assert.match(fault.message, expected)
        assert.match(fault.message, /weather/)
        return true
      })
    })

  test('modern to legacy: a resource that is not there has the number of today', async () => {
    const body = { code: -32002, message: 'Resource not found', data: { uri: 'a:b' } }
    const { relay } = testRelay({ revision: OLD, serve: () => Promise.reject(new RelayedError('weather', body)) })
    const call = relay.request('resources/read', JSON.stringify({ uri: 'a:b' }), contextFor(modernPeer().peer))
    await assert.rejects(call, (fault: RelayedError) => {
      assert.deepEqual(fault.error, { ...body, code: -32602 })
      return true
    })
  })

  for (const { name, server, client, meta } of CASES)
    test(`${name}: progress comes with the client's own token, and extends the limit`, async () => {
      const serve: Serve = ({ id, params, notify }) => {
        assert.equal(params._meta?.['progressToken'], id)
        notify('notifications/progress', { progressToken: id, progress: 0.5, total: 1, message: 'half' })
        return resultOf(server)
      }
      const { relay } = testRelay({ revision: server, serve })
      const { peer, heard } = client()
      const context = contextFor(peer)
      await relay.request('tools/call', textOf({ ...meta, progressToken: 'my token' }), context)
      const params = { progressToken: 'my token', progress: 0.5, total: 1, message: 'half' }
      assert.deepEqual(heard, [{ method: 'notifications/progress', params }])
      assert.equal(context.extended(), 1)
    })

  test('no client: progress goes to whoever listens', async () => {
    const serve: Serve = ({ id, notify }) => {
      notify('notifications/progress', { progressToken: id, progress: 1, message: 'one' })
      return RESULT
    }
    const context = contextFor()
    await testRelay({ revision: OLD, serve }).relay.request('tools/call', '{}', context)
    assert.deepEqual(context.emitted, [{ progress: 1, message: 'one' }])
  })

  for (const { name, server, client, meta } of CASES)
    test(`${name}: a call that is withdrawn is withdrawn from the server`, async () => {
      const { promise: begun, resolve } = Promise.withResolvers<AbortSignal>()
      const serve: Serve = ({ signal }) => (resolve(signal), new Promise(() => {}))
      const { relay } = testRelay({ revision: server, serve })
      const context = contextFor(client().peer)
      const reason = new Error('gone')
      const call = assert.rejects(relay.request('tools/call', textOf(meta), context), reason)
      const signal = await begun
      context.abort(reason)
      await call
      assert.equal(signal.reason, reason)
    })
})

suite('relay: log messages', () => {
  const say =
    (correlates: boolean): Serve =>
    ({ notify }) => {
      for (const level of ['debug', 'error']) notify('notifications/message', { level, data: correlates })
      return '{"resultType":"complete"}'
    }
  const levels = ({ heard }: TestPeer) => heard.map(({ params }) => (params as { level: string }).level)
  const table = [
    ['legacy client without a level', () => legacyPeer(), ['debug', 'error']],
    ['legacy client with a level', () => legacyPeer({ logLevel: 'warning' }), ['error']],
    ['modern client without a level', () => modernPeer(), []],
    ['modern client with a level', () => modernPeer({ logLevel: 'warning' }), ['error']],
  ] as const
  for (const revision of [OLD, MODERN_REVISION] as const)
    for (const correlates of [true, false])
      for (const [name, client, expected] of table)
        test(`${name}, server of ${revision}, ${correlates ? 'own stream' : 'one pipe'}`, async () => {
          const { relay, notices } = testRelay({ revision, correlates, serve: say(correlates) })
          const peer = client()
          await relay.request('tools/call', textOf(modernMeta()), contextFor(peer.peer))
          assert.deepEqual(levels(peer), expected)
          assert.deepEqual(notices, [])
        })

  test('one session hears it once, however many calls it has', async () => {
    const bothRunning = Promise.withResolvers<void>()
    const serve: Serve = async ({ id, notify }) => {
      if (id === 1) await bothRunning.promise
      else notify('notifications/message', { level: 'info' })
      bothRunning.resolve()
      return '{}'
    }
    const { relay } = testRelay({ revision: OLD, serve })
    const peer = legacyPeer()
    const call = () => relay.request('tools/call', '{}', contextFor(peer.peer))
    await Promise.all([call(), call()])
    assert.equal(peer.heard.length, 1)
  })

  test('nobody is told what may be about somebody else', async () => {
    const bothRunning = Promise.withResolvers<void>()
    const serve: Serve = async ({ id, notify }) => {
      if (id === 1) await bothRunning.promise
      else notify('notifications/message', { level: 'info', data: 'of one of them' })
      bothRunning.resolve()
      return '{}'
    }
    const { relay, notices } = testRelay({ revision: OLD, serve })
    const [one, other] = [legacyPeer(), legacyPeer({ id: 'session-2', caller: bert })]
    await Promise.all([
      relay.request('tools/call', '{}', contextFor(one.peer)),
      relay.request('tools/call', '{}', contextFor(other.peer, bert)),
    ])
    assert.deepEqual([...one.heard, ...other.heard, ...notices], [])
  })

  test('what belongs to no call is said to the hub', async () => {
    const { relay, shared, notices, changes } = testRelay({ revision: OLD, serve: () => '{}' })
    await relay.request('tools/call', '{}', contextFor())
    const say = (method: string, params: object) =>
      shared.handlers.onNotification({ method, params: JSON.stringify(params) })
    say('notifications/message', { level: 'info' })
    say('notifications/x/unknown', { a: 1 })
    say('notifications/prompts/list_changed', {})
    say('notifications/resources/updated', { uri: 'a:b' })
    assert.deepEqual(notices, [
      { provider: 'weather', method: 'notifications/message', params: '{"level":"info"}' },
      { provider: 'weather', method: 'notifications/x/unknown', params: '{"a":1}' },
    ])
    assert.deepEqual(changes, ['prompts', 'a:b'])
  })

  test("what is said on a person's own connection is theirs", async () => {
    const { shared, notices } = testRelay({ revision: OLD, serve: () => '{}' }, { person: 'bert' })
    shared.handlers.onNotification({ method: 'notifications/x/unknown', params: '{}' })
    assert.deepEqual(notices, [
      { provider: 'weather', method: 'notifications/x/unknown', params: '{}', caller: 'bert' },
    ])
  })
})
