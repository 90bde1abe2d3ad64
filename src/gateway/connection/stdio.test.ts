import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { RelayedError, RelayedResult } from '../../kernel/mcp/relayed.ts'
import { fault } from '../../testing/mqtt-toolkit.ts'
import { stdioUpstream } from '../../testing/upstreams/stdio-upstream.ts'
import { ask, connected, stdio } from './connecting.fixture.ts'
import type { Connection, ServerNotification } from './connection.ts'

const ECHO = fileURLToPath(new URL('../../testing/echo-server.ts', import.meta.url))
const call = (connection: Connection, text = 'hello') =>
  ask(connection, 'tools/call', { name: 'echo', arguments: { text } })
const HELLO = '{"content":[{"type":"text","text":"hello"}]}'

suite('a server on pipes', () => {
  test('says who it is, and answers', async (t) => {
    const { connection } = await connected(t, stdio({ command: process.execPath, args: [ECHO] }))
    assert.equal(connection.revision, '2025-11-25')
    assert.deepEqual(connection.serverInfo, { name: 'echo', version: '1.0.0' })
    assert.deepEqual(connection.capabilities, { tools: {} })
    assert.equal(connection.correlates, false)
    assert.equal(await call(connection), HELLO)
    assert.equal(connection.running, 0)
  })

  for (const behaviour of ['garbage', 'split-writes', 'answers-twice', 'wrong-ids', 'chatty-stderr'] as const)
    test(`${behaviour}: it is heard all the same`, async (t) => {
      const { connection } = await connected(t, stdio(stdioUpstream(behaviour)))
      assert.equal(await call(connection), HELLO)
      assert.equal(await call(connection), HELLO)
      assert.equal(connection.running, 0)
    })

  for (const [behaviour, code, says] of [
    ['crashes-on-start', 'unavailable', /files: it ended with exit code 3/],
    ['wrong-revision', 'upstream_failed', /files speaks another revision of MCP: 1999-01-01/],
    ['empty-initialize', 'upstream_failed', /files speaks another revision/],
  ] as const)
    test(`${behaviour}: no connection, and why`, (t) =>
      assert.rejects(connected(t, stdio(stdioUpstream(behaviour))), fault(code, says)))

  test('an end before there is a connection is told once, by the promise', async (t) => {
    const closed: string[] = []
    const handlers = {
      onNotification: () => {},
      onRequest: () => Promise.reject(new Error('none')),
      onClose: (reason: string) => void closed.push(reason),
    }
    await assert.rejects(connected(t, stdio(stdioUpstream('crashes-on-start')), { handlers }))
    assert.deepEqual(closed, [])
  })

  for (const [behaviour, says] of [
    ['crashes-in-call', /files: it ended with exit code 7/],
    ['closes-stdout', /files: it closed its output/],
  ] as const)
    test(`${behaviour}: the call fails, and the connection says that it is over`, async (t) => {
      const { connection, closed } = await connected(t, stdio(stdioUpstream(behaviour)))
      await assert.rejects(call(connection), fault('unavailable', says))
      assert.match(await closed, /^it /)
      await assert.rejects(call(connection), fault('unavailable', says))
    })

  test('an answer that is too long fails one call, not the connection', async (t) => {
    const { connection } = await connected(t, stdio(stdioUpstream('huge-line', { amount: 2 })), {
      maxMessageBytes: 1 << 20,
    })
    await assert.rejects(call(connection), fault('too_large', /files answered with 20\d+ bytes; the limit is 1048576/))
    assert.match(await ask(connection, 'tools/list'), /echo/)
  })

  test('a result is the text that the server wrote', async (t) => {
    const { connection } = await connected(t, stdio(stdioUpstream('raw')))
    const odd = String.raw`"big": 12345678901234567890, "one":1.0, "x-unknown" : {"\u0061":[ ]}`
    assert.ok((await call(connection)).endsWith(`}], ${odd} }`))
  })

  test('what a client wrote over several lines is one message', async (t) => {
    const { connection } = await connected(t, stdio({ command: process.execPath, args: [ECHO] }))
    const params = '{\r\n  "name": "echo",\n  "arguments": {\n    "text": "a\\nb"\n  }\n}'
    const signal = AbortSignal.timeout(20_000)
    const { text } = await connection.request({ method: 'tools/call', params: () => params, signal })
    assert.equal(text, '{"content":[{"type":"text","text":"a\\nb"}]}')
  })

  test('an error is the error of the server', async (t) => {
    const { connection } = await connected(t, stdio(stdioUpstream('error-answers')))
    await assert.rejects(call(connection), (error) => {
      assert.ok(error instanceof RelayedError)
      const { text, ...body } = error.error
      assert.deepEqual(body, { code: -32050, message: 'No.', data: { why: [1, 'x'] } })
      assert.deepEqual(JSON.parse(text ?? ''), body)
      return true
    })
  })

  test('progress in the same chunk as its result comes before it, whole and in order', async (t) => {
    const { connection, notifications } = await connected(t, stdio(stdioUpstream('progress-burst', { amount: 50 })))
    const order: string[] = []
    await connection
      .request({
        method: 'tools/call',
        params: (id) => `{"name":"echo","arguments":{},"_meta":{"progressToken":${id}}}`,
        signal: AbortSignal.timeout(20_000),
        onNotification: ({ params }) => order.push(String((JSON.parse(params) as { progress: number }).progress)),
      })
      .then(() => order.push('result'))
    assert.deepEqual(order, [...Array.from({ length: 50 }, (_, n) => `${n + 1}`), 'result'])
    assert.deepEqual(notifications, [])
  })

  test('what belongs to no request goes to the handlers', async (t) => {
    const { connection, notifications } = await connected(t, stdio(stdioUpstream('changes-tools')))
    await call(connection)
    assert.deepEqual(notifications, [
      { method: 'notifications/tools/list_changed', params: '{}' },
    ] as ServerNotification[])
  })

  test('a question of the server is answered with the text of the answer', async (t) => {
    const answer = '{"role":"assistant","content":{"type":"text","text":"\\u0061"},"model":"m","n":1.0}'
    const { connection, requests } = await connected(t, stdio(stdioUpstream('asks-in-call')), {
      onRequest: () => Promise.resolve(new RelayedResult(answer)),
    })
    const said = JSON.parse(await call(connection)) as { content: { text: string }[] }
    assert.equal(said.content[0]?.text, `{"jsonrpc":"2.0","id":"ask-1","result":${answer}}`)
    assert.equal(requests[0]?.method, 'sampling/createMessage')
  })

  for (const [title, error, expected] of [
    [
      'as it came',
      new RelayedError('client', { code: -1, message: 'User rejected' }),
      { code: -1, message: 'User rejected' },
    ],
    ['without details of ours', new Error('secret'), { code: -32603, message: 'The client could not answer.' }],
  ] as const)
    test(`a question that fails is answered with the error ${title}`, async (t) => {
      const { connection } = await connected(t, stdio(stdioUpstream('asks-in-call')), {
        onRequest: () => Promise.reject(error),
      })
      const said = JSON.parse(await call(connection)) as { content: { text: string }[] }
      assert.deepEqual((JSON.parse(said.content[0]?.text ?? '') as { error: unknown }).error, expected)
    })

  test('a call that is withdrawn ends at once, and its late answer is nobody’s', async (t) => {
    const { connection } = await connected(t, stdio(stdioUpstream('slow-list', { amount: 50 })))
    const controller = new AbortController()
    const reason = new Error('withdrawn')
    const listing = connection.request({ method: 'tools/list', params: () => '{}', signal: controller.signal })
    assert.equal(connection.running, 1)
    controller.abort(reason)
    await assert.rejects(listing, reason)
    assert.equal(connection.running, 0)
    assert.match(await ask(connection, 'tools/list'), /echo/)
  })

  test('a server that does not read is not sent more and more', async (t) => {
    const { connection } = await connected(t, stdio(stdioUpstream('blocks')))
    const text = 'x'.repeat(1 << 20)
    const outcomes = Array.from({ length: 24 }, () => call(connection, text).catch((error: unknown) => error))
    const refused = await Promise.race(outcomes)
    assert.ok(fault('unavailable', /files does not read what it is sent/)(refused))
    await connection.close()
    assert.ok((await Promise.all(outcomes)).every((outcome) => outcome instanceof Error))
  })

  test('closing ends what runs, and the process', async (t) => {
    const { connection, spawned, closed } = await connected(t, stdio(stdioUpstream('hangs-in-call')))
    const running = call(connection)
    await Promise.all([assert.rejects(running, fault('unavailable', /the hub closed/)), connection.close()])
    assert.ok(await spawned[0]?.ended)
    const said = await Promise.race([closed, delay(0, 'nothing')])
    assert.equal(said, 'nothing', 'whoever closes it knows')
  })
})
