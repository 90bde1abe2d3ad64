import assert from 'node:assert/strict'
import { once } from 'node:events'
import { request, type IncomingMessage } from 'node:http'
import { text } from 'node:stream/consumers'
import { suite, test } from 'node:test'
import { startAuthorization } from '../../testing/authorization.ts'
import { pkce } from '../../testing/oauth-browser.ts'

const HOME = 'https://home.example'

/** As a proxy with TLS passes it on, or with another name. */
async function ask(address: string, path: string, options: { host?: string; body?: string; headers?: object } = {}) {
  const { host = 'home.example', body, headers = {} } = options
  const asked = request(address + path, { method: body === undefined ? 'GET' : 'POST', headers: { host, ...headers } })
  asked.end(body)
  const [response] = (await once(asked, 'response')) as [IncomingMessage]
  return { status: response.statusCode, headers: response.headers, body: await text(response) }
}

suite('authorization server behind a proxy with TLS', () => {
  test('is the issuer that it says, whatever a request says of scheme and host', async (t) => {
    const { address } = await startAuthorization(t, { tools: [], publicOrigin: HOME })
    for (const headers of [
      {},
      { 'x-forwarded-proto': 'http', 'x-forwarded-host': 'evil.example' },
      { forwarded: 'host=evil.example' },
    ]) {
      const { body } = await ask(address, '/.well-known/oauth-authorization-server', { headers })
      const metadata = JSON.parse(body) as Record<string, unknown>
      assert.equal(metadata['issuer'], HOME)
      for (const [name, value] of Object.entries(metadata))
        if (name.endsWith('_endpoint') || name === 'jwks_uri') assert.ok(String(value).startsWith(`${HOME}/`), name)
    }
  })

  test('cookies are secure, and the session’s belongs to this name alone', async (t) => {
    const { address } = await startAuthorization(t, { tools: [], publicOrigin: HOME })
    const registered = await ask(address, '/oauth/register', {
      body: JSON.stringify({ redirect_uris: ['https://app.example/callback'] }),
      headers: { 'content-type': 'application/json' },
    })
    const { client_id: clientId } = JSON.parse(registered.body) as { client_id: string }
    const query = new URLSearchParams({
      client_id: clientId,
      redirect_uri: 'https://app.example/callback',
      response_type: 'code',
      code_challenge: pkce().challenge,
      code_challenge_method: 'S256',
      resource: `${HOME}/mcp`,
    })
    const { status, headers } = await ask(address, `/oauth/authorize?${query.toString()}`)
    assert.equal(status, 303)
    const cookies = headers['set-cookie'] ?? []
    assert.ok(cookies.length > 0)
    for (const cookie of cookies) {
      assert.match(cookie, /^__(?:Host|Secure)-/)
      assert.match(cookie, /; secure/i)
      assert.match(cookie, /; httponly/i)
      assert.doesNotMatch(cookie, /; domain/i)
      if (cookie.startsWith('__Host-')) assert.match(cookie, /; path=\/(?:;|$)/i)
    }
    const elsewhere = await ask(address, `/oauth/authorize?${query.toString()}`, { host: 'localhost:1' })
    assert.equal(elsewhere.status, 307, 'pages are at the name that the cookies are for')
    assert.equal(new URL(elsewhere.headers.location ?? '').origin, HOME)
  })

  test('the way to that name leads nowhere else', async (t) => {
    const { address } = await startAuthorization(t, { tools: [], publicOrigin: HOME })
    for (const path of ['/oauth/apps?x=//evil.example', '/pair?next=https://evil.example']) {
      const { headers } = await ask(address, path, { host: 'localhost:1' })
      assert.equal(new URL(headers.location ?? '').origin, HOME)
    }
  })

  test('strangers are slowed down by their network', async (t) => {
    const { address } = await startAuthorization(t, { tools: [], publicOrigin: HOME })
    let last: Awaited<ReturnType<typeof ask>> | undefined
    for (let count = 0; count < 40; count++) {
      last = await ask(address, '/oauth/register', { body: '{}', headers: { 'content-type': 'application/json' } })
      if (last.status === 429) break
    }
    assert.equal(last?.status, 429)
    assert.match(last?.headers['retry-after'] ?? '', /^\d+$/)
  })
})
