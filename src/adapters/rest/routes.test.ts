import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { z } from 'zod'
import { operation } from '../../kernel/operation.ts'
import type { Route } from '../../kernel/tool.ts'
import { testDoor } from '../../testing/hub.ts'
import { createRoutes } from './routes.ts'

const at = (name: `${string}.${string}`, method: Route['method'], path: Route['path']) =>
  operation()({
    name,
    summary: 'Is found.',
    scope: null,
    effect: 'read',
    route: { method, path },
    input: z.object({}),
    output: z.object({}),
    handler: async () => ({}),
  }).bind({})

const tools = [
  at('a.any', 'GET', '/things/{kind}/{id}'),
  at('a.one', 'GET', '/things/{id}'),
  at('b.config', 'GET', '/things/{id}/config'),
  at('b.list', 'GET', '/things'),
  at('b.special', 'GET', '/things/special'),
  at('c.change', 'PUT', '/things/{id}'),
]

suite('routes', () => {
  const found = [
    ['GET', '/things', 'b.list', {}],
    ['GET', '/things/special', 'b.special', {}],
    ['GET', '/things/spe%63ial', 'b.special', {}],
    ['GET', '/things/7', 'a.one', { id: '7' }],
    ['PUT', '/things/7', 'c.change', { id: '7' }],
    ['PUT', '/things/special', 'c.change', { id: 'special' }],
    ['GET', '/things/7/config', 'b.config', { id: '7' }],
    ['GET', '/things/lamp/7', 'a.any', { kind: 'lamp', id: '7' }],
    ['GET', '/things/a%2Fb', 'a.one', { id: 'a/b' }],
    ['GET', '/things/%7Bid%7D', 'a.one', { id: '{id}' }],
    ['GET', '/things/__proto__', 'a.one', { id: '__proto__' }],
    ['HEAD', '/things', 'b.list', {}],
    ['POST', '/api/b/special', 'b.special', {}],
  ] as const
  // Whoever registers first must not decide who is found.
  for (const entries of [testDoor(tools).registry.list(), testDoor(tools).registry.list().toReversed()]) {
    const routes = createRoutes(entries, [])
    for (const [method, path, name, inPath] of found)
      test(`${method} ${path}`, () => {
        const match = routes.match(method, path)
        assert.equal(match.entry.tool.name, name)
        assert.deepEqual(match.inPath, inPath)
      })
  }

  const routes = createRoutes(testDoor(tools).registry.list(), ['/docs'], () => 'new is still starting or down.')
  const refused = [
    ['GET', '/', 'not_found', /GET \/api/],
    ['GET', '/things/', 'not_found', /\/things/],
    ['GET', '/doc', 'not_found', /\/docs/],
    ['POST', '/api/new/echo', 'not_found', /new is still starting or down/],
    ['GET', '/things/1/2/3', 'not_found', /nothing at/],
    ['PUT', '/things', 'method_not_allowed', /GET, HEAD/],
    ['DELETE', '/things/special', 'method_not_allowed', /GET, HEAD, PUT/],
    ['GET', `/${'x'.repeat(10_000)}`, 'not_found', /nothing at/],
    ['GET', '/things/%', 'invalid_request', /percent/],
  ] as const
  for (const [method, path, code, says] of refused)
    test(`refuses ${method} ${path.slice(0, 20)}`, () =>
      assert.throws(
        () => routes.match(method, path),
        (fault: Error & { code: string; hint?: string }) =>
          fault.code === code && says.test(`${fault.message} ${fault.hint}`) && fault.message.length < 300,
      ))
})
