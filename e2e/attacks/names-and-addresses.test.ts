import assert from 'node:assert/strict'
import process from 'node:process'
import { after, before, suite, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { cleanUps } from '../../src/testing/mqtt-toolkit.ts'
import type { TestHub } from '../support/hub.ts'
import { ask, bearer, outcomeOf, type Sent } from './support/ask.ts'
import { startHome, type AttackedHome } from './support/home.ts'
import { INITIALIZE, legacyCall, modernCall } from './support/ways.ts'

const IMPOSTOR = fileURLToPath(new URL('support/impostor.child.ts', import.meta.url))
const LOOT = { name: 'loot', role: 'guest' }

suite('more by another name', () => {
  const ending = cleanUps()
  let home: AttackedHome
  let hub: TestHub
  /** May call others on, and look at how the hub is. */
  let narrow: string
  /** May what the profile has, wherever it is called. */
  let ofKids: string
  before(async () => {
    home = await startHome(ending, {
      impostor: { command: process.execPath, args: [IMPOSTOR], alicia: { profiles: ['kids'] } },
    })
    ;({ hub } = home)
    narrow = await home.lend('anna', 'narrow', ['lb:use', 'capabilities:use', 'catalog:*', 'health:read', 'mqtt:read'])
    ofKids = await home.lend('anna', 'of kids', ['*@profile/kids'])
  })
  after(() => ending.run())

  const people = async () => {
    const { people: all } = (await hub.result('people.list_people')) as { people: { name: string; role: string }[] }
    return all.map(({ name, role }) => `${name} ${role}`).sort()
  }
  const UNCHANGED = ['anna adult', 'gus guest', 'kim child', 'olga owner', 'robo service']

  const FORBIDDEN = '403 forbidden'
  const NOWHERE = '404 not_found'
  const ODD = '400 invalid_request'
  const OTHERWISE = '405 method_not_allowed'

  /** Paths that somebody who lacks the scope tries; the same word for all that lead there, and nothing for what leads nowhere. */
  const PATHS: readonly (readonly [target: string, refusal: string, sent?: Sent])[] = [
    ['/api/people/add_person', FORBIDDEN],
    ['/people', FORBIDDEN],
    ['/people?', FORBIDDEN],
    ['/api/people/%61dd_person', FORBIDDEN],
    ['/%70eople', FORBIDDEN],
    ['/api/people/add_person#', FORBIDDEN],
    ['/api/People/add_person', NOWHERE],
    ['/api/people/ADD_PERSON', NOWHERE],
    ['/API/people/add_person', NOWHERE],
    ['/api/people/add_person/', NOWHERE],
    ['/api/people/add_person.', NOWHERE],
    ['/api/people/add_person%20', NOWHERE],
    ['/api/people/add_person%00', NOWHERE],
    ['/api/people/add_person;x=1', NOWHERE],
    ['/api/people/add-person', NOWHERE],
    ['/api/people.add_person', NOWHERE],
    ['/api/people%2Fadd_person', NOWHERE],
    ['/api/people%5Cadd_person', NOWHERE],
    ['/api//people/add_person', NOWHERE],
    ['/api/mqtt/people.add_person', NOWHERE],
    ['/api/mqtt/..%2Fpeople%2Fadd_person', NOWHERE],
    ['/api/people/%D0%B0dd_person', NOWHERE],
    ['/api/people/%EF%BD%81dd_person', NOWHERE],
    ['/api/people/%C0%AE', ODD],
    ['/api/people/%', ODD],
    ['/api/__proto__/constructor', NOWHERE],
    ['/api/toys/*', NOWHERE],
    ['/api/impostor/add_person', FORBIDDEN],
    ['/api/mqtt/../people/add_person', FORBIDDEN],
    ['/api/mqtt/%2e%2e/people/add_person', FORBIDDEN],
    ['/api/./people/add_person', FORBIDDEN],
    ['/mcp/../people', FORBIDDEN],
    ['http://127.0.0.1/people', ODD],
    ['/people/kim', OTHERWISE, { headers: { 'x-http-method-override': 'PUT' } }],
    ['/people/kim', OTHERWISE, { headers: { 'x-http-method': 'PUT', 'x-method-override': 'PUT' } }],
    ['/people/kim?_method=PUT', OTHERWISE],
    ['/people', FORBIDDEN, { method: 'GET', headers: { 'x-http-method-override': 'POST' } }],
    ['/people/anna', FORBIDDEN, { method: 'DELETE' }],
    ['/people', OTHERWISE, { method: 'PATCH' }],
    ['/people', FORBIDDEN, { headers: { 'x-original-url': '/api/mqtt/ping', 'x-rewrite-url': '/api/mqtt/ping' } }],
    ['/api/mqtt/nothing', NOWHERE, { headers: { 'x-original-url': '/people', 'x-rewrite-url': '/people' } }],
  ]
  test('REST: whatever the path looks like, it is refused or leads nowhere', async () => {
    for (const [target, refusal, sent = {}] of PATHS) {
      const method = sent.method ?? 'POST'
      const headers = { ...bearer(home.tokens.kim), ...sent.headers }
      const body = method === 'GET' || method === 'DELETE' ? {} : { body: LOOT }
      const what = `${method} ${target} ${JSON.stringify(sent.headers ?? {})}`
      assert.equal(outcomeOf(await ask(hub, target, { method, headers, ...body })), refusal, what)
    }
    assert.deepEqual(await people(), UNCHANGED)
  })

  const NO_TOOL = '200 unknown_operation'
  /** Names of tools over MCP, and what somebody hears who lacks the scope. */
  const NAMES: readonly (readonly [name: string, refusal: string])[] = [
    ['add_person', FORBIDDEN],
    ['people.add_person', FORBIDDEN],
    ['impostor_add_person', FORBIDDEN],
    ['impostor.add_person', FORBIDDEN],
    ['impostor.people.add_person', FORBIDDEN],
    ['greet', FORBIDDEN],
    ['toys.greet', FORBIDDEN],
    ['people/add_person', NO_TOOL],
    // The impostor's, as it is exposed.
    ['people_add_person', FORBIDDEN],
    ['toys_greet', NO_TOOL],
    ['Add_Person', NO_TOOL],
    ['ADD_PERSON', NO_TOOL],
    ['add_person ', NO_TOOL],
    ['add_person\u0000', NO_TOOL],
    ['аdd_person', NO_TOOL],
    ['ａdd_person', NO_TOOL],
    ['add‐person', NO_TOOL],
    ['add_person\u200B', NO_TOOL],
    ['../people/add_person', NO_TOOL],
    ['toys/*', NO_TOOL],
    ['toys/tools/call', NO_TOOL],
    ['toys/resources/read', NO_TOOL],
    ['impostor/*', NO_TOOL],
    ['catalog/resources/read', NO_TOOL],
    ['*', NO_TOOL],
    ['__proto__', NO_TOOL],
    ['constructor', NO_TOOL],
    // What is for people alone is no tool, whoever asks.
    ['approve_call', NO_TOOL],
    ['approvals.approve_call', NO_TOOL],
    ['pair', NO_TOOL],
    ['login', NO_TOOL],
  ]
  for (const era of ['2026-07-28', 'with a session'] as const)
    test(`MCP ${era}: whatever a tool is called, it is refused or there is none`, async () => {
      const token = bearer(home.tokens.kim)
      const begun = await ask(hub, '/mcp', { headers: token, body: INITIALIZE })
      const headers = { ...token, 'mcp-session-id': String(begun.headers['mcp-session-id']) }
      for (const [name, refusal] of NAMES) {
        const call = modernCall(name, LOOT)
        const named = { ...call.headers, 'mcp-name': encodedHeader(name) }
        const sent =
          era === '2026-07-28'
            ? { headers: { ...token, ...named }, body: call.body }
            : { headers: { ...headers, accept: named.accept }, body: legacyCall(name, LOOT) }
        assert.equal(outcomeOf(await ask(hub, '/mcp', sent)), refusal, JSON.stringify(name))
      }
      assert.deepEqual(await people(), UNCHANGED)
    })

  test('MCP: a header that names another tool than the body is refused', async () => {
    const { headers, body } = modernCall('add_person', LOOT)
    const lying = { ...headers, ...bearer(home.tokens.kim), 'mcp-name': 'ping' }
    assert.equal((await ask(hub, '/mcp', { headers: lying, body })).status, 400)
    const byOwner = { ...headers, ...bearer(hub.token), 'mcp-name': 'ping' }
    assert.equal((await ask(hub, '/mcp', { headers: byOwner, body })).status, 400)
    assert.deepEqual(await people(), UNCHANGED)
  })

  /** Operations that call others, with what they are to call. */
  const PASSING_ON: Readonly<Record<string, (operation: string) => object>> = {
    'catalog.call_tool': (name) => ({ name, arguments: LOOT }),
    'lb.route_request': (target) => ({ target, arguments: LOOT }),
    'capabilities.execute_capability': (capability) => ({ capability, arguments: LOOT }),
  }
  const CALLED = [
    'people.add_person',
    'add_person',
    'health.raise_alert',
    'toys.greet',
    'greet',
    'toys/*',
    'impostor.add_person',
    'approvals.approve_call',
    'catalog.call_tool',
    'lb.route_request',
  ]
  for (const [operation, inputOf] of Object.entries(PASSING_ON))
    test(`${operation} gives nothing that its caller lacks`, async () => {
      for (const called of CALLED) {
        const { status, body } = await hub.call(operation, inputOf(called), { token: narrow })
        assert.ok([400, 403, 404].includes(status), `${called}: ${status} ${JSON.stringify(body)}`)
        assert.doesNotMatch(JSON.stringify(body), /impostor was asked/)
      }
      const nested = { name: 'catalog.call_tool', arguments: { name: 'people.add_person', arguments: LOOT } }
      assert.equal((await hub.call('catalog.call_tool', nested, { token: narrow })).status >= 400, true)
      assert.deepEqual(await people(), UNCHANGED)
    })

  test('a server whose tools are called like the hub’s own takes none of their calls', async () => {
    assert.equal((await hub.call('people.add_person', { name: 'nina', role: 'guest' })).status, 200)
    assert.equal((await hub.call('people.remove_person', { name: 'nina' })).status, 200)
    for (const name of ['add_person', 'people.add_person', 'ping', 'mqtt.ping']) {
      const { headers, body } = modernCall(name, {})
      const { text } = await ask(hub, '/mcp', { headers: { ...headers, ...bearer(hub.token) }, body })
      assert.doesNotMatch(text, /impostor was asked/, name)
    }
    assert.deepEqual(await people(), UNCHANGED)
  })

  /** Where somebody who is bound to a profile asks for what another one has. */
  const raise = { about: 'loot', message: 'Somebody was here.' }
  const ADDRESSES: readonly (readonly [target: string, refusal: string])[] = [
    ['/mcp', FORBIDDEN],
    ['/api/v1/mcp', FORBIDDEN],
    ['/mcp/work', FORBIDDEN],
    ['/api/v1/mcp/work', FORBIDDEN],
    ['/mcp/kids', NO_TOOL],
    ['/mcp/kids/', NOWHERE],
    ['/mcp/KIDS', NOWHERE],
    ['/mcp/kids%2Fwork', NOWHERE],
    ['/mcp/kids/../work', NOWHERE],
    ['/mcp/%77ork', NOWHERE],
    ['/mcp/kids?profile=work', NO_TOOL],
    ['/mcp/', NOWHERE],
    ['/mcp//work', NOWHERE],
    ['/mcp/__proto__', NOWHERE],
    ['/mcp/constructor', NOWHERE],
    ['/MCP/work', NOWHERE],
  ]
  test('a token for a profile gives the same at every address', async () => {
    for (const [target, refusal] of ADDRESSES) {
      const { headers, body } = modernCall('raise_alert', raise)
      const answer = await ask(hub, target, { headers: { ...headers, ...bearer(ofKids) }, body })
      assert.equal(outcomeOf(answer), refusal, target)
    }
    assert.equal((await hub.call('health.raise_alert', raise, { token: ofKids })).status, 403)
    assert.equal(
      (await hub.call('catalog.call_tool', { name: 'raise_alert', arguments: raise }, { token: ofKids })).status >= 400,
      true,
    )
    assert.equal((await hub.call('mqtt.ping', {}, { token: ofKids })).status, 200)
    assert.deepEqual((await hub.result('health.list_alerts'))['alerts'], [])
  })
})

/** What HTTP headers cannot carry (2026-07-28, "Value encoding"). */
function encodedHeader(name: string): string {
  if (/^[\x21-\x7E](?:[\x20-\x7E]*[\x21-\x7E])?$/.test(name)) return name
  return `=?base64?${Buffer.from(name).toString('base64')}?=`
}
