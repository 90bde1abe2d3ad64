import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { Fault } from '../../kernel/fault.ts'
import { MODERN_REVISION } from '../../kernel/mcp/protocol.ts'
import { RelayedError } from '../../kernel/mcp/relayed.ts'
import {
  contextFor,
  legacyPeer,
  testConnection,
  testRelay,
  type Serve,
  type Served,
  type TestConnection,
  type TestRelay,
} from '../../testing/relay.ts'

const CAPABILITIES = { tools: { listChanged: true }, prompts: {}, resources: { listChanged: true, subscribe: true } }
const ACKNOWLEDGED = 'notifications/subscriptions/acknowledged'

/** A server that agrees to what it is asked, but for one resource, and holds the streams open. */
function listener(): { serve: Serve; streams: Served[]; end: (error?: unknown) => void } {
  const streams: Served[] = []
  let ending = Promise.withResolvers<string>()
  return {
    streams,
    serve(request) {
      if (request.method !== 'subscriptions/listen') return '{"resultType":"complete"}'
      streams.push(request)
      const { resourceSubscriptions, ...rest } = filterOf(request)
      const agreed = resourceSubscriptions?.filter((uri) => uri !== 'a:deaf')
      request.notify(ACKNOWLEDGED, { notifications: { ...rest, ...(agreed && { resourceSubscriptions: agreed }) } })
      return ending.promise
    },
    end(error) {
      if (error === undefined) ending.resolve('{"resultType":"complete"}')
      else ending.reject(error)
      ending = Promise.withResolvers()
    },
  }
}

const filterOf = ({ params }: Served) => params['notifications'] as { resourceSubscriptions?: string[] }
const open = ({ streams }: { streams: Served[] }) => streams.filter(({ signal }) => !signal.aborted)

async function setUp(
  server: { serve: Serve },
  capabilities: object = CAPABILITIES,
  more: Parameters<typeof testRelay>[1] = {},
): Promise<TestRelay> {
  const setup = testRelay({ revision: MODERN_REVISION, capabilities: { ...capabilities }, serve: server.serve }, more)
  setup.relay.begin(setup.shared)
  await setup.relay.request('tools/call', '{}', contextFor())
  await new Promise(setImmediate)
  return setup
}

const watch = ({ relay }: TestRelay, uri: string, method = 'resources/subscribe') =>
  relay.request(method, JSON.stringify({ uri }), contextFor(legacyPeer().peer))

suite('what changes on a server of 2026-07-28', () => {
  test('is heard by one stream: its lists at first, then resources that somebody wants to hear of', async () => {
    const server = listener()
    const setup = await setUp(server)
    assert.deepEqual(server.streams.map(filterOf), [{ toolsListChanged: true, resourcesListChanged: true }])
    await Promise.all([watch(setup, 'a:1'), watch(setup, 'a:2'), watch(setup, 'a:3')])
    assert.equal(server.streams.length, 2, 'those who come together share a stream')
    assert.deepEqual(filterOf(server.streams[1] as Served).resourceSubscriptions, ['a:1', 'a:2', 'a:3'])
    await watch(setup, 'a:2', 'resources/unsubscribe')
    assert.deepEqual(
      open(server).map((stream) => filterOf(stream).resourceSubscriptions),
      [['a:1', 'a:3']],
    )
    const [stream] = open(server)
    stream?.notify('notifications/tools/list_changed', {})
    stream?.notify('notifications/resources/updated', { uri: 'a:3' })
    stream?.notify('notifications/x/other', {})
    assert.deepEqual(setup.changes, ['tools', 'a:3'])
    assert.deepEqual(
      setup.notices.map(({ method }) => method),
      ['notifications/x/other'],
    )
    await setup.relay.close()
    assert.deepEqual(open(server), [])
  })

  test('a resource that the server does not report is refused, and the others stay', async () => {
    const server = listener()
    const setup = await setUp(server)
    await watch(setup, 'a:1')
    await assert.rejects(watch(setup, 'a:deaf'), { code: 'conflict', message: /weather does not report/ })
    await watch(setup, 'a:2')
    assert.deepEqual(
      open(server).map((stream) => filterOf(stream).resourceSubscriptions),
      [['a:1', 'a:2']],
    )
  })

  test('a stream that ends is opened again after a pause', async () => {
    const server = listener()
    const setup = await setUp(server)
    server.end()
    await new Promise(setImmediate)
    setup.clock.advance(999)
    await new Promise(setImmediate)
    assert.equal(server.streams.length, 1)
    setup.clock.advance(1)
    await new Promise(setImmediate)
    assert.equal(server.streams.length, 2)
  })

  test('what changed while nobody listened is asked for when it is open again', async () => {
    const server = listener()
    let gaps = 0
    const setup = await setUp(server, CAPABILITIES, { onGap: () => void gaps++ })
    assert.equal(gaps, 0)
    server.end(new Fault('unavailable', 'weather cannot be reached.'))
    await new Promise(setImmediate)
    assert.equal(gaps, 0)
    setup.clock.advance(1000)
    await new Promise(setImmediate)
    assert.equal(gaps, 1)
    await watch(setup, 'a:1')
    assert.equal(gaps, 1, 'another filter leaves no gap')
  })

  test('a server that agrees and ends the stream at once is asked again, less and less often', async () => {
    let streams = 0
    const serve: Serve = ({ method, notify }) => {
      if (method === 'subscriptions/listen') streams++
      if (method === 'subscriptions/listen') notify(ACKNOWLEDGED, { notifications: { toolsListChanged: true } })
      return '{"resultType":"complete"}'
    }
    const { clock } = await setUp({ serve })
    for (let second = 0; second < 600; second++) {
      clock.advance(1000)
      await new Promise(setImmediate)
    }
    assert.ok(streams > 8 && streams < 25, `${streams} streams in 10 minutes`)
  })

  test('one that fails for one client is not lost for another', async () => {
    let agrees = true
    const server = listener()
    const serve: Serve = (request) =>
      agrees || request.method !== 'subscriptions/listen' ? server.serve(request) : new Promise(() => {})
    const setup = await setUp({ serve })
    await watch(setup, 'a:1')
    agrees = false
    const late = assert.rejects(watch(setup, 'a:1'), { code: 'timeout' })
    await new Promise(setImmediate)
    setup.clock.advance(10_000)
    await late
    agrees = true
    await watch(setup, 'a:2')
    assert.deepEqual(
      open(server).map((stream) => filterOf(stream).resourceSubscriptions),
      [['a:1', 'a:2']],
    )
  })

  test('a server that does not know it is not asked again', async () => {
    const server = listener()
    const setup = await setUp(server)
    server.end(new RelayedError('weather', { code: -32601, message: 'Method not found' }))
    await new Promise(setImmediate)
    setup.clock.advance(100_000)
    await new Promise(setImmediate)
    assert.equal(server.streams.length, 1)
  })

  test('where nothing can change, no stream is opened', async () => {
    const server = listener()
    await setUp(server, { tools: {} })
    assert.equal(server.streams.length, 0)
  })

  test('one that is never agreed to is given up', async () => {
    const serve: Serve = ({ method }) => (method === 'tools/call' ? '{}' : new Promise(() => {}))
    const setup = await setUp({ serve }, {})
    const late = assert.rejects(watch(setup, 'a:1'), { code: 'timeout', message: /weather did not agree/ })
    await new Promise(setImmediate)
    setup.clock.advance(10_000)
    await late
  })
})

test('a server of before that was started again is told anew what somebody wants to hear of', async () => {
  const seen: unknown[] = []
  const serve: Serve = ({ method, params }) => (seen.push([method, params['uri']]), '{}')
  let current: TestConnection | undefined
  const setup: TestRelay = testRelay({ revision: '2025-06-18', serve }, { shared: () => current ?? setup.shared })
  for (const uri of ['a:1', 'a:2']) await watch(setup, uri)
  await watch(setup, 'a:1', 'resources/unsubscribe')
  assert.equal(setup.own.length, 0, 'it is the shared connection that hears of them')
  seen.length = 0
  const handlers = { ...setup.relay.sharedHandlers, onClose: () => undefined }
  current = testConnection({ revision: '2025-06-18', serve }, handlers)
  setup.relay.begin(current)
  assert.deepEqual(seen, [['resources/subscribe', 'a:2']])
})
