import { deepEqual, equal, ok } from 'node:assert/strict'
import * as fc from 'fast-check'
import ipaddr from 'ipaddr.js'
import { createAuthenticate } from '../../src/adapters/http/authenticate.ts'
import { createAddressOf, createIsProxy } from '../../src/adapters/http/client-address.ts'
import { readForwardedFor } from '../../src/adapters/http/forwarded.ts'
import { createGuard } from '../../src/adapters/http/guard.ts'
import { requireJsonType } from '../../src/adapters/http/read-json.ts'
import { readEventId } from '../../src/adapters/mcp/event-stream.ts'
import { pageOf } from '../../src/adapters/mcp/page.ts'
import { patienceMs } from '../../src/adapters/rest/patience.ts'
import { coercionsOf, readQuery } from '../../src/adapters/rest/query.ts'
import { createRoutes } from '../../src/adapters/rest/routes.ts'
import { createIdentity } from '../../src/kernel/identity.ts'
import { RpcError } from '../../src/kernel/mcp/message.ts'
import { decodeHeaderValue, encodeHeaderValue } from '../../src/kernel/mcp/param-headers.ts'
import type { Entry } from '../../src/kernel/registry.ts'
import type { Target } from '../target.ts'
import { faultOr, joined, partsOf } from '../expect.ts'

const OWNER_TOKEN = 'alicia_owner_0123456789'
const identity = createIdentity(OWNER_TOKEN)
const address = fc.oneof(
  fc.ipV4(),
  fc.ipV6(),
  fc.ipV6().map((ip) => `[${ip}]:80`),
  fc.constantFrom('unknown', '_hidden'),
)
const addressOf = createAddressOf(createIsProxy(['10.0.0.0/8', '127.0.0.1', 'fd00::/8']))
const guard = createGuard({ hosts: ['alicia.lan'], origins: ['https://home.example'] })

const forwarded = fc
  .array(
    fc
      .record({ for: address, more: fc.constantFrom('', ';proto=https', ';by=_x;host="a b"') })
      .map(({ for: node, more }) => `for="${node}"${more}`),
    { minLength: 1, maxLength: 5 },
  )
  .map((hops) => hops.join(', '))

/** A hop for every part of the header that a comma outside quotes ends. */
function hopsOf(header: string): number {
  return header.replaceAll(/"(?:[^"\\]|\\.)*"/g, '').split(',').length
}

const SCHEMA = {
  type: 'object',
  properties: {
    text: { type: 'string' },
    count: { type: 'integer' },
    on: { type: 'boolean' },
    tags: { type: 'array', items: { anyOf: [{ type: 'string' }, { type: 'null' }] } },
    any: {},
    self: { $ref: '#/properties/self' },
    part: { $ref: '#/$defs/part~1a' },
  },
  $defs: { 'part/a': { type: ['object', 'null'] } },
}
const tool = { name: 'demo.thing', inputSchema: SCHEMA }
const coercions = coercionsOf(tool)

const entry = (name: string, path?: string) =>
  ({ name, tool: { name, ...(path !== undefined && { route: { method: 'GET', path } }) } }) as unknown as Entry
const routes = createRoutes(
  [entry('demo.one', '/devices/{id}'), entry('demo.two', '/devices/{id}/{part}'), entry('demo.all')],
  ['/api'],
)

const LIST = ['a', 'b/c', '𝒳'].map((key) => ({ key, text: '{}' }))

export const HTTP_TARGETS: readonly Target[] = [
  {
    name: 'http/bearer',
    covers: ['src/adapters/http/authenticate.ts', 'src/kernel/identity.ts'],
    seeds: [`Bearer ${OWNER_TOKEN}`, 'bearer   abc==  ', 'Basic YTpi', 'Bearer a b', ''],
    tokens: ['Bearer ', OWNER_TOKEN],
    check(input) {
      const header = input.toString('latin1')
      // A new one each time: it looks at nobody's tokens any more after too many wrong ones.
      const caller = faultOr(() => createAuthenticate(identity)(header, 'rest'), 'unauthenticated')
      // Nobody but whoever shows that very token.
      if (caller) equal(/^bearer +(.*?) *$/i.exec(header)?.[1], OWNER_TOKEN)
    },
  },
  {
    name: 'http/forwarded',
    covers: ['src/adapters/http/forwarded.ts'],
    seeds: [
      'for=192.0.2.60;proto=http;by=203.0.113.43',
      'for="[2001:db8::1]:47", For=unknown',
      'host="a,b;\\"c";for=_x',
    ],
    generate: forwarded,
    check(input) {
      const header = input.toString('latin1')
      const hops = faultOr(() => readForwardedFor(header), 'invalid_request')
      if (hops) equal(hops.length, hopsOf(header))
    },
  },
  {
    name: 'http/client-address',
    covers: ['src/adapters/http/client-address.ts', 'src/adapters/http/forwarded.ts'],
    seeds: [
      joined(['10.0.0.1', 'for=192.0.2.1', '']),
      joined(['::ffff:10.0.0.2', '', '1.2.3.4, 10.9.9.9']),
      '192.0.2.7',
    ],
    generate: fc
      .tuple(
        fc.constantFrom('10.1.1.1', '::1', 'fd00::1', '8.8.8.8'),
        forwarded,
        fc.array(address).map((all) => all.join(', ')),
      )
      .map(joined),
    check(input) {
      const [peer = '', said = '', list = ''] = partsOf(input, 3)
      // A socket has an address or none.
      if (!ipaddr.isValid(peer)) return
      const request = {
        socket: { remoteAddress: peer },
        headers: { ...(said !== '' && { forwarded: said }), ...(list !== '' && { 'x-forwarded-for': list }) },
      } as unknown as Parameters<typeof addressOf>[0]
      const found = faultOr(() => addressOf(request), 'invalid_request')
      // It is the peer's, or an address in its one canonical form.
      if (found === undefined || found === peer.replace('::ffff:', '')) return
      equal(ipaddr.process(found).toString(), found)
      ok(!found.includes('%'))
    },
  },
  {
    name: 'http/guard',
    covers: ['src/adapters/http/guard.ts'],
    seeds: [
      joined(['localhost:8765', 'http://localhost:8765']),
      joined(['alicia.lan', 'https://home.example']),
      joined(['evil.example', '']),
    ],
    generate: fc
      .tuple(
        fc.oneof(
          fc.domain(),
          fc.ipV4(),
          fc.ipV6().map((ip) => `[${ip}]`),
        ),
        fc.webUrl(),
      )
      .map(joined),
    check(input) {
      const [host = '', origin = ''] = partsOf(input, 2)
      const passed = faultOr(() => {
        guard(host, origin === '' ? undefined : origin)
        return true
      }, 'forbidden')
      if (!passed) return
      const named = new URL(`http://${host}`).hostname
      ok(['localhost', 'alicia.lan'].includes(named) || /^[\d.]+$|^\[.*\]$/.test(named), `${host} was let in`)
      if (origin === '' || origin === 'https://home.example' || origin === `http://${host}`) return
      ok(['localhost', 'alicia.lan', '127.0.0.1', '[::1]'].includes(new URL(origin).hostname), `${origin} was let in`)
    },
  },
  {
    name: 'http/content-type',
    covers: ['src/adapters/http/read-json.ts'],
    seeds: ['application/json', 'application/problem+json; charset=utf-8', 'text/plain', 'application/json;;'],
    check(input) {
      const type = input.toString('latin1')
      const isJson = faultOr(() => {
        requireJsonType(type)
        return true
      }, 'unsupported_media')
      // A type that a page may send without asking first (Fetch, 3.2.2) is never one.
      if (isJson) ok(!/^(?:text\/plain|multipart\/form-data|application\/x-www-form-urlencoded)/i.test(type))
    },
  },
  {
    name: 'http/path',
    covers: ['src/adapters/rest/routes.ts'],
    seeds: ['/devices/lamp', '/devices/%E2%82%AC/a%2Fb', '/api/demo/all', '/devices/%zz', '/%64evices/x'],
    generate: fc
      .array(fc.string({ unit: 'grapheme', minLength: 1 }))
      .map((all) => ['/devices', ...all].map(encodeURIComponent).join('/').replace('%2F', '/')),
    check(input) {
      const path = input.toString('latin1')
      const found = faultOr(() => routes.match('GET', path), 'not_found', 'method_not_allowed', 'invalid_request')
      if (!found) return
      const texts = Object.values(found.inPath)
      deepEqual(
        texts.map((text) => decodeURIComponent(encodeURIComponent(text))),
        texts,
      )
      equal(path.split('/').length, found.entry.tool.route === undefined ? 4 : texts.length + 2)
    },
  },
  {
    name: 'http/query',
    covers: ['src/adapters/rest/query.ts'],
    seeds: [
      'text=a&count=5&on=true',
      'tags=a,b&tags=c',
      'tags=["a"]',
      'any={"a":[1]}',
      'part=null&self=1',
      'nope=1',
      '__proto__=1',
    ],
    tokens: ['text=', 'count=', 'on=', 'tags=', 'any=', 'self=', 'part=', '&', '%5B'],
    check(input) {
      const query = input.toString('latin1')
      const given = faultOr(() => readQuery(query, tool, coercions), 'invalid_input')
      if (!given) return
      const named = new URLSearchParams(query)
      deepEqual(new Set(Object.keys(given)), new Set(named.keys()))
      const texts = named.getAll('text')
      if (texts.length > 0) deepEqual([given['text']].flat(), texts)
      if ('count' in given) ok(['number', 'string', 'object'].includes(typeof given['count']))
    },
  },
  {
    name: 'http/patience',
    covers: ['src/adapters/rest/patience.ts'],
    seeds: [
      joined(['500', 'respond-async, wait=10']),
      joined(['', 'wait="3"; x']),
      joined(['-1', '']),
      joined(['1e3', 'wait=1']),
    ],
    check(input) {
      const [own = '', prefer = ''] = partsOf(input, 2)
      const headers = new Map([
        ['x-request-timeout-ms', own],
        ['prefer', prefer],
      ])
      const get = (name: string) => headers.get(name) || null
      const ms = faultOr(() => patienceMs({ get }), 'invalid_request')
      if (ms !== undefined) ok(Number.isSafeInteger(ms) && ms > 0)
    },
  },
  {
    name: 'http/event-id',
    covers: ['src/adapters/mcp/event-stream.ts'],
    seeds: ['stream_1', 'a_b_20', '_1', 'x_', 'x_1e3', 'x_-1'],
    check(input) {
      const id = input.toString()
      const read = readEventId(id)
      // Whatever reads as an id is spelt in the one way in which ids are given.
      if (read) equal(`${read.name}_${read.number}`, id)
    },
  },
  {
    name: 'http/cursor',
    covers: ['src/adapters/mcp/page.ts'],
    seeds: ['YQ', 'Yi9j', 'YQ==', '', '!!!!', '8J2Ssw'],
    check(input) {
      try {
        ok(pageOf('tools', LIST, { cursor: input.toString() }).startsWith('"tools":['))
      } catch (error) {
        ok(error instanceof RpcError, String(error))
      }
    },
  },
  {
    name: 'http/header-value',
    covers: ['src/kernel/mcp/param-headers.ts'],
    seeds: ['plain', '=?base64?w6Q=?=', '=?base64?####?=', ' leading', 'ä', '=?base64?=?='],
    generate: fc.string({ unit: 'grapheme' }),
    check(input) {
      const text = input.toString()
      const encoded = encodeHeaderValue(text)
      ok(/^[\t\x20-\x7e]*$/.test(encoded), 'it does not fit into a header')
      equal(decodeHeaderValue(encoded), text)
      decodeHeaderValue(text)
    },
  },
]
