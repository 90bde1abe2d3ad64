import assert from 'node:assert/strict'
import type { IncomingMessage } from 'node:http'
import { suite, test } from 'node:test'
import { requireOneMeaning } from './request-form.ts'

/** As Node makes it: of several of these headers, `headers` has the first. */
function asked(lines: readonly string[], url = '/api', httpVersion = '1.1') {
  const rawHeaders = lines.flatMap((line) => line.split(': '))
  const headers: Record<string, string> = {}
  for (let at = 0; at < rawHeaders.length; at += 2)
    headers[(rawHeaders[at] ?? '').toLowerCase()] ??= rawHeaders[at + 1] ?? ''
  return { rawHeaders, headers, url, httpVersion } as unknown as IncomingMessage
}

suite('what two readers could understand in two ways', () => {
  const host = 'Host: localhost:1'
  const refused: [why: string, lines: string[], url?: string, version?: string][] = [
    ['two hosts', [host, 'Host: evil.example']],
    ['two hosts that are the same', [host, host]],
    ['two hosts, of another case', [host, 'hOST: evil.example']],
    ['two tokens', [host, 'Authorization: Bearer a', 'authorization: Bearer b']],
    ['two origins', [host, 'Origin: http://localhost:1', 'Origin: http://evil.example']],
    ['two types', [host, 'Content-Type: application/json', 'content-type: text/plain']],
    ['two codings', [host, 'Transfer-Encoding: chunked', 'Transfer-Encoding: identity']],
    ['another coding', [host, 'Transfer-Encoding: gzip, chunked']],
    ['a coding that is none', [host, 'Transfer-Encoding: identity']],
    ['chunks in HTTP/1.0', [host, 'Transfer-Encoding: chunked'], '/api', '1.0'],
    ['a target of another name', [host], 'http://evil.example/api'],
    ['a target of another port', [host], 'http://localhost:2/api'],
    ['a target with a login', [host], 'http://a:b@localhost:1/api'],
    ['a target of another scheme', [host], 'ftp://localhost:1/api'],
    ['a target that is none', [host], 'api'],
  ]
  for (const [why, lines, url, version] of refused)
    test(`${why}: refused`, () =>
      assert.throws(() => requireOneMeaning(asked(lines, url, version)), { code: 'invalid_request' }))

  test('a compressed body: refused, for it is not unpacked', () =>
    assert.throws(() => requireOneMeaning(asked([host, 'Content-Encoding: gzip'])), { code: 'unsupported_media' }))

  const letIn: [lines: string[], url: string, path: string][] = [
    [[host, 'Accept: a', 'Accept: b', 'X-Forwarded-For: 1', 'X-Forwarded-For: 2'], '/api', '/api'],
    [[host, 'Transfer-Encoding: Chunked'], '//evil.example/api?x', '//evil.example/api?x'],
    [[host], '*', '*'],
    [[host], 'http://LOCALHOST:1/api?a=http://x', '/api?a=http://x'],
    [[host], 'http://localhost:1', '/'],
    [['host: home.example'], 'http://home.example:80/a', '/a'],
  ]
  for (const [lines, url, path] of letIn)
    test(`${url} of ${lines.join(', ')}: ${path}`, () => {
      const request = asked(lines, url)
      requireOneMeaning(request)
      assert.equal(request.url, path)
    })
})
