import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import { cleanUps } from '../../src/testing/mqtt-toolkit.ts'
import { startHub, type TestHub } from '../support/hub.ts'
import { rawAnswers, statusesOf } from './support/raw.ts'

const JSON_TYPE = 'Content-Type: application/json'
const LAST = 'Connection: close'

suite('requests that two readers could read in two ways', () => {
  const ending = cleanUps()
  let hub: TestHub
  before(async () => (hub = await startHub(ending)))
  after(() => ending.run())

  const own = () => `Authorization: Bearer ${hub.token}`
  /** A call that works, with other lines in the place of the usual ones. */
  const call = (lines: readonly string[], body = '{}', target = '/api/health/list_services', version = '1.1') =>
    `${[`POST ${target} HTTP/${version}`, ...lines, LAST].join('\r\n')}\r\n\r\n${body}`
  const usual = () => ['Host: localhost', own(), JSON_TYPE]
  const sized = (...more: string[]) => [...usual(), 'Content-Length: 2', ...more]
  const chunked = (...more: string[]) => [...usual(), 'Transfer-Encoding: chunked', ...more]
  const CHUNKS = '2\r\n{}\r\n0\r\n\r\n'

  test('the same with nothing wrong is answered', async () => {
    assert.deepEqual(await statusesOf(hub, call(sized())), [200])
    assert.deepEqual(await statusesOf(hub, call(chunked(), CHUNKS)), [200])
  })

  const refused: [attack: string, bytes: () => string, status: number][] = [
    ['length and chunks', () => call(sized('Transfer-Encoding: chunked'), CHUNKS), 400],
    ['chunks and length', () => call(chunked('Content-Length: 12'), CHUNKS), 400],
    ['two lengths', () => call(sized('Content-Length: 3')), 400],
    ['a length twice', () => call(sized('Content-Length: 2')), 400],
    ...['2, 2', '+2', '-1', '0x2', '2 2', '', '99999999999999999999999'].map(
      (length): [string, () => string, number] => [
        `a length of ${length === '' ? 'nothing' : length}`,
        () => call([...usual(), `Content-Length: ${length}`]),
        400,
      ],
    ),
    ...['xchunked', 'chunked, identity', 'identity, chunked', 'gzip, chunked', 'identity', '"chunked"'].map(
      (coding): [string, () => string, number] => [
        `the coding ${coding}`,
        () => call([...usual(), `Transfer-Encoding: ${coding}`], CHUNKS),
        400,
      ],
    ),
    ['two codings', () => call(chunked('Transfer-Encoding: identity'), CHUNKS), 400],
    ['a blank before the colon', () => call([...usual(), 'Transfer-Encoding : chunked'], CHUNKS), 400],
    ['chunks in HTTP/1.0', () => call(chunked(), CHUNKS, undefined, '1.0'), 400],
    ['more in a chunk than it says', () => call(chunked(), '2\r\n{}x\r\n0\r\n\r\n'), 400],
    ['a chunk of negative length', () => call(chunked(), '-2\r\n{}\r\n0\r\n\r\n'), 400],
    ['a chunk longer than numbers are', () => call(chunked(), `${'f'.repeat(30)}\r\n{}\r\n0\r\n\r\n`), 400],
    ['chunks with line feeds alone', () => call(chunked(), '2\n{}\n0\n\n'), 400],
    ['a chunk with a long extension', () => call(chunked(), `2;${'a'.repeat(20_000)}\r\n{}\r\n0\r\n\r\n`), 413],
    [
      'a token that comes after the body',
      () =>
        call(
          ['Host: localhost', JSON_TYPE, 'Transfer-Encoding: chunked', 'Trailer: Authorization'],
          `2\r\n{}\r\n0\r\n${own()}\r\n\r\n`,
        ),
      401,
    ],
    ['a line that goes on in the next', () => call(sized('X-A: a\r\n b')), 400],
    [
      'a token that goes on in the next line',
      () => call(['Host: localhost', `Authorization: Bearer\r\n ${hub.token}`, JSON_TYPE, 'Content-Length: 2']),
      400,
    ],
    ['line feeds alone', () => call(sized()).replaceAll('\r\n', '\n'), 400],
    ['a carriage return within a line', () => call(sized('X-A: a\rAuthorization: Bearer x')), 400],
    ['a zero byte in a value', () => call(sized('X-A: a\u0000b')), 400],
    ['a zero byte in a name', () => call(sized('X\u0000A: b')), 400],
    ['two hosts, the hub’s own first', () => call(sized('Host: evil.example')), 400],
    ['two hosts, the hub’s own last', () => call(['Host: evil.example', ...sized()]), 400],
    ['the same host twice', () => call(sized('Host: localhost')), 400],
    ['two origins', () => call(sized('Origin: http://localhost', 'Origin: http://evil.example')), 400],
    ['two tokens, a wrong one last', () => call(sized('Authorization: Bearer wrong')), 400],
    ['two tokens, a wrong one first', () => call(['Authorization: Bearer wrong', ...sized()]), 400],
    ['two types', () => call(sized('Content-Type: text/plain')), 400],
    ['a compressed body', () => call(sized('Content-Encoding: gzip')), 415],
    ['no host', () => call([own(), JSON_TYPE, 'Content-Length: 2']), 400],
    ['no host in HTTP/1.0', () => call([own(), JSON_TYPE, 'Content-Length: 2'], '{}', undefined, '1.0'), 403],
    ['a target of another name', () => call(sized(), '{}', 'http://evil.example/api/health/list_services'), 400],
    ['a target of another name, for MCP', () => call(sized(), '{}', 'http://evil.example/mcp'), 400],
    ['a target with a login', () => call(sized(), '{}', 'http://a:b@localhost/api/health/list_services'), 400],
    [
      'a target that begins with two slashes',
      () => call(sized(), '{}', '//evil.example/api/health/list_services'),
      404,
    ],
    ['a target with a blank', () => call(sized(), '{}', '/api/health/list_services x'), 400],
    ['a target with a zero byte', () => call(sized(), '{}', '/api/health\u0000/list_services'), 400],
    ['a target with raw bytes', () => call(sized(), '{}', '/\u00FF\u00FE'), 400],
    ['a method of another protocol', () => `PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n`, 400],
    ['another version', () => call(sized(), '{}', undefined, '9.9'), 400],
    ['a method that echoes', () => `TRACE / HTTP/1.1\r\n${sized(LAST).join('\r\n')}\r\n\r\n{}`, 405],
    [
      'another protocol on the connection',
      () =>
        `GET /api HTTP/1.1\r\nHost: localhost\r\n${own()}\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n`,
      404,
    ],
    ['an expectation', () => call(sized('Expect: 200-ok')), 417],
    [
      'another address in a header, without a token',
      () =>
        call(['Host: localhost', JSON_TYPE, 'Content-Length: 2', 'X-Original-URL: /health', 'X-Rewrite-URL: /health']),
      401,
    ],
  ]
  for (const [attack, bytes, status] of refused)
    test(`${attack}: ${status}`, async () => {
      const [first, ...more] = await statusesOf(hub, bytes())
      assert.equal(first, status)
      assert.ok(
        more.every((other) => other === 400),
        `what followed was answered, too: ${more.join()}`,
      )
    })

  test('a proxy to nowhere: the connection ends', async () =>
    assert.deepEqual(await statusesOf(hub, 'CONNECT evil.example:80 HTTP/1.1\r\nHost: localhost\r\n\r\n'), []))

  test('a request in the body of another is a body', async () => {
    const inner = `POST /api/people/add_person HTTP/1.1\r\nHost: localhost\r\n${own()}\r\n\r\n`
    const outer = ['GET /api HTTP/1.1', 'Host: localhost', `Content-Length: ${inner.length}`, LAST].join('\r\n')
    assert.deepEqual(await statusesOf(hub, `${outer}\r\n\r\n${inner}`), [200])
  })

  test('what follows a refused request on its connection is not answered', async () => {
    const next = 'GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n'
    const first = call(['Host: evil.example', JSON_TYPE, 'Content-Length: 0'], '').replace(LAST, 'X: y')
    assert.deepEqual(await statusesOf(hub, first + next), [403])
  })

  test('where a request comes from, and how, nobody can say but a proxy that is trusted', async () => {
    const said = [
      'X-Forwarded-For: 203.0.113.9',
      'Forwarded: for=203.0.113.9;host=evil.example;proto=https',
      'X-Forwarded-Host: evil.example',
      'X-Forwarded-Proto: https',
      'X-HTTP-Method-Override: DELETE',
    ]
    const answer = await rawAnswers(
      hub,
      call(['Host: localhost', JSON_TYPE, 'Content-Length: 2', ...said], '{}', '/mcp'),
    )
    assert.match(answer, /^HTTP\/1\.1 401 /)
    assert.doesNotMatch(answer, /evil\.example|https:/)
    const found = await rawAnswers(
      hub,
      `GET /oauth/authorize?x HTTP/1.1\r\nHost: localhost\r\n${said.join('\r\n')}\r\n${LAST}\r\n\r\n`,
    )
    assert.doesNotMatch(found, /evil\.example|https:/)
    const { entries } = await hub.result('audit.search_audit')
    assert.doesNotMatch(JSON.stringify(entries), /203\.0\.113\.9/)
  })

  for (const [header, value] of [
    ['Mcp-Session-Id', 'a'],
    ['MCP-Protocol-Version', '2025-06-18'],
  ])
    test(`two ${header} headers are none that is known`, async () => {
      const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list', params: {} })
      const lines = [...usual(), `Content-Length: ${body.length}`, `${header}: ${value}`, `${header}: 2026-07-28`]
      const [status = 0] = await statusesOf(hub, call(lines, body, '/mcp'))
      assert.ok([400, 404].includes(status), String(status))
    })

  test('headers of an answer are the hub’s: nothing that is sent breaks into them', async () => {
    for (const target of [
      '/docs%0d%0aX-Evil:%201',
      '/oauth/authorize?state=%0d%0aX-Evil:%201',
      '/oauth/authorize%0d%0aX-Evil:1',
    ])
      for (const host of ['localhost', '127.0.0.1'])
        assert.doesNotMatch(
          await rawAnswers(
            hub,
            `GET ${target} HTTP/1.1\r\nHost: ${host}:${new URL(hub.urls.http).port}\r\n${LAST}\r\n\r\n`,
          ),
          /^x-evil/im,
        )
  })

  test('the hub is well', async () => assert.equal((await hub.call('health.list_services')).status, 200))
})
