import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import { connect } from 'mqtt'
import { cleanUps } from '../../src/testing/mqtt-toolkit.ts'
import type { TestHub } from '../support/hub.ts'
import { ask, bearer, codeOf, outcomeOf } from './support/ask.ts'
import { logInAt, PASSWORD, startHome, type AttackedHome, type Login } from './support/home.ts'
import { oauthClient, type OAuthClient } from './support/oauth-client.ts'
import { entered, modernCall } from './support/ways.ts'

/** Who tries it, by what they came with. */
type Who =
  | 'anna'
  | 'kim'
  | 'gus'
  /** Looks after people, and is no owner. */
  | 'warden'
  /** A child who looks after people. */
  | 'prefect'
  /** An owner's token that was given away for people alone. */
  | 'olgas helper'
  /** A token of nobody in particular, which may make others. */
  | 'nobodys'
  /** A guest of the kitchen who may make tokens. */
  | 'cook'
  /** A token of anna's for little. */
  | 'annas narrow'
  /** A program that anna let in with all that she may. */
  | 'annas program'

const FORBIDDEN = 'forbidden'
const INVALID = 'invalid_input'
const HIDDEN = 'not_found'

type Row = readonly [who: Who, operation: string, input: object, refusal: string]

/** Whoever hands on more than they have, makes somebody who may more, or becomes them. */
const ROWS: readonly Row[] = [
  // Tokens that may more than their maker.
  ['anna', 'tokens.create_token', { name: 'loot', scopes: ['*'] }, FORBIDDEN],
  ['anna', 'tokens.create_token', { name: 'loot', scopes: ['people:write'] }, FORBIDDEN],
  ['anna', 'tokens.create_token', { name: 'loot', scopes: ['mqtt:read', 'audit:read'] }, FORBIDDEN],
  ['anna', 'tokens.create_token', { name: 'loot', scopes: ['mqtt:read'], for: 'olga' }, FORBIDDEN],
  ['anna', 'tokens.create_token', { name: 'loot', scopes: ['mqtt:read'], for: 'kim' }, FORBIDDEN],
  ['annas narrow', 'tokens.create_token', { name: 'loot', scopes: ['mqtt:*'] }, FORBIDDEN],
  ['annas narrow', 'tokens.create_token', { name: 'loot', scopes: ['mqtt:*'], for: 'anna' }, FORBIDDEN],
  ['annas program', 'tokens.create_token', { name: 'loot', scopes: ['mqtt:read'] }, FORBIDDEN],
  ['nobodys', 'tokens.create_token', { name: 'loot', scopes: ['mqtt:read'], for: 'olga' }, FORBIDDEN],
  ['kim', 'tokens.create_token', { name: 'loot', scopes: ['mqtt:read'] }, FORBIDDEN],
  // Bounds that are let go of, swapped or written otherwise.
  ['cook', 'tokens.create_token', { name: 'loot', scopes: ['mqtt:*'] }, FORBIDDEN],
  ['cook', 'tokens.create_token', { name: 'loot', scopes: ['mqtt:read'] }, FORBIDDEN],
  ['cook', 'tokens.create_token', { name: 'loot', scopes: ['mqtt:*@room/hall'] }, FORBIDDEN],
  ['cook', 'tokens.create_token', { name: 'loot', scopes: ['mqtt:*@room/Kitchen'] }, FORBIDDEN],
  ['cook', 'tokens.create_token', { name: 'loot', scopes: ['mqtt:*@device/lock-1'] }, FORBIDDEN],
  ['cook', 'tokens.create_token', { name: 'loot', scopes: ['*@room/kitchen'] }, FORBIDDEN],
  ['cook', 'tokens.create_token', { name: 'loot', scopes: ['mqtt:*@room/kitchen@'] }, INVALID],
  ['cook', 'tokens.create_token', { name: 'loot', scopes: ['mqtt:*@room/kitchen/../hall'] }, INVALID],
  ['cook', 'tokens.create_token', { name: 'loot', scopes: ['mqtt:*@Room/kitchen'] }, INVALID],
  ['cook', 'tokens.create_token', { name: 'loot', scopes: ['mqtt:* '] }, INVALID],
  ['cook', 'tokens.create_token', { name: 'loot', scopes: ['mqtt:*\n*'] }, INVALID],
  ['cook', 'tokens.create_token', { name: 'loot', scopes: ['MQTT:*'] }, INVALID],
  ['cook', 'tokens.create_token', { name: 'loot', scopes: ['*:*'] }, INVALID],
  ['cook', 'tokens.create_token', { name: 'loot', scopes: ['**'] }, INVALID],
  ['cook', 'tokens.create_token', { name: 'loot', scopes: [] }, INVALID],
  ['cook', 'tokens.create_token', { name: 'loot', scopes: '*' }, INVALID],
  // Ending what may more.
  ['anna', 'tokens.revoke_token', { name: 'olgas token' }, HIDDEN],
  ['anna', 'tokens.revoke_token', { name: 'kims token' }, HIDDEN],
  ['annas narrow', 'tokens.revoke_token', { name: 'annas token' }, FORBIDDEN],
  // People who look after people.
  ['kim', 'people.change_person', { name: 'kim', role: 'adult' }, FORBIDDEN],
  ['kim', 'people.add_person', { name: 'loot', role: 'guest' }, FORBIDDEN],
  ['prefect', 'people.change_person', { name: 'prefect', role: 'adult' }, FORBIDDEN],
  ['prefect', 'people.change_person', { name: 'prefect', role: 'service', scopes: ['people:*'] }, FORBIDDEN],
  ['prefect', 'people.change_person', { name: 'prefect', role: 'owner' }, FORBIDDEN],
  ['prefect', 'people.change_person', { name: 'prefect', scopes: ['*'] }, FORBIDDEN],
  ['prefect', 'people.add_person', { name: 'loot', role: 'adult', scopes: ['mqtt:read'] }, FORBIDDEN],
  ['prefect', 'people.add_person', { name: 'loot', role: 'service', scopes: ['mqtt:read'] }, FORBIDDEN],
  ['prefect', 'people.set_password', { name: 'anna', password: PASSWORD }, FORBIDDEN],
  ['prefect', 'people.pair', { name: 'anna' }, FORBIDDEN],
  ['warden', 'people.add_person', { name: 'loot', role: 'owner' }, FORBIDDEN],
  ['warden', 'people.add_person', { name: 'loot', role: 'owner', scopes: ['people:read'] }, FORBIDDEN],
  ['warden', 'people.add_person', { name: 'loot', role: 'guest', scopes: ['*'] }, FORBIDDEN],
  ['warden', 'people.change_person', { name: 'warden', role: 'owner' }, FORBIDDEN],
  ['warden', 'people.change_person', { name: 'warden', scopes: ['*'] }, FORBIDDEN],
  ['warden', 'people.change_person', { name: 'anna', disabled: true }, FORBIDDEN],
  ['warden', 'people.change_person', { name: 'olga', disabled: true }, FORBIDDEN],
  ['warden', 'people.change_person', { name: 'olga', role: 'guest' }, FORBIDDEN],
  ['warden', 'people.change_person', { name: 'olga', new_name: 'loot' }, FORBIDDEN],
  ['warden', 'people.remove_person', { name: 'olga' }, FORBIDDEN],
  ['warden', 'people.set_password', { name: 'olga', password: PASSWORD }, FORBIDDEN],
  ['warden', 'people.set_password', { name: 'anna', password: PASSWORD }, FORBIDDEN],
  ['warden', 'people.pair', { name: 'olga' }, FORBIDDEN],
  ['warden', 'people.pair', { name: 'anna', scopes: ['people:own'] }, FORBIDDEN],
  ['olgas helper', 'people.add_person', { name: 'loot', role: 'owner' }, FORBIDDEN],
  ['olgas helper', 'people.change_person', { name: 'gus', scopes: ['*'] }, FORBIDDEN],
  ['olgas helper', 'people.set_password', { name: 'olga', password: PASSWORD }, INVALID],
  ['olgas helper', 'people.pair', { name: 'olga' }, FORBIDDEN],
  ['olgas helper', 'tokens.create_token', { name: 'loot', scopes: ['*'] }, FORBIDDEN],
  // Names that mean somebody else at the broker, or nobody.
  ['warden', 'people.add_person', { name: 'alicia', role: 'guest' }, 'conflict'],
  ['warden', 'people.add_person', { name: 'hub', role: 'guest' }, 'conflict'],
  ['warden', 'people.add_person', { name: 'phone', role: 'guest' }, 'conflict'],
  ['warden', 'people.add_person', { name: 'a/b', role: 'guest' }, INVALID],
  ['warden', 'people.add_person', { name: '+', role: 'guest' }, INVALID],
  ['warden', 'people.add_person', { name: '#', role: 'guest' }, INVALID],
  ['warden', 'people.add_person', { name: 'Anna', role: 'guest' }, 'conflict'],
  ['warden', 'people.add_person', { name: 'аnna', role: 'guest' }, INVALID],
  ['warden', 'people.add_person', { name: 'anna', role: 'guest' }, 'conflict'],
  ['warden', 'people.add_person', { name: '__proto__', role: 'guest' }, INVALID],
  ['warden', 'people.change_person', { name: 'gus', new_name: 'alicia' }, 'conflict'],
  ['warden', 'people.change_person', { name: 'gus', new_name: 'phone' }, 'conflict'],
  // Becoming all of whom one has a part.
  ['annas narrow', 'people.set_password', { password: 'another-harbour-loudly-95' }, INVALID],
  ['annas narrow', 'people.pair', {}, FORBIDDEN],
  ['annas narrow', 'people.pair', { scopes: ['tokens:write', 'mqtt:*'] }, FORBIDDEN],
  ['annas program', 'people.pair', {}, FORBIDDEN],
  ['annas program', 'people.pair', { scopes: ['mqtt:read'] }, FORBIDDEN],
  ['gus', 'people.pair', {}, FORBIDDEN],
  // Keys, records and the hub itself.
  ['anna', 'security.rotate_signing_key', {}, FORBIDDEN],
  ['anna', 'security.create_key', { name: 'loot' }, FORBIDDEN],
  ['anna', 'audit.search_audit', {}, FORBIDDEN],
  ['anna', 'audit.follow_audit', {}, FORBIDDEN],
  ['kim', 'gateway.reload_servers', {}, FORBIDDEN],
  ['kim', 'gateway.approve_tools', { name: 'toys' }, FORBIDDEN],
  ['kim', 'orchestrator.stop_service', { name: 'mqtt' }, FORBIDDEN],
  ['gus', 'health.list_services', {}, FORBIDDEN],
]

/** Models are not told that there is such a thing. */
const NOT_FOR_MODELS = new Set(['gateway.approve_tools', 'people.pair', 'people.set_password'])

suite('more by handing on', () => {
  const ending = cleanUps()
  let home: AttackedHome
  let hub: TestHub
  let client: OAuthClient
  let who: Readonly<Record<Who, string>>
  before(async () => {
    home = await startHome(ending)
    ;({ hub } = home)
    const add = async (name: string, role: string, scopes: readonly string[]) => {
      await hub.result('people.add_person', { name, role, scopes, password: PASSWORD })
      return String((await hub.result('tokens.create_token', { name: `${name}s`, scopes: ['*'], for: name }))['token'])
    }
    client = await oauthClient(hub)
    const { body } = await client.redeem(await client.code('anna', 'mqtt:* tokens:* people:own'))
    who = {
      ...home.tokens,
      warden: await add('warden', 'adult', ['people:*', 'mqtt:*@room/kitchen']),
      prefect: await add('prefect', 'child', ['people:*', 'mqtt:*']),
      cook: await add('cook', 'guest', ['tokens:*', 'mqtt:*@room/kitchen']),
      'olgas helper': await home.lend('olga', 'olgas helper', ['people:*', 'tokens:*']),
      'annas narrow': await home.lend('anna', 'annas narrow', ['tokens:*', 'people:own', 'mqtt:read']),
      nobodys: String(
        (await hub.result('tokens.create_token', { name: 'nobodys', scopes: ['tokens:*', 'mqtt:read'] }))['token'],
      ),
      'annas program': String(body['access_token']),
    }
  })
  after(() => ending.run())

  /** All of whom there are, with what they may and what they could get in with. */
  const everything = async () => {
    const asked = ['people.list_people', 'people.list_pairings', 'tokens.list_tokens']
    const answers = await Promise.all(asked.map((operation) => hub.result(operation)))
    return JSON.stringify(answers).replaceAll(/,"last_used_on":"[^"]*"/g, '')
  }

  const described = ([name, operation, input]: Row) => `${name} ${operation} ${JSON.stringify(input)}`
  const refuses = async (ask: (row: Row) => Promise<string>, expected: (row: Row) => string) => {
    const before = await everything()
    const outcomes: Record<string, string> = {}
    for (const row of ROWS) outcomes[described(row)] = await ask(row)
    assert.deepEqual(outcomes, Object.fromEntries(ROWS.map((row) => [described(row), expected(row)])))
    assert.equal(await everything(), before)
  }

  test('REST: refused, and all is as it was', () =>
    refuses(
      async ([name, operation, input]) => {
        const { body } = await hub.call(operation, input, { token: who[name] })
        return codeOf(JSON.stringify(body))
      },
      ([, , , refusal]) => refusal,
    ))

  test('MCP: the same, and less of it', () =>
    refuses(
      async ([name, operation, input]) => {
        const { headers, body } = modernCall(operation, input)
        return codeOf((await ask(hub, '/mcp', { headers: { ...headers, ...bearer(who[name]) }, body })).text)
      },
      ([, operation, , refusal]) => (NOT_FOR_MODELS.has(operation) ? 'unknown_operation' : refusal),
    ))

  test('what a token made ends with it, and no later', async () => {
    const make = async (token: string, name: string, more: object = {}) =>
      await hub.result('tokens.create_token', { name, scopes: ['tokens:write', 'mqtt:read'], ...more }, { token })
    const first = await make(home.tokens.anna, 'first', { expires_in_days: 1 })
    const second = await make(String(first['token']), 'second', { expires_in_days: 3650 })
    const third = await make(String(second['token']), 'third')
    assert.equal(third['expires_at'], first['expires_at'])
    await hub.result('tokens.revoke_token', { name: 'first' }, { token: home.tokens.anna })
    for (const { token } of [first, second, third])
      assert.equal((await hub.call('mqtt.ping', {}, { token: String(token) })).status, 401)
  })

  test('a login gives no more than was asked for, and no more than its person may', async () => {
    const asked: readonly (readonly [name: string, scope: string, outcome: string | RegExp])[] = [
      ['kim', 'people:write', '403 forbidden'],
      ['gus', 'mqtt:* @room/kitchen', '400 invalid_input'],
      ['anna', 'crypto:write', '403 forbidden'],
      // All there is, which is not all.
      ['kim', '*', /^mqtt:\* devices:\*/],
      ['gus', '*', /^mqtt:\*@room\/kitchen$/],
      // What is in both rooms.
      ['gus', 'mqtt:*@room/hall', /^mqtt:\*@room\/hall@room\/kitchen$/],
      ['gus', 'mqtt:*', /^mqtt:\*@room\/kitchen$/],
      ['anna', 'mqtt:read crypto:write', /^mqtt:read$/],
    ]
    for (const [name, scope, outcome] of asked) {
      const answer = await ask(hub, '/auth/login', { body: { name, password: PASSWORD, scope } })
      if (typeof outcome === 'string') assert.equal(outcomeOf(answer), outcome, `${name} ${scope}`)
      else assert.match((JSON.parse(answer.text) as Login).scope, outcome, `${name} ${scope}`)
    }
    const { access_token: narrow, refresh_token } = await logInAt(hub, 'anna', { scope: 'mqtt:read' })
    for (const token of [narrow, await renewed(refresh_token)])
      assert.equal((await hub.call('health.list_services', {}, { token })).status, 403)
  })
  const renewed = async (refresh_token: string) => {
    const { text } = await ask(hub, '/auth/refresh', { body: { refresh_token, scope: '*' } })
    if (codeOf(text) === 'ok') return (JSON.parse(text) as { access_token: string }).access_token
    const again = await ask(hub, '/auth/refresh', { body: { refresh_token } })
    return (JSON.parse(again.text) as { access_token: string }).access_token
  }

  /** A program asks; somebody ticks, or edits the form; what the token may. */
  const GRANTS: readonly (readonly [
    name: 'kim' | 'gus' | 'anna',
    asked: string,
    sent: readonly string[],
    granted: string | undefined,
  ])[] = [
    ['kim', '*', ['*'], undefined],
    ['kim', 'people:write approvals:write', ['people:write', 'approvals:write'], undefined],
    ['kim', 'mqtt:read', ['mqtt:read', 'people:write', '*'], 'mqtt:read'],
    ['kim', 'mqtt:read', ['mqtt:*'], undefined],
    ['kim', 'mqtt:read people:write', ['people:write'], undefined],
    ['gus', 'mqtt:read', ['mqtt:read'], undefined],
    ['gus', 'mqtt:read', ['mqtt:read@room/hall'], undefined],
    ['gus', 'mqtt:read', ['mqtt:read@room/kitchen', 'mqtt:read', '*@room/kitchen'], 'mqtt:read@room/kitchen'],
    ['anna', 'crypto:write audit:read', ['crypto:write', 'audit:read'], undefined],
    ['anna', 'mqtt:read', ['mqtt:read openid', 'mqtt:read\tcrypto:write', 'mqtt:read'], 'mqtt:read'],
  ]
  test('OAuth: no more than was asked for and than the person may, whatever the form says', async () => {
    for (const [name, asked, sent, granted] of GRANTS) {
      const what = `${name} ${asked} ${sent.join(',')}`
      const consent = await client.consent(name, { scope: asked })
      const { back } = await consent.allow(sent)
      const code = back.searchParams.get('code')
      assert.equal(code === null, granted === undefined, `${what}: ${back.href}`)
      if (code === null) continue
      const { body } = await client.redeem(code)
      assert.equal(body['scope'], granted, what)
      const more = await client.refresh(body['refresh_token'], { scope: `${granted} crypto:write` })
      assert.notEqual(more.status, 200, what)
    }
  })

  test('OAuth: a token for one profile makes none for another', async () => {
    const resource = `${hub.urls.mcp}/kids`
    const { body } = await client.redeem(await client.code('anna', 'mqtt:read', { resource }), { resource })
    for (const other of [hub.urls.mcp, `${hub.urls.mcp}/work`, 'https://evil.example/mcp']) {
      const answer = await client.refresh(body['refresh_token'], { resource: other })
      assert.equal(answer.status, 400, other)
    }
  })

  test('nobody is at the broker as somebody whose name they could not take', async () => {
    for (const username of ['alicia', 'hub', 'session', 'phone', 'alicia/hub', 'identity/owner']) {
      const url = String(hub.urls.mqttWebSocket)
      const asked = connect(url, { username, password: PASSWORD.toUpperCase(), reconnectPeriod: 0 })
      assert.match(String(await entered(asked)), /^CONNACK/, username)
      await asked.endAsync(true)
    }
    const { status } = await ask(hub, '/auth/login', { body: { name: 'owner', password: hub.token } })
    assert.equal(status, 401)
  })

  test('pairing codes are not guessed, and are for nobody else', async () => {
    const { code } = (await hub.call('people.pair', {}, { token: home.tokens.kim })).body
    const tries = [String(code).slice(0, -1), `${String(code)}A`, '', '*', '%', null, [code], { code }]
    for (const pairing_code of tries) {
      const { status } = await ask(hub, '/auth/login', { body: { pairing_code } })
      assert.ok([400, 401].includes(status), JSON.stringify(pairing_code))
    }
    const asked = { pairing_code: code, scope: 'people:write' }
    assert.equal(outcomeOf(await ask(hub, '/auth/login', { body: asked })), '403 forbidden')
  })
})
