import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { startIssuer, type TestIssuer } from '../src/engines/logins/issuer.fixture.ts'
import { cleanUps } from '../src/testing/mqtt-toolkit.ts'
import { emptyHome, startHub, type TestHub } from './support/hub.ts'
import { WAYS } from './support/mcp.ts'

suite('tokens of another issuer', () => {
  const ending = cleanUps()
  let hub: TestHub
  let issuer: TestIssuer

  before(async () => {
    issuer = await startIssuer(ending)
    const home = emptyHome(ending)
    const config = join(home.folder, 'alicia.json')
    const auth = {
      issuer: issuer.issuer,
      people: { 'anna@home.example': 'anna' },
      roleClaim: 'groups',
      roles: { kids: 'child' },
    }
    writeFileSync(config, JSON.stringify({ auth }))
    hub = await startHub(ending, { home, args: ['--config', config] })
    await hub.result('people.add_person', { name: 'anna', role: 'adult' })
  })
  after(() => ending.run())

  const tokenOf = (claims: object) => {
    const nowS = Math.floor(Date.now() / 1000)
    return issuer.sign({ iss: issuer.issuer, aud: hub.urls.http, iat: nowS, exp: nowS + 300, azp: 'app', ...claims })
  }
  const anna = () => tokenOf({ sub: 'a1', email: 'anna@home.example', email_verified: true })

  for (const way of Object.keys(WAYS).filter((name) => name !== 'MCP over stdio'))
    test(`${way}: its people are people here`, async (t) => {
      const assistant = await WAYS[way]?.(t, { ...hub, token: await anna() })
      await assistant?.call('ping')
    })

  test('REST: who it is, by person and by role; and what they may', async () => {
    const who = async (token: string) =>
      await (await fetch(`${hub.urls.http}/auth/validate`, { headers: { authorization: `Bearer ${token}` } })).json()
    const token = await anna()
    assert.partialDeepStrictEqual(await who(token), { name: 'anna', role: 'adult', client: 'app' })
    const kid = await tokenOf({ sub: 'k1', groups: ['kids'], preferred_username: 'ben' })
    assert.partialDeepStrictEqual(await who(kid), { name: 'ben', role: 'child' })
    assert.equal((await hub.call('people.add_person', { name: 'x', role: 'guest' }, { token: kid })).status, 403)
    const logOut = { method: 'POST', headers: { authorization: `Bearer ${token}` } }
    const refused = await fetch(`${hub.urls.http}/auth/logout`, logOut)
    assert.equal(refused.status, 409)
    assert.match(await refused.text(), /token of another issuer.*Log out where you logged in/)
  })

  test('strangers, and tokens for others, are refused', async () => {
    for (const claims of [{ sub: 'x' }, { sub: 'x', groups: ['others'] }, { sub: 'a1', aud: 'https://other.example' }])
      assert.equal((await hub.call('mqtt.ping', {}, { token: await tokenOf(claims) })).status, 401)
  })

  test('while it is away, those with known keys come in', async () => {
    await issuer.goAway()
    assert.equal((await hub.call('mqtt.ping', {}, { token: await anna() })).status, 200)
    await issuer.comeBack()
  })
})
