import assert from 'node:assert/strict'
import { after, before, suite, test, type TestContext } from 'node:test'
import { anyFreePort } from '../src/testing/free-port.ts'
import { startTestMosquitto } from '../src/testing/mosquitto.ts'
import { cleanUps } from '../src/testing/mqtt-toolkit.ts'
import { emptyHome, startHub, type TestHub } from './support/hub.ts'
import { connectAssistant, type Assistant } from './support/mcp.ts'
import { mosquittoAt, mosquittoSub, ownerLogin } from './support/mqtt.ts'
import { runProgram } from './support/program.ts'

/** The main job: an assistant works with a real broker through the hub, and other people's clients see it. */
interface Place {
  /** What the assistant is told; nothing for the hub's own broker. */
  readonly connection_string?: string
  /** Where the Mosquitto clients connect. */
  readonly at: readonly string[]
}

const LOGIN = { username: 'ann', password: 'geheimnis@home' }
/** Made with `mosquitto_passwd`; the test does it itself, so that the hash is not in here. */
async function mosquittoWithPassword(t: Pick<TestContext, 'after'>) {
  const { folder } = emptyHome(t)
  const file = `${folder}/passwords`
  const made = await runProgram('mosquitto_passwd', ['-b', '-c', file, LOGIN.username, LOGIN.password])
  assert.equal(made.code, 0, made.stderr)
  return await startTestMosquitto(t, { lines: ['allow_anonymous false', `password_file ${file}`] })
}

const PLACES: Readonly<Record<string, (ending: Pick<TestContext, 'after'>, hub: TestHub) => Promise<Place>>> = {
  'the hub’s own broker': async (_, hub) => ({ at: mosquittoAt(hub.urls.mqtt, ownerLogin(hub)) }),
  'a Mosquitto with a password': async (ending) => {
    const { port, url } = await mosquittoWithPassword(ending)
    const user = `${LOGIN.username}:${encodeURIComponent(LOGIN.password)}`
    return { connection_string: `mqtt://${user}@127.0.0.1:${port}`, at: mosquittoAt(url, LOGIN) }
  },
}

for (const [name, find] of Object.entries(PLACES))
  suite(`an assistant at ${name}`, () => {
    const ending = cleanUps()
    let hub: TestHub
    let assistant: Assistant
    let place: Place
    let session_id: unknown

    const publish = async (topic: string, payload: string, ...more: string[]) => {
      const { code, stderr } = await runProgram('mosquitto_pub', [...place.at, '-t', topic, '-m', payload, ...more])
      assert.equal(code, 0, stderr)
    }

    before(async () => {
      hub = await startHub(ending)
      place = await find(ending, hub)
      assistant = await connectAssistant(ending, hub)
      const { connection_string } = place
      const session = await assistant.call('establish_connection', connection_string ? { connection_string } : {})
      session_id = session['session_id']
      assert.equal(session['own_broker'], connection_string === undefined)
      assert.equal(session['protocol_version'], '5')
      assert.doesNotMatch(JSON.stringify(session), /geheimnis/)
    })
    after(() => ending.run())

    test('lists topics that others left there', async () => {
      await publish('home/kitchen/temperature', '21.5', '-r')
      await publish('home/kitchen/lamp', '{"state":"ON","brightness":120}', '-r')
      const found = await assistant.call('list_topics', { session_id, pattern: 'home/#', duration: 0.3 })
      assert.partialDeepStrictEqual(found['topics'], [
        { topic: 'home/kitchen/lamp', payload: '{"state":"ON","brightness":120}', retained: true },
        { topic: 'home/kitchen/temperature', payload: '21.5', retained: true },
      ])
    })

    test('collects what mosquitto_pub publishes meanwhile', async () => {
      const { promise: listening, resolve } = Promise.withResolvers<void>()
      const input = { session_id, topic: 'live/+', duration: 15, mode: 'first', max_messages: 3, qos: 1 }
      const collecting = assistant.call('subscribe_and_collect', input, resolve)
      await Promise.race([listening, collecting])
      await publish('live/a', '{"n":1}', '-q', '1')
      await publish('live/b', 'grüße', '-q', '1', '-V', 'mqttv5', '-D', 'publish', 'content-type', 'text/plain')
      await runProgram('mosquitto_pub', [...place.at, '-t', 'live/c', '-s', '-q', '1'], { input: '\u0000\u0001' })
      const collected = await collecting
      assert.equal(collected['ended_by'], 'max_messages')
      assert.partialDeepStrictEqual(collected['messages'], [
        { topic: 'live/a', payload: { n: 1 }, encoding: 'json', qos: 1, retained: false },
        { topic: 'live/b', payload: 'grüße', encoding: 'text', properties: { content_type: 'text/plain' } },
        { topic: 'live/c', payload: 'AAE=', encoding: 'base64', format: 'binary' },
      ])
    })

    test('publishes, and mosquitto_sub sees it', async (t) => {
      const sub = await mosquittoSub(t, place.at, 'out/#')
      const said = await assistant.call('publish_message', {
        session_id,
        topic: 'out/lamp',
        payload: { on: true },
        qos: 2,
      })
      assert.equal(said['confirmed'], true)
      await sub.says(/^out\/lamp \{"on":true\}$/m)
    })

    test('tests the connection, and closes it', async () => {
      const facts = await assistant.call('test_connection', { session_id })
      assert.equal(facts['reachable'], true)
      const other = await assistant.call('establish_connection', { ...pick(place), name: 'other' })
      await assistant.call('close_connection', { session_id: other['session_id'] })
      await assert.rejects(assistant.call('ping', { session_id: other['session_id'] }), /not_found/)
    })
  })

const pick = ({ connection_string }: Place) => (connection_string === undefined ? {} : { connection_string })

suite('what an assistant is told when a broker fails', () => {
  const ending = cleanUps()
  let hub: TestHub
  before(async () => {
    hub = await startHub(ending)
  })
  after(() => ending.run())

  test('it dies in the middle of a collection: what came is returned, marked partial', async (t) => {
    const broker = await startTestMosquitto(t)
    const assistant = await connectAssistant(t, hub)
    const { session_id } = await assistant.call('establish_connection', { connection_string: broker.url })
    const { promise: listening, resolve } = Promise.withResolvers<void>()
    const input = { session_id, topic: '#', duration: 60, qos: 1 }
    const collecting = assistant.call('subscribe_and_collect', input, resolve)
    await Promise.race([listening, collecting])
    await runProgram('mosquitto_pub', [...mosquittoAt(broker.url), '-t', 'last', '-m', 'words', '-q', '1'])
    await broker.stop()
    const collected = await collecting
    assert.partialDeepStrictEqual(collected, { partial: true, ended_by: 'connection_lost', returned: 1 })
    assert.match(String(collected['reason']), /broker closed the connection/)
  })

  test('wrong credentials: says so, and shows none of them', async (t) => {
    const { port } = await mosquittoWithPassword(t)
    const assistant = await connectAssistant(t, hub)
    const connection_string = `mqtt://ann:falsches-wort@127.0.0.1:${port}`
    await assert.rejects(assistant.call('establish_connection', { connection_string }), (error: Error) => {
      assert.match(error.message, /refused the connection.*Check user name and password/)
      assert.doesNotMatch(error.message, /falsches-wort/)
      return true
    })
    assert.doesNotMatch(hub.stderr(), /falsches-wort/)
  })

  test('unreachable: says what to check', async (t) => {
    const assistant = await connectAssistant(t, hub)
    const connection_string = `mqtt://127.0.0.1:${await anyFreePort()}`
    await assert.rejects(
      assistant.call('establish_connection', { connection_string }),
      /nothing listens there.*Check that the broker runs, and the port\..*\(unavailable\)/,
    )
  })
})

test('a session survives a restart of the hub, with its password, and is used as if nothing had been', async (t) => {
  const { port, url } = await mosquittoWithPassword(t)
  const home = emptyHome(t)
  const first = await startHub(t, { home })
  const connection_string = `mqtt://ann:${encodeURIComponent(LOGIN.password)}@127.0.0.1:${port}`
  const { session_id } = await first.result('mqtt.establish_connection', { connection_string, name: 'garage' })
  assert.equal((await first.end()).code, 0)
  const second = await startHub(t, { home })
  const assistant = await connectAssistant(t, second)
  assert.partialDeepStrictEqual((await assistant.call('list_active_connections'))['connections'], [
    { session_id, name: 'garage', broker: url, state: 'idle' },
  ])
  const sub = await mosquittoSub(t, mosquittoAt(url, LOGIN), 'garage/#')
  await assistant.call('publish_message', { session_id, topic: 'garage/door', payload: 'open', qos: 1 })
  await sub.says(/^garage\/door open$/m)
})
