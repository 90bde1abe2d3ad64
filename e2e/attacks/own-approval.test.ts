import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import type { MqttClient } from 'mqtt'
import { cleanUps } from '../../src/testing/mqtt-toolkit.ts'
import type { TestHub } from '../support/hub.ts'
import { connectMqtt } from '../support/mqtt.ts'
import { within } from '../support/program.ts'
import { ask, bearer, codeOf } from './support/ask.ts'
import { logInAt, PASSWORD, startHome, type AttackedHome } from './support/home.ts'
import { oauthClient } from './support/oauth-client.ts'
import { modernCall } from './support/ways.ts'

interface Waiting {
  readonly id: string
  readonly operation: string
  readonly fingerprint: string
  readonly arguments: Readonly<Record<string, unknown>>
}

/** A call that waits, and what becomes of it. */
interface Asked {
  readonly call: Waiting
  readonly outcome: Promise<string>
}

/** A child whose every right is as large as it can be; but children do not decide alone. */
const PIP = { name: 'pip', role: 'child', password: PASSWORD, scopes: ['*'] }

suite('nobody says yes to what they asked for', () => {
  const ending = cleanUps()
  let home: AttackedHome
  let hub: TestHub
  let pip: string
  /** What says yes, by whose it is. */
  let yes: Readonly<Record<string, string>>
  let broker: MqttClient
  before(async () => {
    home = await startHome(ending)
    ;({ hub } = home)
    await hub.result('people.add_person', PIP)
    const lend = async (name: string, label: string) =>
      String((await hub.result('tokens.create_token', { name: label, scopes: ['*'], for: name }))['token'])
    pip = await lend('pip', 'pips token')
    const made = await hub.result('tokens.create_token', { name: 'made by pip', scopes: ['*'] }, { token: pip })
    const client = await oauthClient(hub)
    const grant = await client.redeem(await client.code('anna', 'approvals:write'))
    yes = {
      'the token that asks': pip,
      'another token of the same child': await lend('pip', 'pips other'),
      'a token that it made': String(made['token']),
      'a login of the same child': (await logInAt(hub, 'pip')).access_token,
      'another child': home.tokens.kim,
      'a guest': home.tokens.gus,
      'a program without the scope': home.tokens.robo,
      nobody: '',
      'a program of an adult, over MCP': String(grant.body['access_token']),
    }
    broker = await connectMqtt(ending, hub.urls.mqtt, { username: 'pip', password: PASSWORD, protocolVersion: 5 })
  })
  after(() => ending.run())

  const waiting = async (): Promise<Waiting[]> => (await hub.result('approvals.list_approvals'))['waiting'] as Waiting[]
  const overMcp = async (token: string, name: string, input: object): Promise<string> => {
    const { headers, body } = modernCall(name, input)
    return codeOf((await ask(hub, '/mcp', { headers: { ...headers, ...bearer(token) }, body })).text)
  }
  const overRest = async (token: string, operation: string, input: object): Promise<string> => {
    const { body } = await hub.call(operation, input, { token: token === '' ? null : token })
    return codeOf(JSON.stringify(body))
  }
  /** Pip's assistant greets somebody, which its server does not say is harmless. */
  const asks = async (input: object = { name: 'Ada' }, name = 'greet'): Promise<Asked> => {
    const before = new Set((await waiting()).map(({ id }) => id))
    const outcome = overMcp(pip, name, input)
    const appeared = async () => {
      for (;;) {
        const call = (await waiting()).find(({ id }) => !before.has(id))
        if (call) return call
        await delay(20)
      }
    }
    return { call: await within(appeared(), 'a call that waits'), outcome }
  }
  const deny = async ({ call, outcome }: Asked) => {
    assert.equal(await overRest(home.tokens.anna, 'approvals.deny_call', { id: call.id }), 'ok')
    assert.equal(await outcome, 'forbidden')
  }

  test('by whatever they come with', async () => {
    const asked = await asks()
    const { id } = asked.call
    const outcomes: Record<string, string> = {}
    for (const [who, token] of Object.entries(yes)) {
      const by = who.endsWith('over MCP') ? overMcp : overRest
      outcomes[who] = await by(token, 'approvals.approve_call', { id })
      outcomes[`${who}, for an hour`] = await by(token, 'approvals.approve_call', { id, for_minutes: 60 })
    }
    const refusalOf = (who: string) => {
      if (who.startsWith('nobody')) return 'unauthenticated'
      return who.includes('over MCP') ? 'unknown_operation' : 'forbidden'
    }
    assert.deepEqual(outcomes, Object.fromEntries(Object.keys(outcomes).map((who) => [who, refusalOf(who)])))
    assert.deepEqual(
      (await waiting()).map((call) => call.id),
      [id],
    )
    await deny(asked)
  })

  test('by a model, whoever’s it is and whatever passes the call on', async () => {
    const asked = await asks()
    const input = { id: asked.call.id }
    const ways: readonly (readonly [name: string, input: object])[] = [
      ['approve_call', input],
      ['approvals.approve_call', input],
      ['approvals/approve_call', input],
      ['call_tool', { name: 'approve_call', arguments: input }],
      ['call_tool', { name: 'approvals.approve_call', arguments: input }],
      ['route_request', { target: 'approvals.approve_call', arguments: input }],
      ['route_request', { target: 'approve_call', arguments: input }],
      ['call_tool', { name: 'route_request', arguments: { target: 'approvals.approve_call', arguments: input } }],
      ['execute_capability', { capability: 'approvals.approve_call', arguments: input }],
    ]
    for (const token of [hub.token, home.tokens.olga, home.tokens.anna, pip])
      for (const [name, given] of ways)
        assert.notEqual(await overMcp(token, name, given), 'ok', `${name} ${JSON.stringify(given)}`)
    assert.equal((await waiting()).length, 1)
    await deny(asked)
  })

  test('by MQTT in the name of who may', async () => {
    const asked = await asks()
    const payload = JSON.stringify({ id: asked.call.id })
    for (const topic of [
      'alicia/v1/as/phone/req/approvals/approve_call',
      'alicia/v1/as/alicia/req/approvals/approve_call',
      'alicia/v1/as/anna/req/approvals/approve_call',
      'alicia/v1/req/approvals/approve_call',
      'alicia/v1/evt/approvals',
    ])
      await assert.rejects(broker.publishAsync(topic, payload, { qos: 1 }), /[Nn]ot authorized/, topic)
    await broker.publishAsync('alicia/v1/as/pip/req/approvals/approve_call', payload, { qos: 1 })
    assert.equal(await overRest(pip, 'mqtt.ping', {}), 'ok')
    assert.equal((await waiting()).length, 1)
    await deny(asked)
  })

  test('with a fingerprint of something else, or an id that is nearly it', async () => {
    const asked = await asks()
    const { id, fingerprint } = asked.call
    const tries: readonly (readonly [input: object, refusal: string])[] = [
      [{ id, fingerprint: `${fingerprint}x` }, 'not_found'],
      [{ id, fingerprint: '' }, 'not_found'],
      [{ id: '*' }, 'not_found'],
      [{ id: '__proto__' }, 'not_found'],
      [{ id: `${id} ` }, 'not_found'],
      [{ id: [id] }, 'invalid_input'],
      [{ id, for_minutes: 1e9 }, 'invalid_input'],
      [{ id, caller: 'owner' }, 'invalid_input'],
    ]
    for (const [input, refusal] of tries)
      assert.equal(await overRest(home.tokens.anna, 'approvals.approve_call', input), refusal, JSON.stringify(input))
    assert.equal((await waiting()).length, 1)
    await deny(asked)
  })

  test('a yes is for one call: not for the next, nor for other arguments, nor said twice', async () => {
    const first = await asks({ name: 'Ada' })
    const approve = () => overRest(home.tokens.anna, 'approvals.approve_call', { id: first.call.id })
    const words = await Promise.all([approve(), approve(), approve()])
    assert.deepEqual(words.toSorted(), ['conflict', 'conflict', 'ok'])
    assert.equal(await first.outcome, 'ok')
    assert.equal(await approve(), 'conflict')
    for (const name of ['Ada', 'Eve']) {
      const next = await asks({ name })
      assert.notEqual(next.call.id, first.call.id)
      await deny(next)
    }
  })

  test('a yes for a while is for that token and that operation', async () => {
    const first = await asks()
    const input = { id: first.call.id, for_minutes: 10 }
    assert.equal(await overRest(home.tokens.anna, 'approvals.approve_call', input), 'ok')
    assert.equal(await first.outcome, 'ok')
    assert.equal(await overMcp(pip, 'greet', { name: 'Eve' }), 'ok')
    await deny(await asks({}, 'test_simple_text'))
    const others = overMcp(yes['another token of the same child'] ?? '', 'greet', { name: 'Eve' })
    const [call] = await within(untilWaiting(), 'the call by the other token')
    assert.ok(call)
    await deny({ call, outcome: others })
    // Who asks neither ends nor renews it.
    assert.equal(await overRest(pip, 'approvals.deny_call', { id: first.call.id }), 'forbidden')
    assert.equal(await overRest(home.tokens.anna, 'approvals.deny_call', { id: first.call.id }), 'ok')
    await deny(await asks())
  })
  const untilWaiting = async () => {
    for (;;) {
      const calls = await waiting()
      if (calls.length > 0) return calls
      await delay(20)
    }
  }

  test('what passes a call on does not pass it by: who decides sees what is done', async () => {
    for (const [name, input] of [
      ['call_tool', { name: 'greet', arguments: { name: 'Eve' } }],
      ['route_request', { target: 'toys.greet', arguments: { name: 'Eve' } }],
      ['call_tool', { name: 'route_request', arguments: { target: 'toys.greet', arguments: { name: 'Eve' } } }],
    ] as const) {
      const asked = await asks(input, name)
      assert.partialDeepStrictEqual(asked.call, { operation: 'toys.greet', arguments: { name: 'Eve' } })
      await deny(asked)
    }
  })

  test('people are not flooded: five at a time, and no more', async () => {
    const five = []
    for (let count = 0; count < 5; count++) five.push(await asks({ name: `Ada ${count}` }))
    assert.equal(await overMcp(pip, 'greet', { name: 'one more' }), 'rate_limited')
    await Promise.all(five.map(deny))
    assert.deepEqual(await waiting(), [])
  })

  test('all of it is on record, with who decided', async () => {
    const { decisions } = (await hub.result('approvals.list_decisions', { limit: 200 })) as {
      decisions: { decision: string; by?: string }[]
    }
    assert.equal(decisions.filter(({ decision }) => decision === 'approved').length, 2)
    assert.ok(decisions.every(({ by }) => by === 'annas token'))
  })
})
