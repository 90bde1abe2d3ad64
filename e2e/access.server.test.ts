import assert from 'node:assert/strict'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { WebSocket } from 'ws'
import { cleanUps } from '../src/testing/mqtt-toolkit.ts'
import { emptyHome, startHub, type TestHub } from './support/hub.ts'
import { WAYS } from './support/mcp.ts'
import { connectMqtt, mosquittoAt, nextMessage, ownerLogin } from './support/mqtt.ts'
import { runProgram } from './support/program.ts'

const USER = { name: 'node-red', password: 'passwort-des-benutzers' }
const READER = { name: 'reader', password: 'passwort-des-lesers' }

/** A call of a tool as MCP 2025-11-25 sends it, without a session: enough to be refused. */
const MCP_CALL = { jsonrpc: '2.0', id: 1, method: 'tools/list', params: {} }

suite('who may do what', () => {
  const ending = cleanUps()
  let hub: TestHub
  let reader: string
  let session_id: string

  before(async () => {
    const home = emptyHome(ending)
    const config = join(home.folder, 'alicia.json')
    const users = [
      { ...USER, scopes: ['mqtt:read'] },
      // May not even ask.
      { ...READER, publish: [], subscribe: ['home/#'] },
    ]
    writeFileSync(config, JSON.stringify({ broker: { users } }))
    hub = await startHub(ending, { home, args: ['--config', config] })
    const made = await hub.result('tokens.create_token', { name: 'tablet', scopes: ['mqtt:read', 'mqtt:connect'] })
    reader = String(made['token'])
    session_id = String((await hub.result('mqtt.establish_connection', {}, { token: reader }))['session_id'])
  })
  after(() => ending.run())

  const publish = () => ({ session_id, topic: 'e2e', payload: 'x' })

  test('REST: a token with mqtt:read lists, and is refused to publish', async () => {
    assert.equal((await hub.call('mqtt.list_topics', { session_id, duration: 0.1 }, { token: reader })).status, 200)
    const { status, body } = await hub.call('mqtt.publish_message', publish(), { token: reader })
    assert.equal(status, 403)
    assert.match(JSON.stringify(body), /mqtt:write/)
  })

  for (const way of Object.keys(WAYS).filter((name) => name !== 'MCP over stdio'))
    test(`${way}: the same`, async (t) => {
      const assistant = await WAYS[way]?.(t, { ...hub, token: reader })
      assert.ok(assistant)
      await assistant.call('list_topics', { session_id, duration: 0.1 })
      await assert.rejects(assistant.call('publish_message', publish()), /mqtt:write|403|Forbidden/)
    })

  test('MCP says 403 to HTTP as well', async () => {
    const call = modernCall('publish_message', publish())
    const response = await post(hub.urls.mcp, call.body, { authorization: `Bearer ${reader}`, ...call.headers })
    assert.equal(response.status, 403, await response.text())
  })

  test('alicia call: the same, exit code 3', async () => {
    const args = ['--json', JSON.stringify(publish())]
    const call = (operation: string, ...more: string[]) => hub.cli(['call', operation, '--token', reader, ...more])
    assert.equal((await call('ping')).code, 0)
    const { code, stderr } = await call('mqtt.publish_message', ...args)
    assert.equal(code, 3)
    assert.match(stderr, /mqtt:write/)
  })

  test('a token that is revoked is nobody’s from then on', async () => {
    const { token } = await hub.result('tokens.create_token', { name: 'guest', scopes: ['mqtt:read'] })
    assert.equal((await hub.call('mqtt.ping', {}, { token: String(token) })).status, 200)
    await hub.result('tokens.revoke_token', { name: 'guest' })
    assert.equal((await hub.call('mqtt.ping', {}, { token: String(token) })).status, 401)
  })

  test('a session belongs to whoever made it', async () => {
    const { status, body } = await hub.call('mqtt.ping', { session_id })
    assert.equal(status, 404, JSON.stringify(body))
    assert.deepEqual((await hub.result('mqtt.list_active_connections'))['connections'], [])
  })

  /** Every way in, and the status that it answers with; 101 would be a WebSocket. */
  const ENTRIES: Readonly<Record<string, (headers: Record<string, string>) => Promise<number>>> = {
    REST: async (headers) => (await post(`${hub.urls.http}/api/mqtt/ping`, {}, headers)).status,
    MCP: async (headers) => (await post(hub.urls.mcp, MCP_CALL, headers)).status,
    'MCP at its other path': async (headers) => (await post(`${hub.urls.http}/api/v1/mcp`, MCP_CALL, headers)).status,
    'MCP over HTTP+SSE': async (headers) => (await fetch(`${hub.urls.http}/sse`, { headers })).status,
    'MCP over WebSocket': (headers) => upgrade(hub.urls.mcp.replace(/^http/, 'ws'), 'mcp', headers),
    metrics: async (headers) => (await fetch(`${hub.urls.http}/metrics`, { headers })).status,
  }
  for (const [name, status] of Object.entries(ENTRIES))
    test(`${name}: 401 without a token, with a wrong one and with a malformed one`, async () => {
      for (const authorization of [undefined, `Bearer ${'x'.repeat(43)}`, hub.token, `Basic ${hub.token}`])
        assert.equal(await status(authorization === undefined ? {} : { authorization }), 401, `with ${authorization}`)
    })

  test('MQTT: refused without a password, with a wrong one, as the hub itself', async () => {
    for (const login of [
      {},
      { username: 'alicia', password: 'falsch' },
      { username: 'hub', password: hub.token },
      { username: 'session', password: hub.token },
      { username: USER.name, password: READER.password },
    ])
      for (const protocolVersion of [5, 4] as const)
        await assert.rejects(connectMqtt(ending, hub.urls.mqtt, { protocolVersion, ...login }), /refused|authorized/i)
  })

  test('alicia call with a wrong token: exit code 3', async () => {
    const { code, stderr } = await hub.cli(['call', 'ping', '--token', 'x'.repeat(43)])
    assert.equal(code, 3)
    assert.doesNotMatch(stderr, /x{43}/)
  })

  const FOREIGN: [header: string, value: string][] = [
    ['host', 'evil.example'],
    ['origin', 'https://evil.example'],
    ['origin', 'null'],
  ]
  for (const [header, value] of FOREIGN)
    test(`${header} ${value}: 403 everywhere, with the right token`, async () => {
      // `fetch` does not let anybody set these.
      const curl = async (url: string, ...more: string[]) => {
        const headers = ['-H', `authorization: Bearer ${hub.token}`, '-H', `${header}: ${value}`]
        const write = ['-sS', '-m', '10', '-o', '/dev/null', '-w', '%{http_code}']
        return (await runProgram('curl', [...write, ...headers, ...more, url])).stdout
      }
      const json = ['-H', 'content-type: application/json', '-d']
      const { http, mcp } = hub.urls
      const statuses = await Promise.all([
        curl(`${http}/`),
        curl(`${http}/health`),
        curl(`${http}/api/mqtt/ping`, ...json, '{}'),
        curl(mcp, ...json, JSON.stringify(MCP_CALL)),
        curl(`${http}/sse`),
        upgrade(mcp.replace(/^http/, 'ws'), 'mcp', { authorization: `Bearer ${hub.token}`, [header]: value }),
        upgrade(hub.urls.mqttWebSocket ?? '', 'mqtt', { [header]: value }),
      ])
      assert.deepEqual(
        statuses.map(Number),
        statuses.map(() => 403),
      )
    })

  test('MQTT over WebSocket on the HTTP port lets in whom the broker knows', async () => {
    const client = await connectMqtt(ending, hub.urls.mqttWebSocket ?? '', ownerLogin(hub))
    const arrival = await nextMessage(client, 'e2e/ws')
    await client.publishAsync('e2e/ws', 'through', { qos: 1 })
    assert.equal((await arrival()).payload.toString(), 'through')
    await assert.rejects(connectMqtt(ending, hub.urls.mqttWebSocket ?? '', { username: 'alicia', password: 'falsch' }))
  })

  test('an MQTT user asks with its own scopes, and not as the owner', async () => {
    const login = { username: USER.name, password: USER.password }
    /** It waits so many seconds for an answer. */
    const ask = async (topic: string, reply: string, input: object, wait = 60) => {
      const args = [
        ...mosquittoAt(hub.urls.mqtt, login),
        '-t',
        topic,
        '-e',
        reply,
        '-V',
        'mqttv5',
        '-q',
        '1',
        '-W',
        `${wait}`,
      ]
      return (await runProgram('mosquitto_rr', [...args, '-m', JSON.stringify(input)])).stdout
    }
    const own = 'alicia/v1/as/node-red'
    assert.match(await ask(`${own}/req/mqtt/ping`, `${own}/rep/1`, {}), /"pong":true/)
    assert.match(await ask(`${own}/req/mqtt/publish_message`, `${own}/rep/2`, publish()), /"code":"forbidden"/)
    assert.doesNotMatch(await ask('alicia/v1/req/mqtt/ping', `${own}/rep/3`, {}, 2), /pong/)
  })

  test('an MQTT user without rights cannot ask at all', async () => {
    const client = await connectMqtt(ending, hub.urls.mqtt, {
      protocolVersion: 5,
      username: READER.name,
      password: READER.password,
    })
    for (const topic of ['alicia/v1/req/mqtt/ping', 'alicia/v1/as/alicia/req/mqtt/ping', 'home/lamp'])
      await assert.rejects(client.publishAsync(topic, '{}', { qos: 1 }), /[Nn]ot authorized/, topic)
    await assert.rejects(client.subscribeAsync('alicia/v1/rep/#', { qos: 1 }))
  })
})

/** A tool call of revision 2026-07-28, which needs no session. */
function modernCall(name: string, input: object) {
  const revision = '2026-07-28'
  const _meta = {
    'io.modelcontextprotocol/protocolVersion': revision,
    'io.modelcontextprotocol/clientCapabilities': {},
  }
  const params = { name, arguments: input, _meta }
  return {
    body: { jsonrpc: '2.0', id: 1, method: 'tools/call', params },
    headers: { 'mcp-protocol-version': revision, 'mcp-method': 'tools/call', 'mcp-name': name },
  }
}

const post = (url: string, body: object, headers: Record<string, string>) =>
  fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/json, text/event-stream', ...headers },
    body: JSON.stringify(body),
  })

/** The HTTP status with which the server answers the wish for a WebSocket. */
async function upgrade(url: string, protocol: string, headers: Record<string, string>): Promise<number> {
  const socket = new WebSocket(url, protocol, { headers })
  socket.on('error', () => undefined)
  const opened = once(socket, 'open').then(() => 101)
  const refused = once(socket, 'unexpected-response').then(
    ([, { statusCode }]) => (statusCode as number | undefined) ?? 0,
  )
  try {
    return await Promise.race([opened, refused])
  } finally {
    void Promise.allSettled([opened, refused])
    socket.terminate()
  }
}
