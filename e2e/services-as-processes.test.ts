import assert from 'node:assert/strict'
import process from 'node:process'
import { suite, test, type TestContext } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { emptyHome, startAlicia, startHub, type Home, type TestHub } from './support/hub.ts'
import { connectAssistant } from './support/mcp.ts'
import { within } from './support/program.ts'

const USER = { name: 'attic', password: 'password-of-the-attic', services: ['mqtt', 'demo'] }

/** A server that is of no use without a service of another process. */
const NEEDING = { command: process.execPath, args: ['-e', 'process.stdin.resume()'], alicia: { needs: ['demo'] } }

async function startDivided(t: TestContext, mcpServers: object = {}): Promise<TestHub> {
  const config = { broker: { users: [USER] } }
  return await startHub(t, { config, mcp: { mcpServers }, args: ['--without', 'mqtt'] })
}

/** `alicia start --only` in a home of its own. */
function startOnly(home: Home, hub: Pick<TestHub, 'urls'>, services: string, more: Record<string, string> = {}) {
  const url = hub.urls.mqtt.replace('//', `//${USER.name}:${USER.password}@`)
  const env = { ALICIA_BROKER_URL: url, ALICIA_BROKER_ENFORCES_IDENTITY: 'true', ...more }
  return startAlicia(home, ['start', '--json', '--data', home.data, '--only', services], env)
}

const isThere = (hub: TestHub, name: string, status: string) =>
  hub.says(new RegExp(`"msg":"${name} on the bus is ${status}"`))

suite('services as processes of their own', () => {
  test('they are the hub’s own to every caller, and come back when they are killed', async (t) => {
    const hub = await startDivided(t, { needing: NEEDING })
    const waitsFor = async () => {
      const { servers } = (await hub.result('gateway.list_servers')) as { servers: { waits_for?: string }[] }
      return servers.map(({ waits_for }) => waits_for)
    }
    const missing = await hub.call('mqtt.ping')
    assert.equal(missing.status, 404)
    const attic = emptyHome(t)
    const first = startOnly(attic, hub, 'mqtt,demo')
    await Promise.all([
      first.says(/"event":"ready"/),
      isThere(hub, 'mqtt', 'available'),
      isThere(hub, 'demo', 'available'),
    ])

    const { devices } = (await hub.result('demo.describe_home')) as { devices: unknown[] }
    assert.ok(devices.length > 5)
    const wrong = await hub.call('mqtt.ping', { session: 'x' })
    assert.deepEqual(
      [wrong.status, wrong.body['code'], wrong.body['hint']],
      [400, 'invalid_input', 'It takes: session_id.'],
    )
    const described = await fetch(`${hub.urls.http}/openapi.json`, {
      headers: { authorization: `Bearer ${hub.token}` },
    })
    assert.match(await described.text(), /publish_message/)
    const assistant = await connectAssistant(t, hub)
    assert.ok((await assistant.tools()).includes('publish_message'))
    assert.equal((await assistant.call('ping'))['pong'], true)
    const { session_id } = await hub.result('mqtt.establish_connection')
    assert.equal((await hub.result('mqtt.ping', { session_id }))['pong'], true)

    await first.end('SIGKILL')
    await isThere(hub, 'demo', 'unavailable')
    const down = await hub.call('demo.describe_home')
    assert.deepEqual([down.status, down.body['code']], [503, 'unavailable'])
    assert.match(
      String(down.body['detail']),
      /demo \(attic\/.+\) is unavailable since (\d{4}-\d\d-\d\d )?\d\d:\d\d: .*its connection broke/,
    )
    const { services } = (await hub.result('health.list_services')) as { services: { name: string; status: string }[] }
    assert.equal(services.find(({ name }) => name === 'demo')?.status, 'unavailable')

    assert.match(String(await waitsFor()), /^demo is down since /)

    startOnly(attic, hub, 'mqtt,demo')
    await hub.says(/its connection broke.*"demo on the bus is unavailable"[^]*"demo on the bus is available"/)
    assert.ok((await hub.result('demo.describe_home'))['devices'])
    assert.deepEqual(await waitsFor(), [undefined])
  })

  test('one that its process does not run any more is gone', async (t) => {
    const hub = await startDivided(t)
    const attic = emptyHome(t)
    const both = startOnly(attic, hub, 'mqtt,demo')
    await Promise.all([isThere(hub, 'mqtt', 'available'), isThere(hub, 'demo', 'available')])
    await both.end()
    const one = startOnly(attic, hub, 'mqtt')
    await Promise.all([
      one.says(/"event":"ready"/),
      hub.says(/"mqtt on the bus is unavailable"[^]*"mqtt on the bus is available"/),
    ])
    const gone = async () => {
      while ((await hub.call('health.get_service', { name: 'demo' })).status !== 404) await delay(50)
    }
    await within(gone(), 'the end of demo')
    assert.equal((await hub.call('mqtt.ping')).status, 200)
  })

  test('what cannot work says what to do', async (t) => {
    const hub = await startDivided(t)
    const cases: readonly [services: string, env: Record<string, string>, says: RegExp][] = [
      ['mqttt', {}, /There is no service called mqttt.*These can: mqtt, demo/s],
      ['health', {}, /The service health is part of a hub/],
      ['demo', { ALICIA_BROKER_URL: '' }, /Services alone need the broker of a hub.*ALICIA_BROKER_URL/s],
      ['demo', { ALICIA_BROKER_ENFORCES_IDENTITY: '' }, /not known to check who writes.*ENFORCES_IDENTITY=true/s],
    ]
    for (const [services, env, says] of cases) {
      const { code, stderr } = await startOnly(emptyHome(t), hub, services, env).ended
      assert.notEqual(code, 0)
      assert.match(stderr, says)
    }
  })
})
