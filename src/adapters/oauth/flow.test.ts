import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { OWNER_TOKEN } from '../../testing/authorization.ts'
import { TestBrowser } from '../../testing/oauth-browser.ts'
import { startFlow as start } from './flow.fixture.ts'

const claimsOf = (token: unknown) => {
  const [head = '', body = ''] = String(token).split('.')
  const read = (part: string) => JSON.parse(Buffer.from(part, 'base64url').toString()) as Record<string, unknown>
  return { head: read(head), body: read(body) }
}

suite('authorization server', () => {
  test('describes itself (RFC 8414, OpenID Connect Discovery), and its resources (RFC 9728)', async (t) => {
    const { origin } = await start(t, { profiles: ['kids'] })
    for (const path of ['/.well-known/oauth-authorization-server', '/.well-known/openid-configuration']) {
      const metadata = (await (await fetch(`${origin}${path}`)).json()) as Record<string, unknown>
      assert.partialDeepStrictEqual(metadata, {
        issuer: origin,
        authorization_endpoint: `${origin}/oauth/authorize`,
        token_endpoint: `${origin}/oauth/token`,
        registration_endpoint: `${origin}/oauth/register`,
        revocation_endpoint: `${origin}/oauth/revoke`,
        jwks_uri: `${origin}/oauth/jwks`,
        code_challenge_methods_supported: ['S256'],
        response_types_supported: ['code'],
        grant_types_supported: ['authorization_code', 'refresh_token'],
        token_endpoint_auth_methods_supported: ['none'],
        authorization_response_iss_parameter_supported: true,
        client_id_metadata_document_supported: true,
      })
    }
    for (const path of ['', '/mcp', '/mcp/kids', '/api/v1/mcp', '/sse']) {
      const metadata = await (await fetch(`${origin}/.well-known/oauth-protected-resource${path}`)).json()
      assert.partialDeepStrictEqual(metadata, { resource: origin + path, authorization_servers: [origin] })
    }
    for (const path of ['/mcp/nobody', '/elsewhere', '/mcp/kids/x'])
      assert.equal((await fetch(`${origin}/.well-known/oauth-protected-resource${path}`)).status, 404)
    const keys = await (await fetch(`${origin}/oauth/jwks`)).text()
    assert.doesNotMatch(keys, /"d":/)
  })

  test('a client that registers itself gets an id that no command line takes for an option', async (t) => {
    const hub = await start(t)
    assert.match(hub.clientId, /^client-[\w-]{24}$/)
    assert.notEqual((await hub.register()).body['client_id'], hub.clientId)
  })

  test('a person lets a client in: code, tokens with exactly the claims, and who they are for', async (t) => {
    const hub = await start(t)
    const mia = await hub.addMia()
    const answer = await hub.logIn(new TestBrowser(), 'text:read text:write')
    assert.equal(answer.get('iss'), hub.origin)
    assert.equal(answer.get('state'), 'state-1')
    const { status, body } = await hub.redeem(answer.get('code') ?? '')
    assert.equal(status, 200, JSON.stringify(body))
    assert.partialDeepStrictEqual(body, { token_type: 'Bearer', expires_in: 600, scope: 'text:read text:write' })
    const claims = claimsOf(body['access_token'])
    const [key] = hub.logins.keys.private()
    assert.deepEqual(claims.head, { alg: 'EdDSA', typ: 'at+jwt', kid: key?.kid })
    const { exp, iat, jti, sid, ...named } = claims.body
    assert.deepEqual(named, {
      iss: hub.origin,
      sub: mia.id,
      aud: `${hub.origin}/mcp`,
      client_id: hub.clientId,
      scope: 'text:read text:write',
    })
    assert.equal(Number(exp) - Number(iat), 600)
    assert.ok(typeof jti === 'string' && typeof sid === 'string')
    const caller = await hub.whoIs(body['access_token'])
    assert.partialDeepStrictEqual(caller, {
      id: mia.id,
      role: 'child',
      scopes: ['text:read', 'text:write'],
      credential: sid,
    })
    assert.partialDeepStrictEqual(hub.notes, [
      { kind: 'consent.given', who: { id: mia.id, name: 'mia', credential: sid } },
    ])
  })

  test('who has nothing but the hub’s own token lets a client in with that', async (t) => {
    const hub = await start(t)
    const browser = new TestBrowser()
    const login = await browser.open(hub.authorizeUrl())
    const consent = await browser.submit(login, [
      ['how', 'token'],
      ['token', OWNER_TOKEN],
    ])
    const back = await hub.allow(browser, consent, 'text:read')
    const { body } = await hub.redeem(new URL(back.url).searchParams.get('code') ?? '')
    assert.partialDeepStrictEqual(await hub.whoIs(body['access_token']), { id: 'owner', scopes: ['text:read'] })
  })

  test('the page says who asks, for what, for whom, and where it goes', async (t) => {
    const hub = await start(t)
    await hub.addMia()
    const browser = new TestBrowser()
    const consent = await hub.signInAs(
      browser,
      await browser.open(hub.authorizeUrl({ scope: 'text:write text:read people:write' })),
    )
    for (const part of [
      'Test client',
      '127.0.0.1:9876',
      'mia',
      'burn_note',
      'can delete',
      'people:write',
      'gave itself this name',
    ])
      assert.ok(consent.text.includes(part), part)
    assert.doesNotMatch(consent.text, /value="people:write"/, 'what cannot be given cannot be ticked')
  })

  test('unticking gives less; what was not asked for or may not be given cannot be added', async (t) => {
    const hub = await start(t)
    await hub.addMia()
    const browser = new TestBrowser()
    const consent = await hub.signInAs(
      browser,
      await browser.open(hub.authorizeUrl({ scope: 'text:read text:write people:write' })),
    )
    const none = await hub.allow(browser, consent, 'people:write', '*', 'lamps:read')
    assert.equal(none.response.status, 400)
    const back = await hub.allow(browser, none, 'text:read', 'people:write', '*')
    const { body } = await hub.redeem(new URL(back.url).searchParams.get('code') ?? '')
    assert.equal(body['scope'], 'text:read')
  })

  test('scopes within bounds come with their bounds', async (t) => {
    const hub = await start(t)
    await hub.addMia(['text:*@room/kitchen'])
    const browser = new TestBrowser()
    const consent = await hub.signInAs(browser, await browser.open(hub.authorizeUrl()))
    assert.match(consent.text, /room kitchen only/)
    const back = await hub.allow(browser, consent, 'text:read@room/kitchen')
    const { body } = await hub.redeem(new URL(back.url).searchParams.get('code') ?? '')
    assert.equal(body['scope'], 'text:read@room/kitchen')
    assert.deepEqual((await hub.whoIs(body['access_token'])).scopes, ['text:read@room/kitchen'])
  })

  test('a pairing code gives no more than it was made for', async (t) => {
    const hub = await start(t)
    const { id } = await hub.addMia()
    const { code } = await hub.people.pair(id, { scopes: ['text:read'], createdBy: 'owner', lifeMs: 60_000 })
    const browser = new TestBrowser()
    const login = await browser.open(hub.authorizeUrl({ scope: 'text:read text:write *' }))
    const consent = await browser.submit(login, [
      ['how', 'code'],
      ['code', code],
    ])
    const back = await hub.allow(browser, consent, 'text:read', 'text:write', '*')
    const { body } = await hub.redeem(new URL(back.url).searchParams.get('code') ?? '')
    assert.equal(body['scope'], 'text:read')
  })

  test('more is asked for again, and keeps what was granted before', async (t) => {
    const hub = await start(t)
    await hub.addMia()
    const browser = new TestBrowser()
    await hub.logIn(browser)
    const again = await browser.open(hub.authorizeUrl({ scope: 'text:write' }))
    assert.match(again.text, /Let Test client in/)
    const back = await hub.allow(browser, again, 'text:read', 'text:write')
    const { body } = await hub.redeem(new URL(back.url).searchParams.get('code') ?? '')
    assert.deepEqual(String(body['scope']).split(' ').sort(), ['text:read', 'text:write'])
  })

  test('refresh tokens are spent by their use; one shown twice ends all of its grant', async (t) => {
    const hub = await start(t)
    await hub.addMia()
    const first = await hub.redeem((await hub.logIn()).get('code') ?? '')
    const second = await hub.refresh(first.body['refresh_token'])
    assert.equal(second.status, 200, JSON.stringify(second.body))
    await hub.whoIs(second.body['access_token'])
    const replayed = await hub.refresh(first.body['refresh_token'])
    assert.deepEqual([replayed.status, replayed.body['error']], [400, 'invalid_grant'])
    assert.equal((await hub.refresh(second.body['refresh_token'])).body['error'], 'invalid_grant')
    await assert.rejects(hub.whoIs(second.body['access_token']), { code: 'unauthenticated' })
  })

  test('of two uses at once one wins at most, and what it won ends', async (t) => {
    const hub = await start(t)
    await hub.addMia()
    const { body } = await hub.redeem((await hub.logIn()).get('code') ?? '')
    const both = await Promise.all([hub.refresh(body['refresh_token']), hub.refresh(body['refresh_token'])])
    const won = both.filter(({ status }) => status === 200)
    assert.ok(won.length <= 1)
    for (const { body: tokens } of won) {
      await assert.rejects(async () => hub.whoIs(tokens['access_token']), { code: 'unauthenticated' })
      assert.equal((await hub.refresh(tokens['refresh_token'])).body['error'], 'invalid_grant')
    }
  })

  test('revocation ends access tokens before they expire, by either token, for their own client alone', async (t) => {
    const hub = await start(t)
    await hub.addMia()
    for (const kind of ['access_token', 'refresh_token']) {
      const { body } = await hub.redeem((await hub.logIn()).get('code') ?? '')
      const token = String(body[kind])
      await hub.ask('/oauth/revoke', { token, client_id: 'somebody-else' })
      await hub.whoIs(body['access_token'])
      assert.equal((await hub.ask('/oauth/revoke', { token, client_id: hub.clientId })).status, 200)
      await assert.rejects(hub.whoIs(body['access_token']), { code: 'unauthenticated' })
      assert.equal((await hub.refresh(body['refresh_token'])).body['error'], 'invalid_grant')
    }
    assert.equal((await hub.ask('/oauth/revoke', { token: 'none', client_id: hub.clientId })).status, 200)
  })

  test('whoever is disabled, or has another password, renews nothing', async (t) => {
    const hub = await start(t)
    const { id } = await hub.addMia()
    const { body } = await hub.redeem((await hub.logIn()).get('code') ?? '')
    await hub.people.change(id, { isDisabled: true })
    assert.equal((await hub.refresh(body['refresh_token'])).body['error'], 'invalid_grant')
  })

  test('keys that rotate sign what comes after, and the old ones still verify', async (t) => {
    const hub = await start(t)
    await hub.addMia()
    const { body } = await hub.redeem((await hub.logIn()).get('code') ?? '')
    await hub.logins.keys.rotate()
    const next = await hub.refresh(body['refresh_token'])
    assert.equal(claimsOf(next.body['access_token']).head['kid'], hub.logins.keys.private()[0]?.kid)
    await hub.whoIs(next.body['access_token'])
    await hub.whoIs(body['access_token'])
  })
})
