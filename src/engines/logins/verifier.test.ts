import assert from 'node:assert/strict'
import { createHmac, generateKeyPairSync, sign, type KeyObject } from 'node:crypto'
import { suite, test } from 'node:test'
import * as fc from 'fast-check'
import { heldClock } from '../../kernel/clock.ts'
import { hashToken } from '../../kernel/identity.ts'
import { silentLog } from '../../kernel/log.ts'
import { signToken, type Claims } from './access-token.ts'
import { base64urlJson } from './base64url.ts'
import { ANNA, HUB, origins, testPeople } from './logins.fixture.ts'
import { createVerifier } from './verifier.ts'

const clock = heldClock()
const nowS = clock.now() / 1000
const own = generateKeyPairSync('ed25519')
const foreign = generateKeyPairSync('ed25519')
const KID = 'own-key'
const ended = new Set(['login-over'])

function freshVerifier(at = clock) {
  const people = testPeople()
  people.set(ANNA)
  people.set({ ...ANNA, id: 'person-bert', isDisabled: true })
  people.set({ ...ANNA, id: 'person-carla', passwordSetMs: clock.now() + 1000 })
  const { source } = createVerifier({
    keys: { verifying: (kid) => (kid === KID ? own.publicKey : undefined), load: () => Promise.resolve() },
    people,
    origins,
    clock: at,
    log: silentLog,
    isEnded: (credential) => ended.has(credential),
    isShared: false,
  })
  return (token: string, resource?: string, onlySeen?: true) =>
    source({
      token,
      hash: hashToken(token),
      ...(resource !== undefined && { resource }),
      ...(onlySeen && { onlySeen }),
    })
}

const CLAIMS: Claims = {
  iss: HUB,
  sub: ANNA.id,
  aud: HUB,
  exp: nowS + 600,
  iat: nowS,
  jti: 'one',
  client_id: 'phone',
  scope: 'mqtt:read health:read',
  sid: 'login-one',
}
const HEADER = { alg: 'EdDSA', typ: 'at+jwt', kid: KID }

/** Signed by whoever has the key, whatever it says. */
function forged(header: object, claims: object, key: KeyObject = own.privateKey): string {
  const signed = `${base64urlJson(header)}.${base64urlJson(claims)}`
  return `${signed}.${sign(null, Buffer.from(signed), key).toString('base64url')}`
}
function signedBytes(claims: Buffer): string {
  const signed = `${base64urlJson(HEADER)}.${claims.toString('base64url')}`
  return `${signed}.${sign(null, Buffer.from(signed), own.privateKey).toString('base64url')}`
}
const withClaims = (claims: object) => forged(HEADER, { ...CLAIMS, ...claims })
const withHeader = (header: object) => forged({ ...HEADER, ...header }, CLAIMS)
const without = (claim: keyof Claims) => forged(HEADER, { ...CLAIMS, [claim]: undefined })

const good = signToken(CLAIMS, { kid: KID, key: own.privateKey })
const [HEAD = '', PAYLOAD = '', SIGNATURE = ''] = good.split('.')

/** HS256 with the public key as its secret (RFC 8725, 2.1). */
function confused(secret: string | Buffer): string {
  const signed = `${base64urlJson({ ...HEADER, alg: 'HS256' })}.${base64urlJson(CLAIMS)}`
  return `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`
}

/** The last character of a signature has two bits that say nothing: another one decodes to the same bytes. */
function otherSpelling(text: string): string {
  const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
  return text.slice(0, -1) + letters[letters.indexOf(text.at(-1) ?? '') + 1]
}

suite('access tokens', () => {
  test('a good one is let in, again and again, as long as it lives', () => {
    const show = freshVerifier()
    for (let call = 0; call < 3; call++)
      assert.partialDeepStrictEqual(show(good), { id: ANNA.id, scopes: ['mqtt:read', 'health:read'] })
  })

  test('where too many wrong ones came from, those that were seen before are let in, and no signature is checked', () => {
    const show = freshVerifier()
    assert.equal(show(good, undefined, true), undefined)
    show(good)
    assert.partialDeepStrictEqual(show(good, undefined, true), { id: ANNA.id })
  })

  const jwk = own.publicKey.export({ format: 'jwk' })
  const brought = foreign.publicKey.export({ format: 'jwk' })
  const refused: Record<string, string> = {
    'signed by another key': forged(HEADER, CLAIMS, foreign.privateKey),
    'with a key of its own in the header': forged({ ...HEADER, jwk: brought }, CLAIMS, foreign.privateKey),
    'with an address of keys': withHeader({ jku: 'https://evil.example/keys' }),
    'with an address of certificates': withHeader({ x5u: 'https://evil.example/cert' }),
    'with certificates': withHeader({ x5c: ['MIIB'] }),
    'with an extension it demands': withHeader({ crit: ['exp'] }),
    'with an unencoded payload (RFC 7797)': withHeader({ b64: false, crit: ['b64'] }),
    'of an unknown key': withHeader({ kid: 'other' }),
    'of a key named like a member of every object': withHeader({ kid: '__proto__' }),
    'of no key': withHeader({ kid: undefined }),
    'of a key that is no text': withHeader({ kid: [KID] }),
    'with alg none': `${base64urlJson({ ...HEADER, alg: 'none' })}.${PAYLOAD}.`,
    'with alg none and the signature': `${base64urlJson({ ...HEADER, alg: 'none' })}.${PAYLOAD}.${SIGNATURE}`,
    'with alg None': withHeader({ alg: 'None' }),
    'with alg Ed25519, which is the same key': withHeader({ alg: 'Ed25519' }),
    'with alg eddsa': withHeader({ alg: 'eddsa' }),
    'with HS256 over the public JWK': confused(JSON.stringify(jwk)),
    'with HS256 over the public PEM': confused(own.publicKey.export({ format: 'pem', type: 'spki' })),
    'with HS256 over the bytes of the key': confused(Buffer.from(jwk.x ?? '', 'base64url')),
    'with HS256 over nothing': confused(''),
    'of type JWT': withHeader({ typ: 'JWT' }),
    'of no type': withHeader({ typ: undefined }),
    'that is an ID token': withHeader({ typ: 'id+jwt' }),
    'for another hub': withClaims({ aud: 'https://other.example' }),
    'for several': withClaims({ aud: [HUB, 'https://other.example'] }),
    'for the hub in a list': withClaims({ aud: [HUB] }),
    'for a path of the hub that is none': withClaims({ aud: `${HUB}/admin` }),
    'for the hub with a query': withClaims({ aud: `${HUB}?x` }),
    'for the hub with a fragment': withClaims({ aud: `${HUB}/mcp#x` }),
    'for the hub with a user': withClaims({ aud: 'https://x@home.example' }),
    'for the hub in capitals': withClaims({ aud: 'https://HOME.example' }),
    'for the hub at another port': withClaims({ aud: `${HUB}:8443` }),
    'for the hub over HTTP': withClaims({ aud: 'http://home.example' }),
    'for a name that begins like the hub': withClaims({ aud: `${HUB}.evil.example` }),
    'for a path with dots': withClaims({ aud: `${HUB}/x/../mcp` }),
    'for a deeper path': withClaims({ aud: `${HUB}/mcp/kids/x` }),
    'for a profile without a name': withClaims({ aud: `${HUB}/mcp/` }),
    'for a profile with a grant in its name': withClaims({ aud: `${HUB}/mcp/kids@room` }),
    'for nobody': without('aud'),
    'that has ended': withClaims({ exp: nowS - 5, iat: nowS - 605 }),
    'that ends never': without('exp'),
    'that ends at a text': withClaims({ exp: String(nowS + 600) }),
    'that ends at a fraction': withClaims({ exp: nowS + 0.5 }),
    'that ends after all numbers': forged(HEADER, CLAIMS).replace(
      PAYLOAD,
      Buffer.from(JSON.stringify(CLAIMS).replace(String(CLAIMS.exp), '1e999')).toString('base64url'),
    ),
    'that lives longer than one may': withClaims({ exp: nowS + 601 }),
    'from the future': withClaims({ iat: nowS + 6, exp: nowS + 606 }),
    'that is not good yet': withClaims({ nbf: nowS + 6 }),
    'without the time it was made': without('iat'),
    'of somebody who does not exist': withClaims({ sub: 'person-nobody' }),
    'of somebody who is disabled': withClaims({ sub: 'person-bert' }),
    'of somebody whose password was set since': withClaims({ sub: 'person-carla' }),
    'of nobody': without('sub'),
    'of a login that ended': withClaims({ sid: 'login-over' }),
    'of no login': without('sid'),
    'without scopes': without('scope'),
    'with scopes in a list': withClaims({ scope: ['mqtt:read'] }),
    'without a client': without('client_id'),
    'without an id': without('jti'),
    'without a signature': `${HEAD}.${PAYLOAD}.`,
    'with half a signature': `${HEAD}.${PAYLOAD}.${SIGNATURE.slice(0, 40)}`,
    'with a signature of zeros': `${HEAD}.${PAYLOAD}.${Buffer.alloc(64).toString('base64url')}`,
    'with a signature spelt differently': `${HEAD}.${PAYLOAD}.${otherSpelling(SIGNATURE)}`,
    'with padding': `${good}=`,
    'with the claims of another': `${HEAD}.${base64urlJson({ ...CLAIMS, scope: '*' })}.${SIGNATURE}`,
  }
  for (const [why, token] of Object.entries(refused))
    test(`refused: ${why}`, () => {
      const show = freshVerifier()
      for (let time = 0; time < 2; time++)
        assert.throws(() => show(token), { code: 'unauthenticated', message: 'The access token is not valid.' })
    })

  const others: Record<string, string> = {
    'another issuer': withClaims({ iss: 'https://issuer.example' }),
    'with claims that are no UTF-8': signedBytes(
      Buffer.concat([Buffer.from(JSON.stringify(CLAIMS).slice(0, -1)), Buffer.from(',"x":"\u00ff"}', 'latin1')]),
    ),
    'another spelling of the issuer': withClaims({ iss: `${HUB}/` }),
    'no issuer': without('iss'),
    'a part too many': `${good}.${SIGNATURE}`,
    'two parts': `${HEAD}.${PAYLOAD}`,
    'an encrypted token': `${HEAD}.${PAYLOAD}.${SIGNATURE}.${SIGNATURE}.${SIGNATURE}`,
    'a personal access token': `alicia_${'A'.repeat(43)}`,
    'a token over 8 KiB': withClaims({ scope: 'mqtt:read '.repeat(900) }),
    'no JSON': `eyJ.eyJ.${SIGNATURE}`,
    nothing: '',
  }
  for (const [why, token] of Object.entries(others))
    test(`none of ours: ${why}`, () => assert.equal(freshVerifier()(token), undefined))

  const accepted: [why: string, claims: Partial<Claims>][] = [
    ['for the hub with a slash', { aud: `${HUB}/` }],
    ['for its MCP endpoint', { aud: `${HUB}/mcp` }],
    ['for its other MCP endpoint', { aud: `${HUB}/api/v1/mcp` }],
    ['for another of its origins', { aud: 'http://localhost:8765/mcp' }],
    ['of the second in which the password was set', { sub: 'person-carla', iat: nowS + 1 }],
    ['from a clock 5 s ahead', { iat: nowS + 5, exp: nowS + 605 }],
    ['ended 4 s ago', { exp: nowS - 4, iat: nowS - 604 }],
  ]
  for (const [why, claims] of accepted)
    test(`accepted: ${why}`, () =>
      assert.partialDeepStrictEqual(freshVerifier()(withClaims(claims)), { id: claims.sub ?? ANNA.id }))

  test('it ends to the second, also when it is known already', () => {
    const later = heldClock()
    const show = freshVerifier(later)
    const token = withClaims({ exp: nowS + 10 })
    show(token)
    later.advance(14_999)
    show(token)
    later.advance(1)
    assert.throws(() => show(token), { code: 'unauthenticated' })
  })

  for (const path of ['/mcp/kids', '/api/v1/mcp/kids'])
    test(`one for ${path} is good there alone, and what it gives is bound to the profile`, () => {
      const token = withClaims({ aud: HUB + path })
      for (const first of ['/mcp/kids', undefined, '/mcp', '/mcp/adults']) {
        const show = freshVerifier()
        for (const resource of [first, '/mcp/kids', undefined, '/mcp', '/mcp/adults'])
          if (resource === '/mcp/kids')
            assert.deepEqual([...((show(token, resource) as { scopes: string[] } | undefined)?.scopes ?? [])].sort(), [
              'health:read@profile/kids',
              'mqtt:read@profile/kids',
            ])
          else assert.throws(() => show(token, resource), { code: 'unauthenticated' })
      }
    })

  test('nothing anybody makes up is let in, or is an error of another kind', () => {
    const show = freshVerifier()
    const part = fc.oneof(
      fc.constantFrom(HEAD, PAYLOAD, SIGNATURE, ''),
      fc.json().map((text) => Buffer.from(text).toString('base64url')),
      fc.base64String(),
      fc.string(),
    )
    const whole = fc.array(part, { maxLength: 5 }).map((parts) => parts.join('.'))
    fc.assert(
      fc.property(whole, (token) => {
        fc.pre(token !== good)
        try {
          return show(token) === undefined
        } catch (error) {
          return error instanceof Error && error.message === 'The access token is not valid.'
        }
      }),
      { numRuns: 2000 },
    )
  })

  test('one bit that differs, wherever it is, and it is not let in', () => {
    const show = freshVerifier()
    const bytes = Buffer.from(good)
    for (let at = 0; at < bytes.length; at++) {
      const changed = Buffer.from(bytes)
      changed[at] = (bytes[at] ?? 0) ^ 1
      let holder: unknown
      try {
        holder = show(changed.toString('latin1'))
      } catch {}
      assert.equal(holder, undefined, `bit of character ${at}`)
    }
  })
})
