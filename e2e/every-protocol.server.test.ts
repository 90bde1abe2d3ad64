import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, suite, test } from 'node:test'
import type { MqttClient } from 'mqtt'
import { cleanUps } from '../src/testing/mqtt-toolkit.ts'
import { services } from '../src/services.ts'
import { emptyHome, startHub, type TestHub } from './support/hub.ts'
import { overStdio, WAYS, type Assistant } from './support/mcp.ts'
import { connectMqtt, mosquittoAt, nextMessage, ownerLogin } from './support/mqtt.ts'
import { runProgram } from './support/program.ts'

/** How a call ended, whatever carried it: a result, or a fault with its code and words. */
type Outcome = { readonly result: Record<string, unknown> } | { readonly code: string; readonly text: string }
type Ask = (operation: string, input: object) => Promise<Outcome>

interface Problem {
  code: string
  detail: string
  hint?: string
}
const problemOutcome = ({ code, detail, hint }: Problem): Outcome => ({ code, text: [detail, hint].join(' ').trim() })
const outcomeOf = (text: string, isOk: boolean): Outcome =>
  isOk ? { result: JSON.parse(text) as Record<string, unknown> } : problemOutcome(JSON.parse(text) as Problem)

/** MCP carries a fault as the text that a model reads: message, hint, and the code in brackets. */
const throughMcp =
  (assistant: Assistant): Ask =>
  (operation, input) =>
    assistant
      .call(operation.replace('mqtt.', ''), input as Record<string, unknown>)
      .then((result): Outcome => ({ result }))
      .catch((error: Error): Outcome => {
        const [, text = error.message, code = ''] = /^([^]*) \((\w+)\)$/.exec(error.message) ?? []
        return { code, text }
      })

/** Everything that is not MCP, each with a client of its own kind. */
const OTHER_WAYS: Readonly<Record<string, (hub: TestHub, mqtt: Record<5 | 4, MqttClient>) => Ask>> = {
  'REST by fetch': (hub) => async (operation, input) => {
    const { status, body } = await hub.call(operation, input)
    return outcomeOf(JSON.stringify(body), status === 200)
  },
  'REST by curl': (hub) => async (operation, input) => {
    const url = `${hub.urls.http}/api/${operation.replace('.', '/')}`
    const headers = ['-H', `authorization: Bearer ${hub.token}`, '-H', 'content-type: application/json']
    const args = ['-sS', '-w', '\n%{http_code}', ...headers, '-d', JSON.stringify(input), url]
    const { stdout } = await runProgram('curl', args)
    const [body = '', status] = stdout.split('\n')
    return outcomeOf(body, status === '200')
  },
  'MQTT 5 by mqtt.js': (_, mqtt) => async (operation, input) => {
    const responseTopic = `alicia/v1/rep/e2e/${randomUUID()}`
    const reply = await nextMessage(mqtt[5], responseTopic)
    const properties = { responseTopic, correlationData: Buffer.from('e2e'), messageExpiryInterval: 60 }
    const topic = `alicia/v1/req/${operation.replace('.', '/')}`
    await mqtt[5].publishAsync(topic, JSON.stringify(input), { qos: 1, properties })
    const { payload, properties: said } = await reply()
    assert.deepEqual(said?.correlationData, properties.correlationData)
    return outcomeOf(payload.toString(), said?.userProperties?.['status'] === 'ok')
  },
  'MQTT 5 by mosquitto_rr': (hub) => async (operation, input) => {
    const topics = ['-t', `alicia/v1/req/${operation.replace('.', '/')}`, '-e', `alicia/v1/rep/rr/${randomUUID()}`]
    const args = [...mosquittoAt(hub.urls.mqtt, ownerLogin(hub)), ...topics, '-V', 'mqttv5', '-q', '1', '-W', '60']
    const { stdout } = await runProgram('mosquitto_rr', [...args, '-m', JSON.stringify(input)])
    return outcomeOf(stdout, !stdout.includes('"/problems/'))
  },
  'MQTT 3.1.1 by an envelope': (_, mqtt) => async (operation, input) => {
    const reply = `alicia/v1/rep/old/${randomUUID()}`
    const answer = await nextMessage(mqtt[4], reply)
    const envelope = JSON.stringify({ id: 7, reply, body: input })
    await mqtt[4].publishAsync(`alicia/v1/req/${operation.replace('.', '/')}`, envelope, { qos: 1 })
    const { payload } = await answer()
    const { id, status, body } = JSON.parse(payload.toString()) as { id: number; status: string; body: object }
    assert.equal(id, 7)
    return outcomeOf(JSON.stringify(body), status === 'ok')
  },
  'alicia call': (hub) => async (operation, input) => {
    const { code, stdout, stderr } = await hub.cli(['call', operation, '--json', JSON.stringify(input)])
    if (code === 0) return { result: JSON.parse(stdout) as Record<string, unknown> }
    const { error } = JSON.parse(stderr) as { error: { code: string; message: string; hint?: string } }
    return problemOutcome({ ...error, detail: error.message })
  },
}

/** Bad input and what is said about it: the same words everywhere. */
const BAD_INPUT: Readonly<Record<string, [operation: string, input: object, code: string, text: RegExp]>> = {
  'an unknown argument': ['mqtt.ping', { sesion_id: 'x' }, 'invalid_input', /did you mean session_id\?/],
  'a wrong type': [
    'mqtt.publish_message',
    { session_id: randomUUID(), topic: 7, payload: 'x' },
    'invalid_input',
    /topic/,
  ],
  'a topic with a wildcard': [
    'mqtt.publish_message',
    { session_id: randomUUID(), topic: 'home/#', payload: 'x' },
    'invalid_input',
    /topic: .*wildcard/,
  ],
  'a filter that is none': [
    'mqtt.subscribe_and_collect',
    { session_id: randomUUID(), topic: 'home/#/lamp', duration: 1 },
    'invalid_input',
    /topic: /,
  ],
  'a session that does not exist': [
    'mqtt.publish_message',
    { session_id: randomUUID(), topic: 'a', payload: 'x' },
    'not_found',
    /establish_connection/,
  ],
}

suite('one operation, every protocol', () => {
  const ending = cleanUps()
  const asks = new Map<string, Ask>()
  let hub: TestHub
  let session_id = ''
  let listener: MqttClient

  before(async () => {
    hub = await startHub(ending)
    const clients = await Promise.all(
      ([5, 4] as const).map((protocolVersion) =>
        connectMqtt(ending, hub.urls.mqtt, { protocolVersion, ...ownerLogin(hub) }),
      ),
    )
    const [five, four] = clients as [MqttClient, MqttClient]
    listener = await connectMqtt(ending, hub.urls.mqtt, { protocolVersion: 5, ...ownerLogin(hub) })
    for (const [name, way] of Object.entries(OTHER_WAYS)) asks.set(name, way(hub, { 5: five, 4: four }))
    for (const [name, connect] of Object.entries(WAYS)) asks.set(name, throughMcp(await connect(ending, hub)))
    session_id = String((await hub.result('mqtt.establish_connection'))['session_id'])
  })
  after(() => ending.run())

  const ask = (way: string, ...call: Parameters<Ask>) => {
    const asking = asks.get(way)
    assert.ok(asking, way)
    return asking(...call)
  }

  for (const way of [...Object.keys(OTHER_WAYS), ...Object.keys(WAYS)])
    suite(way, () => {
      test('ping', async () => {
        const outcome = await ask(way, 'mqtt.ping', {})
        assert.ok('result' in outcome, JSON.stringify(outcome))
        assert.deepEqual(Object.keys(outcome.result), ['pong', 'time'])
        assert.equal(outcome.result['pong'], true)
      })

      test('publish_message: the same result, and it arrives', async () => {
        const topic = `e2e/${randomUUID()}`
        const arrival = await nextMessage(listener, topic)
        const outcome = await ask(way, 'mqtt.publish_message', { session_id, topic, payload: 'grüße', qos: 1 })
        assert.deepEqual(outcome, { result: { topic, bytes: 7, qos: 1, retained: false, confirmed: true } })
        assert.equal((await arrival()).payload.toString(), 'grüße')
      })

      for (const [what, [operation, input, code, text]] of Object.entries(BAD_INPUT))
        test(`${what}: ${code}`, async () => {
          const outcome = await ask(way, operation, input)
          assert.ok('code' in outcome, JSON.stringify(outcome))
          assert.equal(outcome.code, code)
          assert.match(outcome.text, text)
          // Word for word what REST says.
          assert.deepEqual(outcome, await ask('REST by fetch', operation, input))
        })
    })

  test('an operation that does not exist: the nearest is named everywhere', async () => {
    for (const way of asks.keys()) {
      // A request to a topic where nothing listens has no answer by the nature of MQTT; this service listens.
      const outcome = await ask(way, 'mqtt.pings', {})
      assert.ok('code' in outcome, way)
      assert.match(outcome.text, /\bping\b/, way)
    }
  })

  test('a deadline is kept, however it is given', async () => {
    const input = { session_id, topic: 'quiet/#', duration: 60 }
    const rest = await fetch(`${hub.urls.http}/api/mqtt/subscribe_and_collect`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${hub.token}`,
        'content-type': 'application/json',
        'x-request-timeout-ms': '300',
      },
      body: JSON.stringify(input),
    })
    assert.equal(rest.status, 504)

    const cli = await hub.cli(['call', 'subscribe_and_collect', '--timeout', '0.3', JSON.stringify(input)])
    assert.equal(cli.code, 6, cli.stderr)

    const responseTopic = 'alicia/v1/rep/e2e/deadline'
    const reply = await nextMessage(listener, responseTopic)
    const properties = { responseTopic, messageExpiryInterval: 1 }
    await listener.publishAsync('alicia/v1/req/mqtt/subscribe_and_collect', JSON.stringify(input), {
      qos: 1,
      properties,
    })
    assert.match((await reply()).payload.toString(), /"code":"timeout"/)
  })

  test('every way lists the same tools', async () => {
    const lists = await Promise.all(Object.values(WAYS).map(async (connect) => (await connect(ending, hub)).tools()))
    const { stdout } = await hub.cli(['tools', '--json'])
    const bearer = { headers: { authorization: `Bearer ${hub.token}` } }
    const { operations } = (await (await fetch(`${hub.urls.http}/api`, bearer)).json()) as {
      operations: { name: string }[]
    }
    const names = operations.map(({ name }) => name).sort()
    const hidden = services.flatMap(({ operations: own }) => own.filter(({ meta }) => meta.forModels === false))
    const short = new Set(hidden.map(({ name }) => name.split('.')[1]))
    // A model gets the search only where it does not get the whole list.
    const listed = names.filter((name) => !short.has(name) && !['call_tool', 'find_tools', 'list_costs'].includes(name))
    for (const list of lists) assert.deepEqual(list.toSorted(), listed)
    for (const name of names) assert.match(stdout, new RegExp(`"${name}"`))
  })
})

test('alicia stdio without a hub runs one, and leaves the folder free', async (t) => {
  const home = emptyHome(t)
  const args = ['--data', home.data, '--port', '0', '--mqtt-port', '0']
  for (const round of [1, 2]) {
    const assistant = await overStdio(t, args, home.env)
    assert.match(String(assistant.instructions()), /establish_connection/)
    const { session_id } = await assistant.call('establish_connection')
    const said = await assistant.call('publish_message', { session_id, topic: 'e2e', payload: `${round}`, qos: 1 })
    assert.equal(said['confirmed'], true)
    await assistant.close()
  }
})
