import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, before, suite, test } from 'node:test'
import { cleanUps } from '../../src/testing/mqtt-toolkit.ts'
import { startHub, type TestHub } from '../support/hub.ts'
import { ask, bearer } from './support/ask.ts'
import { forgeryOf, type Forgery } from './support/forgery.ts'
import { logInAt, startHome, type Login } from './support/home.ts'
import { oauthClient } from './support/oauth-client.ts'
import { INITIALIZE, WAYS_IN, type Shown } from './support/ways.ts'

type Showing = Pick<Shown, 'token' | 'headers' | 'query'>

/** What an attacker may have got hold of, besides what they make themselves. */
interface Loot extends Forgery {
  readonly owner: string
  readonly personal: string
  readonly expired: string
  readonly revoked: string
  readonly ofSomebodyDisabled: string
  readonly ofSomebodyRemoved: string
  readonly loginThatEnded: string
  readonly loginOfSomebodyDisabled: string
  readonly loginBeforeThePasswordChanged: string
  readonly loginOfAnotherPort: string
  readonly refreshToken: string
  readonly code: string
  readonly oauthRefreshToken: string
  readonly clientId: string
  readonly pairingCode: string
  readonly sessionId: string
  readonly ofAProfile: string
}

const SOON = 600
const base64 = (text: string) => Buffer.from(text).toString('base64url')
const token = (text: string): Showing => ({ token: text })
const header = (name: string, value: string | string[]): Showing => ({ headers: { [name]: value } })

/** The rows for ways in that there may be few attempts of: as many of them as there may be. */
const FIRST = [
  'nothing',
  'a token that nobody has',
  'a token that was revoked',
  'a login that expired',
  'a token that has expired',
  'the token of somebody who is disabled',
  'for another hub',
  'alg none',
  'HS256 with the public key, as PEM',
  'a key of its own, in jwk',
]

const ROWS: Readonly<Record<string, (had: Loot) => Showing>> = {
  // Nothing that could be one.
  nothing: () => ({}),
  'an empty header': () => header('authorization', ''),
  'a scheme without a token': () => header('authorization', 'Bearer'),
  'a token without a scheme': ({ owner }) => header('authorization', owner),
  'another scheme': ({ owner }) => header('authorization', `Basic ${btoa(`owner:${owner}`)}`),
  'two tokens in a header': ({ owner }) => header('authorization', `Bearer wrong, Bearer ${owner}`),
  'two headers, the first one wrong': ({ owner }) => header('authorization', ['Bearer wrong', `Bearer ${owner}`]),
  'a token with a space': ({ owner }) => token(`${owner.slice(0, 9)} ${owner.slice(9)}`),
  'a token in Latin-1': () => token('tökén'.padEnd(40, 'é')),
  'a token that nobody has': () => token(`alicia_${'x'.repeat(43)}`),
  'a token of 15,000 characters': () => token('x'.repeat(15_000)),
  'a token in capitals': ({ personal }) => token(personal.toUpperCase()),
  'a token that lacks its end': ({ personal }) => token(personal.slice(0, -1)),
  'a token with more behind it': ({ personal }) => token(`${personal}A`),
  'the hash of a token, as the database has it': ({ personal }) => token(hash('sha256', personal)),
  // Where no token is looked for.
  'access_token in the query': ({ owner }) => ({ query: `?access_token=${owner}` }),
  'token in the query': ({ owner }) => ({ query: `?token=${owner}&authorization=Bearer%20${owner}` }),
  'a cookie': ({ owner }) => header('cookie', `token=${owner}; access_token=${owner}; session=${owner}`),
  'Proxy-Authorization': ({ owner }) => header('proxy-authorization', `Bearer ${owner}`),
  'X-API-Key': ({ owner }) => header('x-api-key', owner),
  'X-Forwarded-Authorization': ({ owner }) => header('x-forwarded-authorization', `Bearer ${owner}`),
  'the name of a user from a proxy': () => ({
    headers: { 'x-forwarded-user': 'owner', 'x-remote-user': 'owner', 'remote-user': 'owner' },
  }),
  // What was good once.
  'a token that has expired': ({ expired }) => token(expired),
  'a token that was revoked': ({ revoked }) => token(revoked),
  'the token of somebody who is disabled': ({ ofSomebodyDisabled }) => token(ofSomebodyDisabled),
  'the token of somebody who is gone': ({ ofSomebodyRemoved }) => token(ofSomebodyRemoved),
  'a login that ended': ({ loginThatEnded }) => token(loginThatEnded),
  'the login of somebody who is disabled': (had) => token(had.loginOfSomebodyDisabled),
  'a login from before the password changed': (had) => token(had.loginBeforeThePasswordChanged),
  'a login that expired': ({ claims, withClaims }) =>
    token(withClaims({ iat: Number(claims['iat']) - SOON - 10, exp: Number(claims['iat']) - 10 })),
  // For somebody, something or some time else; all of it signed with the hub's own key.
  'from where the hub was before': ({ loginOfAnotherPort }) => token(loginOfAnotherPort),
  'of another issuer': ({ withClaims }) => token(withClaims({ iss: 'https://evil.example' })),
  'of the hub with a slash': ({ claims, withClaims }) => token(withClaims({ iss: `${String(claims['iss'])}/` })),
  'of several issuers': ({ claims, withClaims }) => token(withClaims({ iss: [claims['iss']] })),
  'for another hub': ({ withClaims }) => token(withClaims({ aud: 'https://other.example/mcp' })),
  'for another port': ({ withClaims }) => token(withClaims({ aud: 'http://127.0.0.1:1/mcp' })),
  'for a name that begins alike': ({ claims, withClaims }) =>
    token(withClaims({ aud: `${String(claims['aud'])}.evil.example/mcp` })),
  'for a user at another host': ({ claims, withClaims }) =>
    token(withClaims({ aud: `${String(claims['aud'])}@evil.example/mcp` })),
  'for all that are in a list': ({ claims, withClaims }) =>
    token(withClaims({ aud: [claims['aud'], 'https://evil.example'] })),
  'for nothing': ({ withClaims }) => token(withClaims({ aud: undefined })),
  'for a path below': ({ claims, withClaims }) => token(withClaims({ aud: `${String(claims['aud'])}/mcp/../mcp` })),
  'for ever': ({ withClaims }) => token(withClaims({ exp: undefined })),
  'for a day': ({ claims, withClaims }) => token(withClaims({ exp: Number(claims['iat']) + 86_400 })),
  'from tomorrow': ({ claims, withClaims }) =>
    token(withClaims({ iat: Number(claims['iat']) + 86_400, exp: Number(claims['iat']) + 86_400 + SOON })),
  'not before tomorrow': ({ claims, withClaims }) => token(withClaims({ nbf: Number(claims['iat']) + 86_400 })),
  'of nobody': ({ withClaims }) => token(withClaims({ sub: 'person-nobody' })),
  'of a member that every object has': ({ withClaims }) => token(withClaims({ sub: '__proto__' })),
  'of no login': ({ withClaims }) => token(withClaims({ sid: undefined })),
  // Algorithms.
  'alg none': ({ header: head, parts: [, payload] }) =>
    token(`${base64(JSON.stringify({ ...head, alg: 'none' }))}.${payload}.`),
  'alg nOnE, with the signature': ({ header: head, parts: [, payload, signature] }) =>
    token(`${base64(JSON.stringify({ ...head, alg: 'nOnE' }))}.${payload}.${signature}`),
  'no alg': ({ withHeader }) => token(withHeader({ alg: undefined })),
  'two algs, in a list': ({ withHeader }) => token(withHeader({ alg: ['EdDSA', 'none'] })),
  'HS256 with the public key, as PEM': ({ hmac }) => token(hmac((key) => key.export({ format: 'pem', type: 'spki' }))),
  'HS256 with the public key, as JWK': ({ hmac }) =>
    token(hmac((key) => JSON.stringify(key.export({ format: 'jwk' })))),
  'HS256 with the public key, its bytes': ({ hmac }) =>
    token(hmac((key) => Buffer.from(String(key.export({ format: 'jwk' }).x), 'base64url'))),
  'HS256 with nothing': ({ hmac }) => token(hmac(() => '')),
  'RS256 with a key of its own': ({ otherAlgorithm }) => token(otherAlgorithm('RS256')),
  'PS256 with a key of its own': ({ otherAlgorithm }) => token(otherAlgorithm('PS256')),
  'ES256 with a key of its own': ({ otherAlgorithm }) => token(otherAlgorithm('ES256')),
  // Keys.
  'a key of its own': ({ foreign }) => token(foreign()),
  'a key of its own, in jwk': ({ foreign, foreignJwk }) => token(foreign({ jwk: foreignJwk })),
  'a key of its own, behind jku': ({ foreign }) => token(foreign({ jku: 'http://127.0.0.1:1/jwks.json' })),
  'a key of its own, behind x5u': ({ foreign }) => token(foreign({ x5u: 'http://127.0.0.1:1/cert.pem' })),
  'a key of its own, in x5c': ({ foreign }) => token(foreign({ x5c: ['MIIBszCCAVmgAwIBAgIU'] })),
  'a kid that is a path': ({ foreign }) => token(foreign({ kid: '../../../../dev/null' })),
  'a kid that is SQL': ({ foreign }) => token(foreign({ kid: "x' UNION SELECT 'x' --" })),
  'a kid that every object has': ({ foreign }) => token(foreign({ kid: 'constructor' })),
  'a kid that is a list': ({ foreign, header: head }) => token(foreign({ kid: [head['kid']] })),
  'no kid': ({ withHeader }) => token(withHeader({ kid: undefined })),
  // Types.
  'an ID token': ({ withHeader }) => token(withHeader({ typ: 'JWT' })),
  'no type': ({ withHeader }) => token(withHeader({ typ: undefined })),
  'a logout token': ({ withHeader }) => token(withHeader({ typ: 'logout+jwt' })),
  'an extension that is a must': ({ withHeader }) => token(withHeader({ crit: ['exp'], exp: 1 })),
  // Form.
  'no signature': ({ parts: [head, payload] }) => token(`${head}.${payload}.`),
  'two parts': ({ parts: [head, payload] }) => token(`${head}.${payload}`),
  'four parts': ({ good, parts: [, , signature] }) => token(`${good}.${signature}`),
  'five parts, as if it were encrypted': ({ parts: [head, payload, signature] }) =>
    token(`${head}..${payload}.${signature}.${signature}`),
  'half a signature': ({ parts: [head, payload, signature] }) => token(`${head}.${payload}.${signature.slice(0, 43)}`),
  'a signature twice': ({ good, parts: [, , signature] }) => token(good + signature),
  'a signature of zeros': ({ parts: [head, payload] }) => token(`${head}.${payload}.${'A'.repeat(86)}`),
  'a signature with padding': ({ good }) => token(`${good}==`),
  'the claims of another': ({ claims, parts: [head, , signature] }) =>
    token(`${head}.${base64(JSON.stringify({ ...claims, sub: 'owner', scope: '*' }))}.${signature}`),
  'a header written twice': ({ header: head, parts: [, payload, signature] }) =>
    token(`${base64(`{"alg":"none",${JSON.stringify(head).slice(1)}`)}.${payload}.${signature}`),
  'nothing but dots': () => token('eyJ..'),
  // Secrets of another kind.
  'a refresh token': ({ refreshToken }) => token(refreshToken),
  'a refresh token of a program': ({ oauthRefreshToken }) => token(oauthRefreshToken),
  'an authorization code': ({ code }) => token(code),
  'the id of a program': ({ clientId }) => token(clientId),
  'a pairing code': ({ pairingCode }) => token(pairingCode),
  'the id of a session': ({ sessionId }) => token(sessionId),
  'the id of a login': ({ claims }) => token(String(claims['sid'])),
  'the id of a person': ({ claims }) => token(String(claims['sub'])),
}

suite('credentials that are not good, on every way in', () => {
  const ending = cleanUps()
  let hub: TestHub
  let had: Loot
  let showings: Readonly<Record<string, Showing>>
  let good: Readonly<Record<string, string>>

  before(async () => {
    const home = await startHome(ending)
    const first = home.hub
    const lend = (label: string, name: 'anna' | 'robo' = 'anna') => home.lend(name, label, ['*'])
    const [expired, revoked] = [await lend('expired'), await lend('revoked')]
    for (const name of ['dora', 'rick'])
      await first.result('people.add_person', { name, role: 'adult', password: 'violet-harbour-quietly-94' })
    const ofOthers = async (name: string) =>
      String((await first.result('tokens.create_token', { name: `${name}s`, scopes: ['*'], for: name }))['token'])
    const [ofSomebodyDisabled, ofSomebodyRemoved] = [await ofOthers('dora'), await ofOthers('rick')]
    const loginOfAnotherPort = (await home.logIn('anna')).access_token
    await first.result('tokens.revoke_token', { name: 'revoked' })
    await first.end()
    // Taken, so that the next one is elsewhere for sure.
    const taken = createServer().listen(Number(new URL(first.urls.http).port), '127.0.0.1')
    ending.after(() => taken.close())
    await once(taken, 'listening')
    const database = new DatabaseSync(join(first.home.data, 'alicia.db'))
    database.prepare('update tokens set expires_at = ? where name = ?').run(Date.now() - 1000, 'expired')
    database.close()

    // What ended stays ended when the hub starts again.
    hub = await startHub(ending, { home: first.home, args: ['--log-level', 'debug'] })
    const logIn = (name: string): Promise<Login> => logInAt(hub, name)
    const [login, dora] = [await logIn('anna'), await logIn('dora')]
    const loginThatEnded = (await logIn('anna')).access_token
    await ask(hub, '/auth/logout', { headers: bearer(loginThatEnded) })
    const beforeChange = (await logIn('kim')).access_token
    await hub.result('people.set_password', { name: 'kim', password: 'another-harbour-loudly-95' })
    await hub.result('people.change_person', { name: 'dora', disabled: true })
    await hub.result('people.remove_person', { name: 'rick' })
    const client = await oauthClient(hub)
    const { body: granted } = await client.redeem(await client.code('anna', 'health:write'))
    const opened = await ask(hub, '/mcp', { headers: bearer(home.tokens.anna), body: INITIALIZE })
    const ofAProfile = await client.redeem(
      await client.code('anna', 'health:write', { resource: `${hub.urls.mcp}/work` }),
      {
        resource: `${hub.urls.mcp}/work`,
      },
    )
    had = {
      ...forgeryOf(login.access_token, hub.home),
      owner: hub.token,
      personal: home.tokens.anna,
      expired,
      revoked,
      ofSomebodyDisabled,
      ofSomebodyRemoved,
      loginThatEnded,
      loginOfSomebodyDisabled: dora.access_token,
      loginBeforeThePasswordChanged: beforeChange,
      loginOfAnotherPort,
      refreshToken: login.refresh_token,
      code: await client.code('anna', 'health:write'),
      oauthRefreshToken: String(granted['refresh_token']),
      clientId: client.id,
      pairingCode: String((await hub.result('people.pair', { name: 'anna' }))['code']),
      sessionId: String(opened.headers['mcp-session-id']),
      ofAProfile: String(ofAProfile.body['access_token']),
    }
    showings = Object.fromEntries(Object.entries(ROWS).map(([name, row]) => [name, row(had)]))
    good = {
      'a token': had.personal,
      'a login': login.access_token,
      'a login, signed by the test': had.withClaims({ jti: 'of the test' }),
      'a program': String(granted['access_token']),
    }
  })
  after(() => ending.run())

  const marks = async (): Promise<string[]> => {
    const { alerts } = (await hub.result('health.list_alerts')) as { alerts: { about: string }[] }
    return alerts.map(({ about }) => about)
  }
  let count = 0
  const address = () => `203.0.${100 + (count >> 8)}.${count++ & 255}`

  for (const [way, { attempt, refusal, sooner = {}, most }] of Object.entries(WAYS_IN)) {
    const rows = most === undefined ? Object.keys(ROWS) : FIRST.slice(0, most)
    const outcomeOf = async (name: string): Promise<[string, string]> => {
      const showing = showings[name] ?? assert.fail(name)
      return [name, await attempt(hub, { ...showing, from: address(), mark: `attempt ${count}` })]
    }

    test(`${way}: ${rows.length} that are refused, and nothing is done`, async () => {
      const before = await marks()
      const outcomes = []
      for (let at = 0; at < rows.length; at += 4)
        outcomes.push(...(await Promise.all(rows.slice(at, at + 4).map(outcomeOf))))
      assert.deepEqual(
        Object.fromEntries(outcomes),
        Object.fromEntries(rows.map((name) => [name, sooner[name] ?? refusal])),
      )
      assert.deepEqual(await marks(), before)
    })

    test(`${way}: good ones are let in, and do it`, async () => {
      const shown = Object.entries(good).slice(0, most)
      const letIn = shown.map(([name, token]) => attempt(hub, { token, from: address(), mark: `${way}: ${name}` }))
      assert.deepEqual(
        await Promise.all(letIn),
        shown.map(() => '200 ok'),
      )
      const done = await marks()
      if (way !== 'MCP, the stream of a session')
        for (const [name] of shown) assert.ok(done.includes(`${way}: ${name}`), name)
    })
  }

  test('a token for a profile is good at its address alone', async () => {
    const ways = Object.entries(WAYS_IN).filter(([, { most }]) => most === undefined)
    const shown = (): Shown => ({ token: had.ofAProfile, from: address(), mark: `attempt ${count}` })
    const outcomes = ways.map(async ([way, { attempt }]) => [way, await attempt(hub, shown())] as const)
    const refused = ways.map(([way, { refusal }]) => [way, refusal] as const)
    const here = { 'MCP 2026-07-28 of a profile': '200 ok' }
    assert.deepEqual(Object.fromEntries(await Promise.all(outcomes)), { ...Object.fromEntries(refused), ...here })
  })

  test('no secret that was shown is in what the hub wrote', () => {
    const written = hub.stdout() + hub.stderr()
    const shown = Object.values(showings).flatMap(({ token }) => token ?? [])
    for (const text of [...shown, ...Object.values(good)])
      if (text.length >= 20 && !/^x+$|^person-|^login-/.test(text)) assert.ok(!written.includes(text), text)
  })

  test('refusals are on record, with where they came from and without what was shown', async () => {
    const { entries } = (await hub.result('audit.search_audit', { outcome: 'unauthenticated', limit: 500 })) as {
      entries: { address?: string }[]
    }
    assert.ok(entries.some(({ address: from }) => from?.startsWith('203.0.')))
    assert.ok(!JSON.stringify(entries).includes(had.revoked))
  })
})
