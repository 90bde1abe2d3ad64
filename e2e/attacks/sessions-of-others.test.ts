import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { after, before, suite, test } from 'node:test'
import { cleanUps } from '../../src/testing/mqtt-toolkit.ts'
import type { TestHub } from '../support/hub.ts'
import { within } from '../support/program.ts'
import { ask, bearer, open, outcomeOf, type Sent } from './support/ask.ts'
import { startHome, type AttackedHome } from './support/home.ts'
import { oauthClient } from './support/oauth-client.ts'
import { INITIALIZE, legacyCall } from './support/ways.ts'

const ACCEPT = { accept: 'application/json, text/event-stream' }

/** Whoever has the id of anna's session, and what they show besides. Undefined: nothing. */
type Thief = (home: AttackedHome, made: Made) => string | undefined

/** What thieves may have of their own. */
interface Made {
  readonly annasOther: string
  readonly annasNarrow: string
  readonly annasLogin: string
  readonly annasProgram: string
}

const THIEVES: Readonly<Record<string, readonly [Thief, refusal: string]>> = {
  nobody: [() => undefined, '401'],
  'somebody whose token is wrong': [() => 'alicia_wrong', '401'],
  'another adult': [({ tokens }) => tokens.olga, '404'],
  'a child': [({ tokens }) => tokens.kim, '404'],
  'a guest': [({ tokens }) => tokens.gus, '404'],
  'the owner': [({ hub }) => hub.token, '404'],
  'the same person with another token': [(_, { annasOther }) => annasOther, '404'],
  'the same person with a token for less': [(_, { annasNarrow }) => annasNarrow, '404'],
  'the same person, logged in': [(_, { annasLogin }) => annasLogin, '404'],
  'a program of the same person': [(_, { annasProgram }) => annasProgram, '404'],
}

const inSession = (id: string, more: object = {}) => ({ 'mcp-session-id': id, ...ACCEPT, ...more })
const raise = legacyCall('raise_alert', { about: 'theft', message: 'Somebody was here.' })

/** What a thief does with the id of a session. */
const THEFTS: Readonly<Record<string, (session: string) => readonly [target: string, sent: Sent]>> = {
  'calls a tool': (id) => ['/mcp', { headers: inSession(id), body: raise }],
  'calls a tool at the other path': (id) => ['/api/v1/mcp', { headers: inSession(id), body: raise }],
  'lists tools': (id) => ['/mcp', { headers: inSession(id), body: { jsonrpc: '2.0', id: 9, method: 'tools/list' } }],
  'calls a tool in a batch': (id) => ['/mcp', { headers: inSession(id), body: [raise, { ...raise, id: 2 }] }],
  'calls off what runs': (id) => [
    '/mcp',
    {
      headers: inSession(id),
      body: { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 1 } },
    },
  ],
  'answers what was asked': (id) => [
    '/mcp',
    { headers: inSession(id), body: { jsonrpc: '2.0', id: 1, result: { action: 'accept', content: {} } } },
  ],
  'listens to what it has to say': (id) => [
    '/mcp',
    { method: 'GET', headers: inSession(id, { accept: 'text/event-stream' }) },
  ],
  'comes back for an answer': (id) => [
    '/mcp',
    { method: 'GET', headers: inSession(id, { accept: 'text/event-stream', 'last-event-id': 'reply1_0' }) },
  ],
  'ends it': (id) => ['/mcp', { method: 'DELETE', headers: inSession(id) }],
}

suite('sessions of others', () => {
  const ending = cleanUps()
  let home: AttackedHome
  let hub: TestHub
  let made: Made
  before(async () => {
    home = await startHome(ending)
    ;({ hub } = home)
    const client = await oauthClient(hub)
    const { body } = await client.redeem(await client.code('anna', 'health:write health:read'))
    made = {
      annasOther: await home.lend('anna', 'another', ['*']),
      annasNarrow: await home.lend('anna', 'narrow', ['health:read']),
      annasLogin: (await home.logIn('anna')).access_token,
      annasProgram: String(body['access_token']),
    }
  })
  after(() => ending.run())

  const begin = async (token: string, target = '/mcp'): Promise<string> => {
    const { headers } = await ask(hub, target, { headers: { ...bearer(token), ...ACCEPT }, body: INITIALIZE })
    return String(headers['mcp-session-id'])
  }
  const isThere = async (token: string, session: string) => {
    const body = { jsonrpc: '2.0', id: 5, method: 'ping' }
    return (await ask(hub, '/mcp', { headers: { ...bearer(token), ...inSession(session) }, body })).status === 200
  }
  const alerts = async () => (await hub.result('health.list_alerts'))['alerts']
  const by = (token: string | undefined) => (token === undefined ? {} : bearer(token))

  for (const [who, [thief, refusal]] of Object.entries(THIEVES)) {
    test(`MCP over HTTP: ${who} has no use of the id of a session`, async () => {
      const session = await begin(home.tokens.anna)
      const outcomes: Record<string, string> = {}
      for (const [what, theft] of Object.entries(THEFTS)) {
        const [target, sent] = theft(session)
        const headers = { ...sent.headers, ...by(thief(home, made)) }
        const answer = await open(hub, target, { ...sent, headers })
        outcomes[what] = String(answer.statusCode)
        answer.destroy()
      }
      assert.deepEqual(outcomes, Object.fromEntries(Object.keys(THEFTS).map((what) => [what, refusal])))
      assert.deepEqual(await alerts(), [])
      assert.ok(await isThere(home.tokens.anna, session))
    })

    test(`HTTP+SSE: ${who} writes into nobody’s stream`, async () => {
      const stream = await open(hub, '/sse', { method: 'GET', headers: bearer(home.tokens.anna) })
      const [opening] = (await once(stream.setEncoding('utf8'), 'data')) as [string]
      const target = /^data: (\S+)/m.exec(opening)?.[1] ?? ''
      const { status } = await ask(hub, target, { headers: by(thief(home, made)), body: INITIALIZE })
      assert.equal(String(status), refusal)
      assert.equal((await ask(hub, target, { headers: bearer(home.tokens.anna), body: INITIALIZE })).status, 202)
      stream.destroy()
    })
  }

  test('a session of one profile is none at another address', async () => {
    const session = await begin(home.tokens.anna, '/mcp/kids')
    const at = async (target: string) =>
      (await ask(hub, target, { headers: { ...bearer(home.tokens.anna), ...inSession(session) }, body: raise })).status
    assert.deepEqual(await Promise.all(['/mcp', '/mcp/work', '/api/v1/mcp', '/mcp/kids'].map(at)), [404, 404, 404, 200])
    assert.deepEqual(await alerts(), [])
  })

  test('a session in the query, a cookie or another case of its id is none', async () => {
    const session = await begin(home.tokens.anna)
    const tries: [target: string, headers: object][] = [
      [`/mcp?sessionId=${session}`, {}],
      [`/mcp?mcp-session-id=${session}`, {}],
      ['/mcp', { cookie: `mcp-session-id=${session}` }],
      ['/mcp', { 'mcp-session-id': session.toUpperCase() }],
      ['/mcp', { 'mcp-session-id': `${session}x` }],
      ['/mcp', { 'mcp-session-id': '__proto__' }],
      [`/messages?session=${session}`, {}],
      ['/messages?session=__proto__', {}],
    ]
    for (const [target, headers] of tries) {
      const sent = { headers: { ...bearer(home.tokens.anna), ...ACCEPT, ...headers }, body: raise }
      assert.match(outcomeOf(await ask(hub, target, sent)), /^40[04] /, JSON.stringify([target, headers]))
    }
    assert.deepEqual(await alerts(), [])
  })

  test('a login that was renewed with less has no use of what it opened with more', async () => {
    const client = await oauthClient(hub)
    const { body: more } = await client.redeem(await client.code('anna', 'health:write health:read'))
    const session = await begin(String(more['access_token']))
    const { body: less } = await client.refresh(more['refresh_token'], { scope: 'health:read' })
    assert.equal(less['scope'], 'health:read')
    assert.equal(await isThere(String(less['access_token']), session), false)
    assert.deepEqual(await alerts(), [])
  })

  /** What ends what somebody had open: each on a person of their own. */
  const ENDS: Readonly<Record<string, (name: string) => Promise<unknown>>> = {
    'another role': (name) => hub.result('people.change_person', { name, role: 'guest' }),
    'fewer scopes': (name) => hub.result('people.change_person', { name, scopes: ['health:read'] }),
    'being disabled': (name) => hub.result('people.change_person', { name, disabled: true }),
    'being removed': (name) => hub.result('people.remove_person', { name }),
    'a revoked token': (name) => hub.result('tokens.revoke_token', { name: `of ${name}` }),
  }
  for (const [at, [what, end]] of Object.entries(ENDS).entries())
    test(`${what} ends sessions and streams that were open`, async () => {
      const name = `guest${at}`
      await hub.result('people.add_person', { name, role: 'adult' })
      const made = await hub.result('tokens.create_token', { name: `of ${name}`, scopes: ['*'], for: name })
      const token = String(made['token'])
      const session = await begin(token)
      const headers = { ...bearer(token), accept: 'text/event-stream' }
      const streams: IncomingMessage[] = await Promise.all([
        open(hub, '/mcp', { method: 'GET', headers: { ...headers, 'mcp-session-id': session } }),
        open(hub, '/sse', { method: 'GET', headers }),
      ])
      const ended = Promise.all(
        streams.map(async (stream) => {
          stream.resume()
          if (!stream.readableEnded) await once(stream, 'close')
        }),
      )
      await end(name)
      await within(ended, 'the end of every stream')
      const { status } = await ask(hub, '/mcp', { headers: { ...bearer(token), ...inSession(session) }, body: raise })
      assert.ok([401, 404].includes(status), String(status))
      assert.deepEqual(await alerts(), [])
    })
})
