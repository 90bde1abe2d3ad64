import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { createRemoteJWKSet, jwtVerify } from 'jose'
import { cleanUps } from '../src/testing/mqtt-toolkit.ts'
import { startHub, type TestHub } from './support/hub.ts'
import { WAYS } from './support/mcp.ts'

const PASSWORD = 'violet-harbour-quietly-94'

interface Pair {
  readonly access_token: string
  readonly refresh_token: string
  readonly expires_in: number
  readonly scope: string
}

suite('logging in', () => {
  const ending = cleanUps()
  let hub: TestHub

  before(async () => {
    hub = await startHub(ending, { args: ['--log-level', 'debug'] })
    await hub.result('people.add_person', { name: 'anna', role: 'adult', password: PASSWORD })
  })
  after(() => ending.run())

  const send = (method: string, path: string, options: { token?: string; body?: object; accept?: string } = {}) =>
    fetch(hub.urls.http + path, {
      method,
      headers: {
        ...(options.token !== undefined && { authorization: `Bearer ${options.token}` }),
        ...(options.accept !== undefined && { accept: options.accept }),
        ...(options.body && { 'content-type': 'application/json' }),
      },
      ...(options.body && { body: JSON.stringify(options.body) }),
    })
  const logIn = async (more: object = {}): Promise<Pair> => {
    const response = await send('POST', '/auth/login', { body: { name: 'anna', password: PASSWORD, ...more } })
    const text = await response.text()
    assert.equal(response.status, 200, text)
    return JSON.parse(text) as Pair
  }
  const refresh = (refresh_token: string) => send('POST', '/auth/refresh', { body: { refresh_token } })

  test('name and password give a token that others can verify, and that no cache keeps', async () => {
    const response = await send('POST', '/auth/login', { body: { name: 'anna', password: PASSWORD, client: 'phone' } })
    assert.equal(response.headers.get('cache-control'), 'no-store')
    const pair = (await response.json()) as Pair
    assert.partialDeepStrictEqual(pair, { token_type: 'Bearer', expires_in: 600 })
    const keys = createRemoteJWKSet(new URL('/.well-known/jwks.json', hub.urls.http))
    const { payload } = await jwtVerify(pair.access_token, keys, { typ: 'at+jwt', algorithms: ['EdDSA'] })
    assert.equal(payload['client_id'], 'phone')
    const published = await (await send('GET', '/.well-known/jwks.json')).text()
    assert.doesNotMatch(published, /"d"/)
    const who = await (await send('GET', '/auth/validate', { token: pair.access_token })).json()
    assert.partialDeepStrictEqual(who, { id: payload.sub, name: 'anna', role: 'adult', credential: payload['sid'] })
    const { logins } = (await (await send('GET', '/auth/logins', { token: pair.access_token })).json()) as {
      logins: object[]
    }
    assert.partialDeepStrictEqual(logins, [{ id: payload['sid'], client: 'phone', this_one: true }])
  })

  test('what opens nothing says no more than that', async () => {
    const bodies: [object, number][] = [
      [{ name: 'anna', password: 'another-password-1' }, 401],
      [{ name: 'nobody', password: 'another-password-1' }, 401],
      [{ pairing_code: 'AAAA-BBBB-CCCC' }, 401],
      [{ name: 'anna' }, 400],
      [{}, 400],
      [{ name: 'anna', password: PASSWORD, pairing_code: 'AAAA-BBBB' }, 400],
      [{ name: 'anna', password: PASSWORD, scope: 'everything' }, 400],
      [{ name: 'anna', password: PASSWORD, scope: Array.from({ length: 101 }, (_, at) => `a${at}:b`).join(' ') }, 400],
      [{ name: 'anna', password: PASSWORD, scope: 'crypto:write' }, 403],
      [{ name: 'anna', password: PASSWORD, client: 'a\nb' }, 400],
    ]
    const told = []
    for (const [body, status] of bodies) {
      const response = await send('POST', '/auth/login', { body })
      assert.equal(response.status, status, JSON.stringify(body))
      const { detail } = (await response.json()) as { detail: string }
      assert.ok(!detail.includes(PASSWORD))
      told.push(detail)
    }
    assert.equal(told[0], told[1])
  })

  test('less can be asked for, and is what there is', async () => {
    const { access_token: token, scope } = await logIn({ scope: 'mqtt:read' })
    assert.equal(scope, 'mqtt:read')
    assert.equal((await hub.call('mqtt.ping', {}, { token })).status, 200)
    assert.equal((await hub.call('mqtt.establish_connection', {}, { token })).status, 403)
  })

  test('a pairing code lets in once', async () => {
    const { code } = await hub.result('people.pair', { name: 'anna', scopes: ['mqtt:read'] })
    const first = await send('POST', '/auth/login', { body: { pairing_code: code } })
    assert.equal(first.status, 200)
    assert.equal(((await first.json()) as Pair).scope, 'mqtt:read')
    assert.equal((await send('POST', '/auth/login', { body: { pairing_code: code } })).status, 401)
  })

  test('a refresh token is good once; shown again it ends the login', async () => {
    const first = await logIn()
    const response = await refresh(first.refresh_token)
    assert.equal(response.headers.get('cache-control'), 'no-store')
    const second = (await response.json()) as Pair
    assert.equal((await hub.call('mqtt.ping', {}, { token: second.access_token })).status, 200)
    assert.equal((await refresh(first.refresh_token)).status, 401)
    for (const token of [first.access_token, second.access_token])
      assert.equal((await hub.call('mqtt.ping', {}, { token })).status, 401)
    assert.equal((await refresh(second.refresh_token)).status, 401)
  })

  test('one login on every way in, until it is logged out', async (t) => {
    const { access_token: token, refresh_token: next } = await logIn()
    const ways = Object.entries(WAYS).filter(([name]) => name !== 'MCP over stdio')
    const assistants = await Promise.all(ways.map(([, connect]) => connect(t, { ...hub, token })))
    for (const assistant of assistants) {
      await assistant.call('ping')
      const tools = await assistant.tools()
      for (const hidden of ['login', 'refresh', 'validate', 'logout']) assert.ok(!tools.includes(hidden), hidden)
      await assert.rejects(assistant.call('login', { name: 'anna', password: PASSWORD }), /no tool called|unknown/i)
    }
    const stream = () => send('POST', '/api/mqtt/ping', { token, body: {}, accept: 'text/event-stream' })
    const streamed = await stream()
    assert.equal(streamed.status, 200)
    assert.match(await streamed.text(), /event: result/)

    assert.equal((await send('POST', '/auth/logout', { token })).status, 200)
    assert.equal((await hub.call('mqtt.ping', {}, { token })).status, 401)
    assert.equal((await stream()).status, 401)
    for (const [at, assistant] of assistants.entries())
      await assert.rejects(assistant.call('ping'), /./, `${ways[at]?.[0]} goes on`)
    for (const [name, connect] of ways) await assert.rejects(connect(t, { ...hub, token }), /./, name)
    assert.equal((await refresh(next)).status, 401)
  })

  test('a lost phone is ended from another', async () => {
    const [lost, other] = [await logIn({ client: 'lost phone' }), await logIn({ client: 'laptop' })]
    const { logins } = (await (await send('GET', '/auth/logins', { token: other.access_token })).json()) as {
      logins: { id: string; client: string }[]
    }
    const id = logins.find(({ client }) => client === 'lost phone')?.id
    const narrow = await logIn({ scope: 'people:own', client: 'gadget' })
    assert.equal((await send('DELETE', `/auth/logins/${id}`, { token: narrow.access_token })).status, 403)
    assert.equal((await send('DELETE', `/auth/logins/${id}`, { token: other.access_token })).status, 200)
    assert.equal((await hub.call('mqtt.ping', {}, { token: lost.access_token })).status, 401)
    assert.equal((await hub.call('mqtt.ping', {}, { token: other.access_token })).status, 200)
  })

  test('logging out everywhere takes as much as there is to end, and ends all of it', async () => {
    const [narrow, phone, laptop] = [await logIn({ scope: 'people:own' }), await logIn(), await logIn()]
    assert.equal((await send('DELETE', '/auth/logins', { token: narrow.access_token })).status, 403)
    assert.equal((await send('DELETE', '/auth/logins?name=owner', { token: phone.access_token })).status, 403)
    assert.equal((await send('DELETE', '/auth/logins', { token: phone.access_token })).status, 200)
    for (const { access_token: token, refresh_token: next } of [narrow, phone, laptop]) {
      assert.equal((await hub.call('mqtt.ping', {}, { token })).status, 401)
      assert.equal((await refresh(next)).status, 401)
    }
  })

  test('another password, or being disabled, ends what there was', async () => {
    for (const change of [
      () => hub.result('people.set_password', { name: 'anna', password: PASSWORD }),
      () => hub.result('people.change_person', { name: 'anna', disabled: true }),
    ]) {
      const pair = await logIn()
      await change()
      assert.equal((await hub.call('mqtt.ping', {}, { token: pair.access_token })).status, 401)
      assert.equal((await refresh(pair.refresh_token)).status, 401)
    }
    await hub.result('people.change_person', { name: 'anna', disabled: false })
  })

  test('after a rotation of the key both keys are published, and old tokens are good', async () => {
    const { access_token: token } = await logIn()
    await hub.result('security.rotate_signing_key')
    const { keys } = (await (await send('GET', '/.well-known/jwks.json')).json()) as { keys: object[] }
    assert.equal(keys.length, 2)
    assert.equal((await hub.call('mqtt.ping', {}, { token })).status, 200)
    assert.equal((await hub.call('mqtt.ping', {}, { token: (await logIn()).access_token })).status, 200)
  })

  test('who is refused over REST hears where to get a token, and for what', async () => {
    const { access_token: narrow } = await logIn({ scope: 'mqtt:read' })
    for (const [token, path, status, says] of [
      [undefined, '/api/mqtt/ping', 401, /^Bearer realm="alicia", resource_metadata/],
      ['wrong', '/api/mqtt/ping?session_id=x', 401, /error="invalid_token"/],
      [narrow, '/api/mqtt/publish_message', 403, /error="insufficient_scope", scope="mqtt:write"/],
    ] as const) {
      const response = await send('POST', path, {
        ...(token && { token }),
        body: { session_id: 's', topic: 't', payload: '' },
      })
      assert.equal(response.status, status)
      const challenge = response.headers.get('www-authenticate') ?? ''
      assert.match(challenge, says)
      const metadata = await fetch(/resource_metadata="([^"]+)"/.exec(challenge)?.[1] ?? '')
      assert.partialDeepStrictEqual(await metadata.json(), {
        resource: hub.urls.http,
        authorization_servers: [hub.urls.http],
      })
    }
  })

  test('those without a token, and tokens that are no login, cannot log out', async () => {
    assert.equal((await send('GET', '/auth/validate')).status, 401)
    assert.equal((await send('POST', '/auth/logout')).status, 401)
    assert.equal((await send('POST', '/auth/logout', { token: hub.token })).status, 409)
  })

  test('no password and no token is in the log, or in any file of the data folder', async () => {
    const pair = await logIn()
    await refresh(pair.refresh_token)
    await refresh(pair.refresh_token)
    const secrets = [PASSWORD, pair.access_token, pair.refresh_token.slice('alicia_refresh_'.length)]
    const texts = [hub.stdout(), hub.stderr()]
    for (const file of readdirSync(hub.home.data, { recursive: true, withFileTypes: true }))
      if (file.isFile()) texts.push(readFileSync(join(file.parentPath, file.name), 'latin1'))
    assert.match(texts[1] ?? '', /shown a second time/)
    for (const secret of secrets)
      for (const text of texts) assert.ok(!text.includes(secret), 'a secret is written somewhere')
  })
})
