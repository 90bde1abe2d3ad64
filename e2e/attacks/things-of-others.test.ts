import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import { cleanUps } from '../../src/testing/mqtt-toolkit.ts'
import type { TestHub } from '../support/hub.ts'
import { connectMqtt, nextMessage } from '../support/mqtt.ts'
import { ask, bearer, codeOf } from './support/ask.ts'
import { startHome, type AttackedHome, type Login } from './support/home.ts'
import { oauthClient } from './support/oauth-client.ts'
import { MODERN, modernCall } from './support/ways.ts'

const TASKS = 'io.modelcontextprotocol/tasks'
const CAPABILITIES = { elicitation: { form: {} }, sampling: {}, extensions: { [TASKS]: {} } }
const META = {
  'io.modelcontextprotocol/protocolVersion': MODERN,
  'io.modelcontextprotocol/clientCapabilities': CAPABILITIES,
}

type Result = Readonly<Record<string, unknown>>

/** Of anna's: how it is made, and what others try with it. What they hear is what they would hear of what never was. */
interface Thing {
  make(): Promise<string>
  readonly tries: Readonly<Record<string, (token: string, id: string) => Promise<string>>>
  readonly refusal: string
  /** Of a program that lacks the scope anyway. */
  readonly refusalOfProgram?: string
  /** It is there still, and anna may. */
  own(id: string): Promise<void>
}

suite('what others made', () => {
  const ending = cleanUps()
  let home: AttackedHome
  let hub: TestHub
  /** Anna made it. */
  let anna: Login
  /** Somebody else may all that it takes, too; so may a program that anna let in. */
  let thieves: Readonly<Record<string, string>>
  before(async () => {
    home = await startHome(ending)
    ;({ hub } = home)
    anna = await home.logIn('anna')
    const client = await oauthClient(hub)
    const { body } = await client.redeem(await client.code('anna', 'mcp:toys health:read'))
    thieves = {
      'somebody else': home.tokens.olga,
      'a token of the same person': home.tokens.anna,
      'the owner': hub.token,
      'a program of the same person': String(body['access_token']),
    }
  })
  after(() => ending.run())

  /** One call over MCP; its result, or the code of its error. */
  const call = async (token: string, name: string, input: object, more: object = {}, target = '/mcp/kids') => {
    const { headers, body } = modernCall(name, input)
    const params = { ...body.params, ...more, _meta: META }
    return await answer(token, target, headers, { ...body, params })
  }
  const request = (token: string, method: string, params: Result, target = '/mcp/kids') => {
    const name = params['uri'] ?? params['taskId']
    const headers = {
      accept: 'application/json, text/event-stream',
      'mcp-protocol-version': MODERN,
      'mcp-method': method,
      ...(typeof name === 'string' && { 'mcp-name': name }),
    }
    return answer(token, target, headers, { jsonrpc: '2.0', id: 1, method, params: { ...params, _meta: META } })
  }
  const answer = async (token: string, target: string, headers: object, body: object): Promise<Result> => {
    const { text } = await ask(hub, target, { headers: { ...headers, ...bearer(token) }, body })
    const data = text.startsWith('{') ? text : (/^data: (\{.*"id":1\b.*)$/m.exec(text)?.[1] ?? '{}')
    const { result, error } = JSON.parse(data) as { result?: Result; error?: { code: number; message: string } }
    return result ?? { error: error?.code, message: error?.message }
  }
  const overRest = async (token: string, operation: string, input: object): Promise<string> => {
    const { status, body } = await hub.call(operation, input, { token })
    return `${status} ${codeOf(JSON.stringify(body))}`
  }

  const THINGS: Readonly<Record<string, Thing>> = {
    'a connection to a broker': {
      async make() {
        const { body } = await hub.call('mqtt.establish_connection', {}, { token: anna.access_token })
        return String(body['session_id'])
      },
      tries: {
        reads: (token, session_id) => overRest(token, 'mqtt.list_topics', { session_id, duration: 0.1 }),
        publishes: (token, session_id) =>
          overRest(token, 'mqtt.publish_message', { session_id, topic: 'home/hall/lock', payload: 'open' }),
        ends: (token, session_id) => overRest(token, 'mqtt.close_connection', { session_id }),
      },
      refusal: '404 not_found',
      refusalOfProgram: '403 forbidden',
      own: async (session_id) =>
        assert.equal(await overRest(anna.access_token, 'mqtt.list_topics', { session_id, duration: 0.1 }), '200 ok'),
    },
    'a recording': {
      async make() {
        const { body } = await hub.call('mqtt.establish_connection', {}, { token: anna.access_token })
        const { session_id } = body
        const input = { session_id, topic: 'home/#', name: 'annas', duration: 0.2 }
        assert.equal(await overRest(anna.access_token, 'mqtt.record_messages', input), '200 ok')
        return 'annas'
      },
      tries: {
        reads: (token, name) => overRest(token, 'mqtt.get_recording', { name }),
        deletes: (token, name) => overRest(token, 'mqtt.delete_recording', { name }),
      },
      refusal: '404 not_found',
      refusalOfProgram: '403 forbidden',
      own: async (name) => assert.equal(await overRest(anna.access_token, 'mqtt.get_recording', { name }), '200 ok'),
    },
    'a result that is kept': {
      async make() {
        const result = await call(anna.access_token, 'greet', { name: 'secret word '.repeat(500) })
        return /alicia:\/\/results\/([\w-]+)/.exec(JSON.stringify(result))?.[1] ?? assert.fail(JSON.stringify(result))
      },
      tries: {
        'reads on': async (token, id) => codesIn(await call(token, 'read_result', { id })),
        'reads on elsewhere': async (token, id) => codesIn(await call(token, 'read_result', { id }, {}, '/mcp')),
        'reads on over REST': async (token, id) =>
          (await overRest(token, 'catalog.read_result', { id })).replace('404 not_found', 'none'),
        'reads it as a resource': async (token, id) =>
          codesIn(await request(token, 'resources/read', { uri: `alicia://results/${id}` })),
        'reads a part': async (token, id) =>
          codesIn(await request(token, 'resources/read', { uri: `alicia://results/${id}/1` })),
      },
      refusal: 'none',
      own: async (id) =>
        assert.match(JSON.stringify(await call(anna.access_token, 'read_result', { id })), /secret word/),
    },
    'a task': {
      async make() {
        const result = await call(anna.access_token, 'confirm_delete', { filename: 'diary' })
        return String(result['taskId'])
      },
      tries: {
        'looks at it': async (token, taskId) => codesIn(await request(token, 'tasks/get', { taskId })),
        'answers for anna': async (token, taskId) =>
          codesIn(
            await request(token, 'tasks/update', {
              taskId,
              inputResponses: { confirm: { action: 'accept', content: { confirm: true } } },
            }),
          ),
        'calls it off': async (token, taskId) => codesIn(await request(token, 'tasks/cancel', { taskId })),
      },
      refusal: 'none',
      own: async (taskId) =>
        assert.equal((await request(anna.access_token, 'tasks/get', { taskId }))['status'], 'input_required'),
    },
    'a question that waits for its answer': {
      async make() {
        const result = await call(anna.access_token, 'test_input_required_result_request_state', {})
        return String(result['requestState'])
      },
      tries: {
        'answers for anna': async (token, requestState) =>
          codesIn(
            await call(
              token,
              'test_input_required_result_request_state',
              {},
              {
                requestState,
                inputResponses: { confirm: { action: 'accept', content: { ok: true } } },
              },
            ),
          ),
      },
      refusal: 'none',
      own: async (requestState) => {
        const inputResponses = { confirm: { action: 'accept', content: { ok: true } } }
        const name = 'test_input_required_result_request_state'
        const result = await call(anna.access_token, name, {}, { requestState, inputResponses })
        assert.match(JSON.stringify(result), /state-ok/)
      },
    },
  }

  for (const [what, { make, tries, refusal, refusalOfProgram = refusal, own }] of Object.entries(THINGS))
    test(`${what} is for whoever made it`, async () => {
      const id = await make()
      const outcomes: Record<string, string> = {}
      const expected: Record<string, string> = {}
      for (const [who, token] of Object.entries(thieves))
        for (const [how, attempt] of Object.entries(tries)) {
          outcomes[`${who} ${how}`] = await attempt(token, id)
          expected[`${who} ${how}`] = who.startsWith('a program') ? refusalOfProgram : refusal
        }
      assert.deepEqual(outcomes, expected)
      await own(id)
    })

  test('what one asked once over MQTT is answered to nobody else who knows its key', async () => {
    const narrow = await home.logIn('anna', { scope: 'health:read' })
    const once = async (token: string, name: string) => {
      const { text } = await ask(hub, '/auth/validate', { method: 'GET', headers: bearer(token) })
      const { credential } = JSON.parse(text) as { credential: string }
      const client = await connectMqtt(ending, hub.urls.mqtt, { protocolVersion: 5, username: name, password: token })
      const responseTopic = `alicia/v1/as/${credential}/rep/1`
      const answer = await nextMessage(client, responseTopic)
      await client.publishAsync(`alicia/v1/as/${credential}/req/tokens/list_tokens`, '{}', {
        qos: 1,
        properties: { responseTopic, userProperties: { 'idempotency-key': 'the same' } },
      })
      const { properties } = await answer()
      await client.endAsync()
      return properties?.userProperties?.['status']
    }
    assert.equal(await once(anna.access_token, 'anna'), 'ok')
    assert.equal(await once(narrow.access_token, 'anna'), 'forbidden')
    assert.equal(await once(home.tokens.gus, 'gus'), 'forbidden')
  })

  test('logins of others are neither seen nor ended', async () => {
    const id = (
      JSON.parse(Buffer.from(anna.access_token.split('.')[1] ?? '', 'base64url').toString()) as { sid: string }
    ).sid
    const end = async (token: string) => {
      const { status, text } = await ask(hub, `/auth/logins/${id}`, { method: 'DELETE', headers: bearer(token) })
      return `${status} ${codeOf(text)}`
    }
    assert.equal(await end(home.tokens.olga), '404 not_found')
    assert.equal(await end(home.tokens.kim), '404 not_found')
    assert.equal(await end(home.tokens.gus), '403 forbidden')
    assert.equal((await hub.call('mqtt.ping', {}, { token: anna.access_token })).status, 200)
  })

  test('a key is for whoever made it: others neither open with it, change it nor see it', async () => {
    const [maker, other] = await Promise.all(
      ['a maker', 'another'].map(async (name) =>
        String((await hub.result('tokens.create_token', { name, scopes: ['crypto:*'] }))['token']),
      ),
    )
    assert.ok(maker !== undefined && other !== undefined)
    assert.equal(await overRest(maker, 'security.create_key', { name: 'diary' }), '200 ok')
    const { ciphertext } = await hub.result(
      'security.encrypt',
      { plaintext: 'dear diary', key: 'diary' },
      { token: maker },
    )
    const tries: readonly (readonly [operation: string, input: object, refusal: string])[] = [
      // In the words for what is no ciphertext at all.
      ['security.decrypt', { ciphertext }, '400 invalid_input'],
      ['security.rewrap', { ciphertext }, '400 invalid_input'],
      ['security.encrypt', { plaintext: 'x', key: 'diary' }, '404 not_found'],
      ['security.rotate_key', { name: 'diary' }, '404 not_found'],
      ['security.destroy_key_version', { name: 'diary', version: 1 }, '404 not_found'],
    ]
    for (const [operation, input, refusal] of tries)
      assert.equal(await overRest(other, operation, input), refusal, operation)
    assert.doesNotMatch(JSON.stringify(await hub.result('security.list_keys', {}, { token: other })), /diary/)
    assert.equal(await overRest(maker, 'security.decrypt', { ciphertext }), '200 ok')
  })
})

/** What an answer of MCP says no with. `none`: there is no such thing. */
function codesIn(result: Result): string {
  const text = JSON.stringify(result)
  if (/\(not_found\)|no kept result|no task|requestState|Resource not found/.test(text)) return 'none'
  return text.slice(0, 300)
}
