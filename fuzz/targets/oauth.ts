import { deepEqual, equal, ok } from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import * as fc from 'fast-check'
import { decodeJwt, decodeProtectedHeader } from 'jose'
import { mayFetchDocument } from '../../src/adapters/oauth/client-documents.ts'
import { narrowClient, redirectKind } from '../../src/adapters/oauth/client-policy.ts'
import { html } from '../../src/adapters/oauth/pages/html.ts'
import { isSigned, issuerOf, readToken, signToken } from '../../src/engines/logins/access-token.ts'
import { audienceOf } from '../../src/engines/logins/audience.ts'
import { readRefreshToken, writeRefreshToken } from '../../src/engines/logins/refresh-token.ts'
import { addressKind } from '../../src/gateway/oauth/address.ts'
import { readChallenge } from '../../src/gateway/oauth/challenge.ts'
import { bearerChallenge } from '../../src/kernel/bearer.ts'
import { fitsTemplate } from '../../src/kernel/mcp/uri-template.ts'
import { networkOf } from '../../src/kernel/network-of.ts'
import { boundsFor, covers, intersect, isGrant, mayUse, parseGrant } from '../../src/kernel/scope.ts'
import type { Target } from '../target.ts'
import { jsonOf, joined, partsOf } from '../expect.ts'

const { privateKey, publicKey } = generateKeyPairSync('ed25519')
const CLAIMS = {
  iss: 'https://home.example',
  sub: 'person-anna',
  aud: 'https://home.example/mcp/kids',
  exp: 2_000_000_600,
  iat: 2_000_000_000,
  jti: 'one',
  client_id: 'phone',
  scope: 'mqtt:read *@profile/kids',
  sid: 'login-one',
}
const good = signToken(CLAIMS, { kid: 'own', key: privateKey })
const [, , goodSignature = ''] = good.split('.')
const jwt = (header: unknown, claims: unknown, signature = goodSignature) =>
  [JSON.stringify(header), JSON.stringify(claims)]
    .map((text) => Buffer.from(text ?? '').toString('base64url'))
    .join('.') + `.${signature}`

const scope = fc.oneof(
  fc.constantFrom('*', 'mqtt:*', 'mqtt:read', 'mqtt:write', 'mcp:files'),
  fc.stringMatching(/^[a-z][a-z0-9_-]{0,3}:(\*|[a-z]{1,3})$/),
)
const bound = fc
  .tuple(fc.constantFrom('operation', 'profile', 'room', 'device'), fc.constantFrom('a', 'b', 'é', 'x.y'))
  .map(([kind, name]) => `@${kind}/${name}`)
const grant = fc.tuple(scope, fc.array(bound, { maxLength: 3 })).map(([text, bounds]) => text + bounds.join(''))
const grants = fc.array(grant, { maxLength: 4 }).map((all) => all.join(' '))

const parameter = fc.tuple(
  fc.constantFrom('realm', 'error', 'scope', 'resource_metadata', 'Scope', 'x'),
  fc.oneof(fc.webUrl(), fc.string({ maxLength: 8 })),
)
const challenge = fc
  .array(fc.tuple(fc.constantFrom('Bearer', 'Basic', 'bearer', 'Digest'), fc.array(parameter, { maxLength: 4 })), {
    maxLength: 3,
  })
  .map((schemes) =>
    schemes
      .map(([scheme, all]) => `${scheme} ${all.map(([key, value]) => `${key}=${JSON.stringify(value)}`).join(', ')}`)
      .join(', '),
  )

/** The template filled in as RFC 6570, 3.2.2 says: what the parser has to recognise. */
const expanded = (template: string, value: string) => template.replaceAll(/\{[^{}]*\}/g, encodeURIComponent(value))

const origins = { preferred: 'https://home.example', includes: (origin: string) => origin === 'https://home.example' }

export const OAUTH_TARGETS: readonly Target[] = [
  {
    name: 'oauth/challenge',
    covers: ['src/gateway/oauth/challenge.ts'],
    seeds: [
      'Bearer realm="a", error="invalid_token", scope="a b", resource_metadata="https://a.example/x"',
      'Basic realm="x", Bearer scope=a, Digest nonce="\\""',
      'Bearer',
      'Negotiate abc==, Bearer error="x"',
    ],
    generate: challenge,
    tokens: ['Bearer ', 'scope=', 'error=', 'resource_metadata="https://a.example"', ', ', '\\"'],
    check(input) {
      const header = input.toString('latin1')
      const found = readChallenge(header)
      const length = (found.error?.length ?? 0) + (found.scope?.length ?? 0)
      ok(length <= header.length)
      if (!/bearer/i.test(header)) deepEqual(found, {})
    },
  },
  {
    name: 'oauth/own-challenge',
    covers: ['src/gateway/oauth/challenge.ts', 'src/kernel/bearer.ts'],
    seeds: [joined(['mqtt:read', 'https://home.example/.well-known/x']), joined(['*', ''])],
    generate: fc.tuple(scope, fc.webUrl()).map(joined),
    check(input) {
      const [wanted = '', metadata = ''] = partsOf(input, 2)
      const url = URL.parse(metadata)
      const metadataUrl = url?.protocol === 'https:' ? url.href : undefined
      // Only what the hub itself would write: the scope of an operation, an address on the web.
      if (!isGrant(wanted) || wanted.includes('@')) return
      const written = bearerChallenge({ error: 'insufficient_scope', scope: wanted, metadataUrl })
      const read = readChallenge(written)
      deepEqual([read.error, read.scope, read.resourceMetadata?.href], ['insufficient_scope', wanted, metadataUrl])
    },
  },
  {
    name: 'oauth/grants',
    covers: ['src/kernel/scope.ts'],
    seeds: [
      joined(['mqtt:*@room/kitchen *', 'mqtt:read@room/kitchen', 'mqtt:read']),
      joined(['a:b@device/x@device/y', '*', 'a:b']),
    ],
    generate: fc.tuple(grants, grants, scope).map(joined),
    tokens: ['@room/', '@profile/', '@operation/', '@device/', ':*', '*', ' '],
    longestBytes: 512,
    check(input) {
      const [one = '', other = '', wanted = ''] = partsOf(input, 3)
      const [some, others] = [one.split(' ').slice(0, 8), other.split(' ').slice(0, 8)]
      const both = intersect(some, others)
      for (const each of both) {
        ok(isGrant(each), `${each} is no grant`)
        ok(covers(some, each) && covers(others, each), `${each} is more than both give`)
      }
      deepEqual(new Set(intersect(others, some)), new Set(both))
      // Who may use it by both may use it by each.
      if (isGrant(wanted) && mayUse(both, wanted)) ok(mayUse(some, wanted) && mayUse(others, wanted))
      if (isGrant(wanted) && mayUse(some, wanted) && mayUse(others, wanted)) ok(mayUse(both, wanted))
      for (const text of some.filter(isGrant)) {
        const { scope: read, bounds } = parseGrant(text)
        equal(read + bounds.map(({ kind, name }) => `@${kind}/${name}`).join(''), text)
        ok(covers([text], text))
        ok(boundsFor([text], wanted).length <= 1)
      }
    },
  },
  {
    name: 'oauth/access-token',
    covers: ['src/engines/logins/access-token.ts', 'src/engines/logins/base64url.ts'],
    seeds: [
      good,
      jwt({ alg: 'none' }, CLAIMS),
      jwt({ alg: 'EdDSA', typ: 'at+jwt', kid: 'own', jwk: {} }, CLAIMS),
      'a.b.c',
      '...',
    ],
    generate: fc
      .record({
        header: fc.oneof(fc.constant({ alg: 'EdDSA', typ: 'at+jwt', kid: 'own' }), fc.object({ maxDepth: 1 })),
        claims: fc.oneof(
          fc.constant(CLAIMS),
          fc.object({ maxDepth: 1 }).map((more) => ({ ...CLAIMS, ...more })),
        ),
      })
      .map(({ header, claims }) => jwt(header, claims)),
    tokens: ['eyJ', '.', '=', goodSignature],
    longestBytes: 8192,
    check(input) {
      const token = input.toString('latin1')
      const read = readToken(token)
      if (!read) return
      // Where ours reads a token, a certified library reads the same.
      deepEqual(decodeProtectedHeader(token), { alg: 'EdDSA', typ: 'at+jwt', kid: read.kid })
      const { iss, sub, aud, exp, iat } = decodeJwt(token)
      deepEqual(
        [iss, sub, aud, exp, iat],
        [read.claims.iss, read.claims.sub, read.claims.aud, read.claims.exp, read.claims.iat],
      )
      equal(issuerOf(token), iss)
      equal(isSigned(read, publicKey), token === good)
    },
  },
  {
    name: 'oauth/audience',
    covers: ['src/engines/logins/audience.ts'],
    seeds: [
      'https://home.example',
      'https://home.example/mcp/kids',
      'https://home.example/api/v1/mcp',
      'https://home.example.evil/',
      'https://home.example@evil/',
    ],
    tokens: ['https://home.example', '/mcp/', '/api/v1', '..', '%2e', '@', '\\'],
    check(input) {
      const aud = input.toString()
      const found = audienceOf(aud, origins)
      if (!found) return
      equal(new URL(aud).origin, 'https://home.example')
      if (found.bound !== undefined) ok(isGrant(found.bound) && aud.endsWith(found.bound.slice('*@profile'.length)))
    },
  },
  {
    name: 'oauth/refresh-token',
    covers: ['src/engines/logins/refresh-token.ts'],
    seeds: [writeRefreshToken({ family: 'f'.repeat(24), secret: 's'.repeat(43) }), 'alicia_refresh_'],
    check(input) {
      const text = input.toString('latin1')
      const read = readRefreshToken(text)
      if (read) equal(writeRefreshToken(read), text)
    },
  },
  {
    name: 'oauth/redirects',
    covers: ['src/adapters/oauth/client-policy.ts'],
    seeds: [
      'https://app.example/back',
      'http://127.0.0.1:1234/x',
      'com.example.app:/x',
      'javascript:alert(1)',
      'http://localhost.evil/',
      'cursor://x',
    ],
    generate: fc.webUrl(),
    tokens: ['javascript:', 'data:', 'http://', 'https://', 'localhost', '127.0.0.1', '@', '#', '\\', 'vscode:'],
    check(input) {
      const uri = input.toString()
      const kind = redirectKind(uri)
      if (kind === undefined) return
      const { protocol, hostname, username, password } = new URL(uri)
      ok(!['javascript:', 'data:', 'file:', 'vbscript:', 'blob:', 'about:'].includes(protocol))
      equal(username + password + (uri.includes('#') ? '#' : ''), '')
      if (protocol === 'http:') ok(['localhost', '127.0.0.1', '[::1]'].includes(hostname))
    },
  },
  {
    name: 'oauth/client-metadata',
    covers: ['src/adapters/oauth/client-policy.ts'],
    seeds: [
      '{"client_id":"a","redirect_uris":["https://a.example/b"],"jwks_uri":"http://10.0.0.1/"}',
      '{"redirect_uris":[1]}',
      '{"redirect_uris":[],"grant_types":"x"}',
    ],
    generate: fc
      .record({
        redirect_uris: fc.array(fc.oneof(fc.webUrl(), fc.constant('http://localhost/x'))),
        client_name: fc.string(),
        grant_types: fc.array(fc.string()),
      })
      .map((all) => JSON.stringify(all)),
    tokens: ['"redirect_uris":', '"grant_types":["refresh_token"]', '"client_secret":"x"', '"__proto__":{}'],
    check(input) {
      const parsed = jsonOf(input.toString())?.value
      if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) return
      const refused = new Error('refused')
      const client = parsed as Parameters<typeof narrowClient>[0]
      try {
        narrowClient(client, () => refused)
      } catch (error) {
        return equal(error, refused)
      }
      deepEqual([client.token_endpoint_auth_method, client.response_types], ['none', ['code']])
      ok(client.redirect_uris?.every((uri) => redirectKind(uri) !== undefined))
      ok(Object.keys(client).every((key) => !/jwks|secret|logo|policy|request/.test(key)))
    },
  },
  {
    name: 'oauth/client-document',
    covers: ['src/adapters/oauth/client-documents.ts'],
    seeds: [
      'https://app.example/client.json',
      'https://app.example',
      'http://app.example/x',
      'https://app.example.evil/x',
      'https://a@app.example/x',
    ],
    tokens: ['https://app.example', '/', '@', ':443', '.', '%2f', '#'],
    check(input) {
      const id = input.toString()
      if (!mayFetchDocument(id, ['app.example', '*.below.example'])) return
      const { protocol, hostname, pathname, href } = new URL(id)
      deepEqual([protocol, href], ['https:', id])
      ok(pathname !== '/' && (hostname === 'app.example' || hostname.endsWith('.below.example')))
    },
  },
  {
    name: 'oauth/html',
    covers: ['src/adapters/oauth/pages/html.ts'],
    seeds: ['<script>', '"onload=x', "'&amp;", '\u202e\u0000a'],
    generate: fc.string({ unit: 'binary' }),
    check(input) {
      const { text } = html`<p title="${input.toString()}">${[input.toString(), 1]}</p>`
      equal(text.replaceAll(/[^<>"']/g, ''), '<"">' + '</>'.replace('/', ''))
      ok(!/[\p{Cc}\p{Cf}]/u.test(text))
    },
  },
  {
    name: 'oauth/addresses',
    covers: ['src/gateway/oauth/address.ts', 'src/kernel/network-of.ts'],
    seeds: [
      '127.0.0.1',
      '::1',
      '64:ff9b::7f00:1',
      '::ffff:10.0.0.1',
      '169.254.169.254',
      'fe80::1%eth0',
      '0x7f.1',
      '2130706433',
      '2001:db8::1',
    ],
    generate: fc.oneof(fc.ipV4(), fc.ipV4Extended(), fc.ipV6()),
    check(input) {
      const text = input.toString()
      const kind = addressKind(text)
      const network = networkOf(text)
      ok(network === 'local' || network.endsWith('::/64') || /^\d+\.\d+\.\d+\.\d+$/.test(network))
      // As Node's own URL reads it: another spelling of an address must not change what it is.
      const host = URL.parse(`http://${text.includes(':') ? `[${text}]` : text}/`)?.hostname.replace(/^\[|\]$/g, '')
      if (kind === 'public' && host !== undefined && addressKind(host) !== 'never') equal(addressKind(host), kind)
      if (kind === 'loopback' && !text.toLowerCase().startsWith('64:ff9b:')) equal(network, 'local')
    },
  },
  {
    name: 'oauth/uri-template',
    covers: ['src/kernel/mcp/uri-template.ts'],
    seeds: [
      joined(['file:///{name}', 'x y']),
      joined(['a{b}{c}/d{+e}', 'q']),
      joined(['{', '}']),
      joined(['{a}x{b}x', 'x']),
    ],
    generate: fc
      .tuple(
        fc
          .array(fc.constantFrom('file:///', '/', 'x', '{a}', '{+b}', '{?c}', '-'), { maxLength: 6 })
          .map((all) => all.join('')),
        fc.stringMatching(/^[a-z]{1,3}$/),
      )
      .map(joined),
    tokens: ['{a}', '{+b}', '{?c}', '{', '}', '/'],
    check(input) {
      const [template = '', value = ''] = partsOf(input, 2)
      fitsTemplate(template, value)
      // One simple expression with nothing around it that could be taken for its value.
      if (/^[^{}]*\{[a-z]+\}$/.test(template) && value !== '' && value.isWellFormed())
        ok(fitsTemplate(template, expanded(template, value)))
      if (!/[{}]/.test(template)) equal(fitsTemplate(template, value), template === value)
    },
  },
]
