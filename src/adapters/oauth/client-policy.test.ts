import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import * as fc from 'fast-check'
import { mayFetchDocument } from './client-documents.ts'
import { redirectKind } from './client-policy.ts'
import { resourcePath } from './resources.ts'
import { scopeText } from './scope-text.ts'

suite('what clients may say of themselves', () => {
  const redirects = [
    ['https://app.example/callback', 'web'],
    ['http://127.0.0.1:1234/callback', 'loopback'],
    ['http://localhost/callback', 'loopback'],
    ['http://[::1]:8080/', 'loopback'],
    ['com.example.app:/callback', 'app'],
    ['cursor://anysphere.cursor-mcp/oauth/callback', 'app'],
    ['http://192.168.1.5/callback', undefined],
    ['http://localhost.evil.example/', undefined],
    ['https://127.0.0.1/', undefined],
    ['javascript:alert(1)', undefined],
    ['JAVASCRIPT:alert(1)', undefined],
    ['data:text/html,x', undefined],
    ['blob:https://app.example/x', undefined],
    ['about:blank', undefined],
    ['https://app.example/#', undefined],
    ['https://me@app.example/', undefined],
    ['', undefined],
  ] as const
  for (const [uri, kind] of redirects)
    test(`${uri || 'nothing'} leads to ${kind ?? 'nowhere'}`, () => assert.equal(redirectKind(uri), kind))

  test('no text leads to a scheme that runs or reads something', () =>
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.webUrl(),
          fc.string().map((rest) => `file:${rest}`),
        ),
        (uri) => {
          const kind = redirectKind(uri)
          if (kind !== undefined)
            assert.doesNotMatch(new URL(uri).protocol, /^(?:javascript|data|file|blob|about|vbscript):$/)
        },
      ),
    ))

  const documents: readonly [string, readonly string[], boolean][] = [
    ['https://app.example/client.json', ['*'], true],
    ['https://app.example/client.json', ['app.example'], true],
    ['https://a.app.example/client.json', ['*.app.example'], true],
    ['https://app.example/client.json', ['*.app.example'], false],
    ['https://evilapp.example/client.json', ['*.app.example', 'app.example'], false],
    ['https://app.example.evil.example/c', ['app.example'], false],
    ['https://app.example/client.json', [], false],
    ['https://app.example/', ['*'], false],
    ['https://app.example', ['*'], false],
    ['http://app.example/client.json', ['*'], false],
    ['https://app.example/a/../client.json', ['*'], false],
    ['https://APP.example/client.json', ['*'], false],
    ['https://app.example@evil.example/c', ['app.example'], false],
  ]
  for (const [clientId, hosts, may] of documents)
    test(`${clientId} is ${may ? '' : 'not '}asked for where ${hosts.join(', ') || 'nobody'} may`, () =>
      assert.equal(mayFetchDocument(clientId, hosts), may))

  const paths = [
    ['', ''],
    ['/', ''],
    ['/mcp', '/mcp'],
    ['/api/v1/mcp/', '/mcp'],
    ['/sse', '/mcp'],
    ['/mcp/kids', '/mcp/kids'],
    ['/api/v1/mcp/kids', '/mcp/kids'],
    ['/mcp/others', undefined],
    ['/mcp/kids/x', undefined],
    ['/mcp/..', undefined],
    ['/elsewhere', undefined],
  ] as const
  for (const [path, own] of paths)
    test(`the resource at ${path || 'the root'} is ${own ?? 'none'}`, () =>
      assert.equal(
        resourcePath(path, (name) => name === 'kids'),
        own,
      ))

  test('a scope is words, with its bounds', () => {
    const { title, within, isEverything } = scopeText('mqtt:write@room/kitchen', { list: () => [] })
    assert.deepEqual([title, within, isEverything], ['Change devices and messages on MQTT', 'room kitchen', false])
    assert.equal(scopeText('*', { list: () => [] }).isEverything, true)
  })
})
