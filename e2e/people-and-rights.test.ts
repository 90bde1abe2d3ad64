import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import type { MqttClient } from 'mqtt'
import { cleanUps } from '../src/testing/mqtt-toolkit.ts'
import { startHub, type Answer, type TestHub } from './support/hub.ts'
import { CLIENTS, textOf, type McpClient } from './support/mcp-client.ts'
import { connectMqtt, nextMessage, ownerLogin } from './support/mqtt.ts'

const PASSWORD = 'correct-horse-battery'

/** A home with two rooms, a tablet in the kitchen and a phone that may decide. */
const CONFIG = {
  rooms: { kitchen: { topics: ['home/kitchen/#'] }, hall: { topics: ['home/hall/#'] } },
  devices: { 'lamp-1': { room: 'kitchen', topics: ['zigbee2mqtt/lamp-1/#'] } },
  broker: {
    users: [
      { name: 'tablet', password: PASSWORD, scopes: ['mqtt:*@room/kitchen'] },
      { name: 'phone', password: PASSWORD, scopes: ['approvals:*'] },
      { name: 'panel', password: PASSWORD, scopes: ['mqtt:*'], role: 'child' },
    ],
  },
}

suite('a home of several people', () => {
  const ending = cleanUps()
  let hub: TestHub
  /** Tokens by the name of their person. */
  const tokens: Record<string, string> = {}

  before(async () => {
    hub = await startHub(ending, { config: CONFIG })
    const people: [name: string, role: string, scopes: string[]][] = [
      ['anna', 'adult', ['approvals:*', 'mqtt:*']],
      ['kim', 'child', ['mqtt:*']],
      ['gus', 'guest', ['mqtt:*@room/kitchen']],
    ]
    for (const [name, role, scopes] of people) {
      await hub.result('people.add_person', { name, role, ...(role === 'guest' && { scopes }) })
      const made = await hub.result('tokens.create_token', { name: `${name}s token`, scopes, for: name })
      tokens[name] = String(made['token'])
    }
  })
  after(() => ending.run())

  const as = (name: string, operation: string, input: object = {}) => {
    const token = tokens[name] ?? assert.fail(`${name} has no token`)
    return hub.call(operation, input, { token })
  }

  /** One request over MQTT in the name of a login; its answer. */
  async function overMqtt(login: string, operation: string, input: object): Promise<Answer> {
    const client = await connectMqtt(ending, hub.urls.mqtt, { protocolVersion: 5, username: login, password: PASSWORD })
    const responseTopic = `alicia/v1/as/${login}/rep/${crypto.randomUUID()}`
    const answer = await nextMessage(client, responseTopic)
    const topic = `alicia/v1/as/${login}/req/${operation.replace('.', '/')}`
    await client.publishAsync(topic, JSON.stringify(input), { qos: 1, properties: { responseTopic } })
    const { payload, properties } = await answer()
    await client.endAsync()
    const body = JSON.parse(payload.toString()) as Answer['body']
    return { status: properties?.userProperties?.['status'] === 'ok' ? 200 : Number(body['status']), body }
  }

  suite('a guest sees and switches one room', () => {
    type Ask = (operation: string, input: object) => Promise<Answer>
    let owner: MqttClient
    let mcp: McpClient
    before(async () => {
      owner = await connectMqtt(ending, hub.urls.mqtt, ownerLogin(hub))
      await owner.publishAsync('home/kitchen/lamp', 'on', { qos: 1, retain: true })
      await owner.publishAsync('home/hall/lock', 'locked', { qos: 1, retain: true })
      mcp = await CLIENTS['SDK v2, new era'](ending, { url: hub.urls.mcp, token: tokens['gus'] ?? '' })
    })

    /** A tool's result as the other protocols have it. */
    const resultAnswer = (result: Awaited<ReturnType<McpClient['call']>>): Answer => {
      if (result['isError'] !== true) return { status: 200, body: result['structuredContent'] as Answer['body'] }
      return {
        status: /\(forbidden\)|\(not_found\)/.test(textOf(result)) ? 403 : 500,
        body: { detail: textOf(result) },
      }
    }
    /** What lies outside of its bounds a model is told; for what it lacks the scope of, its client is. */
    const overMcp: Ask = async (operation, input) => {
      const name = operation.split('.')[1] ?? ''
      try {
        const result = await mcp.call(name, input)
        return resultAnswer(result)
      } catch (error) {
        return { status: /Insufficient scope|lacks/.test(String(error)) ? 403 : 500, body: { detail: String(error) } }
      }
    }
    const throughCallTool: Ask = async (operation, input) => {
      return resultAnswer(await mcp.call('call_tool', { name: operation, arguments: input }))
    }
    const ways: [name: string, ask: Ask][] = [
      ['REST', (operation, input) => as('gus', operation, input)],
      ['MCP', overMcp],
      ['call_tool over MCP', throughCallTool],
      ['MQTT', (operation, input) => overMqtt('tablet', operation, input)],
    ]
    const calls: [what: string, operation: string, input: object, status: number][] = [
      ['reads the kitchen', 'mqtt.subscribe_and_collect', { topic: 'home/kitchen/#', duration: 0.2 }, 200],
      ['switches the kitchen', 'mqtt.publish_message', { topic: 'home/kitchen/lamp', payload: 'off', qos: 1 }, 200],
      ['switches its lamp', 'mqtt.publish_message', { topic: 'zigbee2mqtt/lamp-1/set', payload: 'ON' }, 200],
      ['lists the kitchen', 'mqtt.list_topics', { pattern: 'home/kitchen/#' }, 200],
      ['asks what changed there', 'mqtt.what_changed', { pattern: 'home/kitchen/#' }, 200],
      ['reads the hall', 'mqtt.subscribe_and_collect', { topic: 'home/hall/#', duration: 0.2 }, 403],
      ['reads everything', 'mqtt.subscribe_and_collect', { topic: '#', duration: 0.2 }, 403],
      ['reads one level of all', 'mqtt.subscribe_and_collect', { topic: 'home/+/lock', duration: 0.2 }, 403],
      ['lists everything', 'mqtt.list_topics', {}, 403],
      ['opens the hall', 'mqtt.publish_message', { topic: 'home/hall/lock', payload: 'open' }, 403],
      [
        'has the lamp answer to the lock',
        'mqtt.publish_message',
        { topic: 'home/kitchen/lamp', payload: 'x', properties: { response_topic: 'home/hall/lock' } },
        403,
      ],
      ['records', 'mqtt.record_messages', { topic: 'home/kitchen/#', name: 'r', duration: 0.2 }, 403],
      ['goes elsewhere', 'mqtt.establish_connection', { connection_string: 'mqtt://127.0.0.1:1' }, 403],
    ]
    for (const [way, ask] of ways)
      suite(`over ${way}`, () => {
        let session_id: unknown
        before(async () => {
          const { status, body } = await ask('mqtt.establish_connection', {})
          assert.equal(status, 200, JSON.stringify(body))
          session_id = body['session_id']
        })
        for (const [what, operation, input, status] of calls)
          test(`${status === 200 ? 'it' : 'it never'} ${what}`, async () => {
            const own = operation === 'mqtt.establish_connection' ? input : { ...input, session_id }
            const answer = await ask(operation, own)
            assert.equal(answer.status, status, JSON.stringify(answer.body))
          })
      })

    test('nothing happened in the hall', async () => {
      const locked = await nextMessage(owner, 'home/hall/lock')
      assert.equal((await locked()).payload.toString(), 'locked')
    })

    test('lists show what the guest could call, and nothing else', async () => {
      const listed = (await mcp.list('tools')).map(({ name }) => name)
      assert.ok(listed.includes('publish_message'))
      assert.deepEqual(
        listed.filter((name) => ['replay_messages', 'add_person', 'approve_call', 'list_services'].includes(name)),
        [],
      )
      const headers = { authorization: `Bearer ${tokens['gus']}` }
      const overRest = await (await fetch(`${hub.urls.http}/api`, { headers })).json()
      const { operations } = overRest as { operations: { operation: string; scope: string | null }[] }
      assert.deepEqual(
        operations.filter(({ scope }) => scope !== null && !scope.startsWith('mqtt:')),
        [],
      )
      const found = await mcp.call('find_tools', { query: 'approve', limit: 25 })
      assert.doesNotMatch(textOf(found), /approve_call/)
      const ofNobody = await (await fetch(`${hub.urls.http}/api`)).json()
      for (const { scope } of (ofNobody as { operations: { scope: string | null }[] }).operations)
        assert.equal(scope, null)
      const shown = await hub.cli(['tools', '--url', hub.urls.http, '--token', tokens['gus'] ?? ''])
      assert.match(shown.stdout, /publish_message/)
      assert.doesNotMatch(shown.stdout, /add_person/)
    })
  })

  suite('a child asks, and somebody else allows it', () => {
    let assistant: McpClient
    before(async () => {
      assistant = await CLIENTS['SDK v2, new era'](ending, { url: hub.urls.mcp, token: tokens['kim'] ?? '' })
    })

    interface Shown {
      readonly id: string
      readonly operation: string
      readonly caller: { readonly role: string; readonly name: string; readonly via: string; readonly person?: string }
      readonly arguments: Readonly<Record<string, unknown>>
    }

    /** The next call that waits, when the phone hears of it. */
    async function onPhone() {
      const phone = await connectMqtt(ending, hub.urls.mqtt, { username: 'phone', password: PASSWORD })
      const news = await nextMessage(phone, 'alicia/v1/evt/approvals', (text) => text.includes('"change":"asked"'))
      return async (): Promise<Shown> => {
        const { waiting } = JSON.parse((await news()).payload.toString()) as { waiting: Shown[] }
        await phone.endAsync()
        return waiting.at(-1) ?? assert.fail('nothing waits')
      }
    }

    /** A recording of the child's, which it then wants deleted. */
    async function wantsDeleted(name: string) {
      const { body } = await as('kim', 'mqtt.establish_connection', {})
      const { session_id } = body
      await as('kim', 'mqtt.record_messages', { session_id, topic: 'home/#', name, duration: 0.2 })
      const waits = await onPhone()
      const outcome = assistant.call('delete_recording', { name }, { progressToken: name })
      return { outcome, call: await waits() }
    }

    test('over MCP; a person says yes over REST, and it is done', async () => {
      const { outcome, call } = await wantsDeleted('first')
      assert.partialDeepStrictEqual(call, {
        operation: 'mqtt.delete_recording',
        caller: { person: 'kim', name: 'kims token', role: 'child', via: 'mcp' },
        arguments: { name: 'first' },
      })
      const said = await assistant.notified('notifications/progress', ({ progressToken }) => progressToken === 'first')
      assert.match(String(said.params['message']), new RegExp(`^waits for approval ${call.id}, until`))
      assert.equal((await as('kim', 'approvals.approve_call', { id: call.id })).status, 403)
      assert.equal((await as('gus', 'approvals.approve_call', { id: call.id })).status, 403)
      const owners = await CLIENTS['SDK v2, new era'](ending, { url: hub.urls.mcp, token: hub.token })
      assert.match(
        textOf(await owners.call('call_tool', { name: 'approve_call', arguments: { id: call.id } })),
        /no tool called "approve_call"/,
      )
      assert.equal((await as('anna', 'approvals.approve_call', { id: call.id })).status, 200)
      const result = await outcome
      assert.equal(result['isError'], undefined)
      assert.equal((await as('anna', 'approvals.approve_call', { id: call.id })).status, 409)
    })

    test('the phone refuses over MQTT, and the model reads why', async () => {
      const { outcome, call } = await wantsDeleted('second')
      const word = await overMqtt('phone', 'approvals.deny_call', { id: call.id, reason: 'it is still needed' })
      assert.equal(word.status, 200, JSON.stringify(word.body))
      const result = await outcome
      assert.equal(result['isError'], true)
      assert.match(textOf(result), /^phone refused mqtt\.delete_recording: it is still needed/)
      const { recordings } = (await as('kim', 'mqtt.list_recordings')).body as { recordings: { name: string }[] }
      assert.deepEqual(
        recordings.map(({ name }) => name),
        ['second'],
      )
    })

    test('a user of the broker with the role of a child waits as well', async () => {
      const waits = await onPhone()
      const outcome = overMqtt('panel', 'mqtt.delete_recording', { name: 'second' })
      const call = await waits()
      assert.partialDeepStrictEqual(call.caller, { name: 'panel', role: 'child', via: 'mqtt' })
      assert.equal((await as('anna', 'approvals.deny_call', { id: call.id })).status, 200)
      assert.equal((await outcome).status, 403)
    })

    test('the command line says yes for ten minutes, and the next call does not wait', async () => {
      const { outcome, call } = await wantsDeleted('third')
      const shown = await hub.cli(['approvals'])
      assert.match(shown.stdout, new RegExp(`^${call.id}  mqtt\\.delete_recording`))
      const word = await hub.cli(['approve-call', call.id, '--yes', '--minutes', '10'])
      assert.match(word.stdout, new RegExp(`Approved: ${call.id}\\.`))
      await outcome
      const { isError } = await assistant.call('delete_recording', { name: 'second' })
      assert.equal(isError, undefined)
      const { decisions } = await hub.result('approvals.list_decisions')
      assert.partialDeepStrictEqual(decisions, [
        { decision: 'approved', by: 'owner', minutes: 10 },
        { decision: 'denied', by: 'annas token', via: 'rest' },
        { decision: 'denied', by: 'phone', via: 'mqtt', reason: 'it is still needed' },
        { decision: 'approved', by: 'annas token', via: 'rest' },
      ])
    })

    test('a token that ends takes its session and what waits along', async () => {
      const made = await hub.result('tokens.create_token', { name: 'lent', scopes: ['mqtt:*'], for: 'kim' })
      const lent = await CLIENTS['SDK v2, old era'](ending, { url: hub.urls.mcp, token: String(made['token']) })
      const waits = await onPhone()
      const outcome = lent.call('delete_recording', { name: 'any' })
      const ended = assert.rejects(outcome)
      await waits()
      await hub.result('tokens.revoke_token', { name: 'lent' })
      await ended
      assert.deepEqual((await hub.result('approvals.list_approvals'))['waiting'], [])
      await assert.rejects(lent.call('ping'))
    })
  })
})
