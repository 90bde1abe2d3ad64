import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { suite, test, type TestContext } from 'node:test'
import { exportSPKI, importJWK, type CryptoKey, type JWTPayload } from 'jose'
import { createGuardedFetch } from '../../gateway/oauth/guarded-fetch.ts'
import { heldClock } from '../../kernel/clock.ts'
import { hashToken, type Holder } from '../../kernel/identity.ts'
import { silentLog } from '../../kernel/log.ts'
import { DEFAULT_ROLES } from '../../kernel/role.ts'
import { base64urlJson } from './base64url.ts'
import { createExternalIssuer, type ExternalIssuerOptions } from './external-issuer.ts'
import { startIssuer, type TestIssuer } from './issuer.fixture.ts'
import { ANNA, HUB, origins, testPeople } from './logins.fixture.ts'

const refused = { code: 'unauthenticated', message: 'The access token is not valid.' }

async function start(t: TestContext, options: Partial<ExternalIssuerOptions> = {}) {
  const issuer = await startIssuer(t)
  const clock = heldClock()
  const people = testPeople()
  people.set(ANNA)
  const nowS = () => Math.floor(clock.now() / 1000)
  // As the hub guards it. Its time runs only while the issuer leaves a question without an answer.
  const network = heldClock()
  const timeoutMs = 5000
  issuer.faults.onSilence = () => network.advance(timeoutMs)
  const fetch = createGuardedFetch({
    name: 'the issuer',
    upstream: new URL(issuer.issuer),
    allowPrivateAddresses: false,
    clock: network,
    timeoutMs,
    mostBytes: 100_000,
  })
  const { source, changed } = createExternalIssuer(
    {
      issuer: issuer.issuer,
      people: { 'anna-over-there': 'anna', 'anna@home.example': 'anna' },
      roles: {},
      ...options,
    },
    { keeper: { ...people, roles: DEFAULT_ROLES }, origins, fetch, clock, log: silentLog },
  )
  people.onChange(changed)
  return {
    issuer,
    clock,
    people,
    claims: (more: JWTPayload = {}): JWTPayload => ({
      iss: issuer.issuer,
      sub: 'anna-over-there',
      aud: HUB,
      iat: nowS(),
      exp: nowS() + 300,
      azp: 'dashboard',
      ...more,
    }),
    show: (token: string, resource?: string) =>
      source({ token, hash: hashToken(token), ...(resource !== undefined && { resource }) }),
  }
}

suite('access tokens of another issuer', () => {
  test('a good one is its person; from the second time on at once', async (t) => {
    const { issuer, claims, show } = await start(t)
    const token = await issuer.sign(claims())
    const first = show(token)
    assert.ok(first instanceof Promise)
    const holder = await first
    assert.partialDeepStrictEqual(holder, {
      id: ANNA.id,
      name: 'anna',
      role: 'adult',
      person: ANNA.id,
      scopes: ANNA.scopes,
      client: 'dashboard',
    })
    assert.match(holder?.credential ?? '', /^issuer-/)
    assert.equal(show(token), holder)
    assert.equal(issuer.asked.length, 2)
  })

  /** HS256 over what everybody knows. */
  const withSecret = (header: object, claims: object, secret: string) => {
    const signed = `${base64urlJson(header)}.${base64urlJson(claims)}`
    return `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`
  }
  type Forge = (issuer: TestIssuer, claims: JWTPayload) => Promise<string> | string
  const claiming =
    (claim: string, value: unknown): Forge =>
    (issuer, claims) =>
      issuer.sign({ ...claims, [claim]: value })
  const bad: Record<string, Forge> = {
    'for something else': claiming('aud', 'https://other.example'),
    'for nothing': claiming('aud', undefined),
    'for many things that are not the hub': claiming('aud', ['account', 'https://other.example']),
    'that has ended': (issuer, claims) => issuer.sign({ ...claims, exp: Number(claims.iat) - 5 }),
    'without an end': claiming('exp', undefined),
    'that is not good yet': (issuer, claims) => issuer.sign({ ...claims, nbf: Number(claims.iat) + 60 }),
    'of somebody it does not know': claiming('sub', 'stranger'),
    'of somebody named like a member of every object': claiming('sub', 'constructor'),
    'of nobody': claiming('sub', undefined),
    'of somebody whose address it did not verify': (issuer, claims) =>
      issuer.sign({ ...claims, sub: 'x', email: 'anna@home.example', email_verified: false }),
    'that is an ID token': claiming('nonce', 'n'),
    'that is a logout token': claiming('events', {}),
    'of another type': (issuer, claims) => issuer.sign(claims, { typ: 'logout+jwt' }),
    'of a key it does not have': (issuer, claims) => issuer.sign(claims, { kid: 'other' }),
    'with a demand': (issuer, claims) => issuer.sign(claims, { crit: ['demand'], demand: 1 }),
    'with alg none': (_, claims) => `${base64urlJson({ alg: 'none' })}.${base64urlJson(claims)}.`,
    'signed by somebody else under the name of its key': async (issuer, claims) => {
      const other = await startIssuer({ after: () => undefined })
      const token = await other.sign(claims, { kid: issuer.key().kid })
      await other.goAway()
      return token
    },
    'with HS256 and the public JWK': (issuer, claims) =>
      withSecret({ alg: 'HS256', kid: issuer.key().kid }, claims, JSON.stringify(issuer.key())),
    'with HS256 and the public PEM': async (issuer, claims) => {
      const key = (await importJWK(issuer.key(), 'ES256', { extractable: true })) as CryptoKey
      return withSecret({ alg: 'HS256', kid: issuer.key().kid }, claims, await exportSPKI(key))
    },
    'with HS256 and a symmetric key that it published': (issuer, claims) => {
      issuer.faults.moreKeys.push({ kty: 'oct', k: 'c2VjcmV0', kid: 'oct', alg: 'HS256' })
      return withSecret({ alg: 'HS256', kid: 'oct' }, claims, 'secret')
    },
  }
  for (const [why, forge] of Object.entries(bad))
    test(`refused: ${why}`, async (t) => {
      const { issuer, claims, show } = await start(t)
      const token = await forge(issuer, claims())
      for (let time = 0; time < 2; time++)
        await assert.rejects(async () => {
          // A form that no JWT has is nobody's token.
          if ((await show(token)) === undefined) throw Object.assign(new Error(refused.message), refused)
        }, refused)
    })

  test('tokens of other issuers are none of its, and ask nobody anything', async (t) => {
    const { issuer, claims, show } = await start(t)
    for (const iss of ['https://other.example', `${issuer.issuer}/`, HUB, ''])
      assert.equal(show(await issuer.sign(claims({ iss }))), undefined)
    assert.deepEqual(issuer.asked, [])
  })

  test('an audience and a client that the configuration names', async (t) => {
    const { issuer, claims, show } = await start(t, { audience: 'alicia', clientId: 'dashboard' })
    assert.ok(await show(await issuer.sign(claims({ aud: ['account', 'alicia'] }))))
    assert.ok(await show(await issuer.sign(claims({ aud: 'alicia', client_id: 'dashboard', azp: undefined }))))
    for (const wrong of [{ aud: HUB }, { aud: 'alicia', azp: 'other' }, { aud: 'alicia', azp: undefined }])
      await assert.rejects(async () => show(await issuer.sign(claims(wrong))), refused)
  })

  test('made out to a profile it is good there alone, and bound to it', async (t) => {
    const { issuer, claims, show } = await start(t)
    const token = await issuer.sign(claims({ aud: `${HUB}/mcp/kids` }))
    assert.deepEqual([...((await show(token, '/mcp/kids'))?.scopes ?? [])].sort(), [
      'health:read@profile/kids',
      'mqtt:*@profile/kids',
    ])
    await assert.rejects(async () => show(token), refused)
    await assert.rejects(async () => show(await issuer.sign(claims({ aud: `${HUB}/mcp/kids`, jti: '2' }))), refused)
  })

  const who: [why: string, claims: JWTPayload, options: Partial<ExternalIssuerOptions>, is: Partial<Holder>][] = [
    [
      'an address that it verified',
      { sub: 'x', email: 'anna@home.example', email_verified: true },
      {},
      { id: ANNA.id },
    ],
    [
      'a group',
      { sub: 'x', groups: ['all', 'family'], preferred_username: 'carla' },
      { roleClaim: 'groups', roles: { family: 'guest', all: 'service' } },
      { name: 'carla', role: 'guest', scopes: [] },
    ],
    [
      'a role further down',
      { sub: 'x', realm_access: { roles: ['kids'] } },
      { roleClaim: 'realm_access.roles', roles: { kids: 'child' } },
      { role: 'child', scopes: DEFAULT_ROLES.child.scopes },
    ],
    [
      'a claim with dots in its name',
      { sub: 'x', 'https://home.example/role': 'kids' },
      { roleClaim: 'https://home.example/role', roles: { kids: 'child' } },
      { role: 'child' },
    ],
    ['scopes of the hub among others', { scope: 'openid mqtt:read profile' }, {}, { scopes: ['mqtt:read'] }],
    ['scopes of others alone', { scope: 'openid profile' }, {}, { scopes: ANNA.scopes }],
    ['scopes that the person lacks', { scope: 'tokens:write' }, {}, { scopes: [] }],
  ]
  for (const [why, more, options, is] of who)
    test(`who somebody is by ${why}`, async (t) => {
      const { issuer, claims, show } = await start(t, options)
      assert.partialDeepStrictEqual(await show(await issuer.sign(claims(more))), is)
    })

  test('the person as they are now decides', async (t) => {
    const { issuer, claims, show, people } = await start(t)
    const token = await issuer.sign(claims())
    await show(token)
    people.set({ id: ANNA.id, scopes: ['mqtt:read'] })
    assert.partialDeepStrictEqual(show(token), { scopes: ['mqtt:read'] })
    people.set({ id: ANNA.id, isDisabled: true })
    assert.throws(() => show(token), refused)
  })

  test('a token that lives long is checked again after some minutes, and ends with the key that signed it', async (t) => {
    const { issuer, clock, claims, show } = await start(t)
    const long = await issuer.sign(claims({ exp: Math.floor(clock.now() / 1000) + 7200 }))
    const holder = await show(long)
    clock.advance(5 * 60_000 - 1)
    assert.equal(show(long), holder)
    clock.advance(1)
    const again = show(long)
    assert.ok(again instanceof Promise)
    assert.deepEqual(await again, holder)
    await issuer.rotate()
    await show(await issuer.sign(claims()))
    clock.advance(5 * 60_000)
    await assert.rejects(Promise.resolve(show(long)), refused)
  })

  test('a key that it made since is found; one that does not exist is not looked for without end', async (t) => {
    const { issuer, claims, show, clock } = await start(t)
    await show(await issuer.sign(claims()))
    clock.advance(10_000)
    await issuer.rotate()
    assert.ok(await show(await issuer.sign(claims())))
    const asked = issuer.asked.length
    for (let guess = 0; guess < 20; guess++)
      await assert.rejects(async () => show(await issuer.sign(claims(), { kid: `guess-${guess}` })), refused)
    assert.equal(issuer.asked.length, asked)
  })

  const broken: [why: string, break_: (issuer: TestIssuer) => unknown][] = [
    ['is away', (issuer) => issuer.goAway()],
    ['answers with errors', (issuer) => (issuer.faults.answers = 'error')],
    ['never answers', (issuer) => (issuer.faults.answers = 'never')],
    ['answers with what is no JSON', (issuer) => (issuer.faults.answers = 'no JSON')],
    ['answers with too much', (issuer) => (issuer.faults.answers = 'too much')],
    ['sends elsewhere', (issuer) => (issuer.faults.answers = 'elsewhere')],
    ['has the metadata of another', (issuer) => (issuer.faults.metadata['issuer'] = 'https://other.example')],
    ['has its keys in the home network', (issuer) => (issuer.faults.metadata['jwks_uri'] = 'https://192.168.1.1/keys')],
    ['has its keys in the clear', (issuer) => (issuer.faults.metadata['jwks_uri'] = 'http://keys.example/keys')],
    ['has its keys in a file', (issuer) => (issuer.faults.metadata['jwks_uri'] = 'file:///etc/passwd')],
  ]
  for (const [why, break_] of broken)
    test(`an issuer that ${why}: nobody new, and those with known keys as ever`, async (t) => {
      const { issuer, claims, show, clock } = await start(t)
      const known = await start(t)
      await known.show(await known.issuer.sign(known.claims()))
      for (const one of [issuer, known.issuer]) await break_(one)
      for (let time = 0; time < 2; time++)
        await assert.rejects(async () => show(await issuer.sign(claims())), { code: 'unavailable' })
      // Long after the keys should have been read anew.
      known.clock.advance(3_600_000)
      assert.ok(await known.show(await known.issuer.sign(known.claims())))
      if (why !== 'is away') return
      await issuer.comeBack()
      clock.advance(10_000)
      assert.ok(await show(await issuer.sign(claims())))
    })
})
