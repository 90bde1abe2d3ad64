import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { emptyHome, startHub, type TestHub } from './support/hub.ts'
import { connectAssistant } from './support/mcp.ts'
import { connectMqtt, ownerLogin } from './support/mqtt.ts'
import { within } from './support/program.ts'

test('kill -9 during writes: what was acknowledged is there after the restart', async (t) => {
  const home = emptyHome(t)
  const first = await startHub(t, { home })
  const { session_id } = await first.result('mqtt.establish_connection')
  const acknowledged = { tokens: new Map<string, string>(), topics: [] as string[] }
  const { promise: enough, resolve } = Promise.withResolvers<void>()
  /** Writes until the hub is gone. */
  const write = async (writer: number) => {
    for (let number = 0; ; number++) {
      const name = `w${writer}-${number}`
      const made = await first.call('tokens.create_token', { name, scopes: ['mqtt:read'] })
      if (made.status !== 200) return
      acknowledged.tokens.set(name, String(made.body['token']))
      const message = { session_id, topic: `kept/${name}`, payload: name, qos: 1, retain: true }
      const { status } = await first.call('mqtt.publish_message', message)
      if (status !== 200) return
      acknowledged.topics.push(message.topic)
      if (acknowledged.topics.length === 60) resolve()
    }
  }
  const writers = Array.from({ length: 4 }, (_, writer) => write(writer).catch(() => undefined))
  await within(enough, 'sixty writes')
  await first.end('SIGKILL')
  await Promise.all(writers)

  const second = await startHub(t, { home })
  const list = await second.result('tokens.list_tokens')
  const names = new Set((list['tokens'] as { name: string }[]).map(({ name }) => name))
  for (const [name, token] of acknowledged.tokens) {
    assert.ok(names.has(name), name)
    assert.equal((await second.call('mqtt.ping', {}, { token })).status, 200)
  }
  // The session too, and with it what the broker keeps.
  const found = await second.result('mqtt.list_topics', { session_id, pattern: 'kept/#', duration: 0.5, limit: 1000 })
  const topics = new Set((found['topics'] as { topic: string }[]).map(({ topic }) => topic))
  for (const topic of acknowledged.topics) assert.ok(topics.has(topic), topic)
  assert.equal((await second.end()).code, 0)
})

suite('SIGTERM during calls', () => {
  /** A collection of that many seconds that has begun, over REST, and the stream to its end. */
  async function collecting(hub: TestHub, seconds: number) {
    const { session_id } = await hub.result('mqtt.establish_connection')
    const body = JSON.stringify({ session_id, topic: 'live/#', duration: seconds })
    const response = await fetch(`${hub.urls.http}/api/mqtt/subscribe_and_collect`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${hub.token}`,
        accept: 'text/event-stream',
        'content-type': 'application/json',
      },
      body,
    })
    // The stream opens with the first news: it listens.
    assert.equal(response.status, 200)
    return { end: response.text().catch(String) }
  }

  test('one that is nearly done finishes', async (t) => {
    const hub = await startHub(t)
    const stream = await collecting(hub, 1.5)
    const { code } = await hub.end('SIGTERM')
    assert.equal(code, 0)
    assert.match(await stream.end, /event: result\ndata: .*"ended_by":"duration"/)
  })

  test('one that would take longer gets a clear fault, and the hub ends in time', async (t) => {
    const hub = await startHub(t)
    const rest = await collecting(hub, 600)
    const assistant = await connectAssistant(t, hub)
    const { session_id } = await assistant.call('establish_connection')
    const { promise: listening, resolve } = Promise.withResolvers<void>()
    const mcp = assistant
      .call('subscribe_and_collect', { session_id, topic: '#', duration: 600 }, resolve)
      .then(JSON.stringify, String)
    await Promise.race([listening, mcp])
    const idle = await connectMqtt(t, hub.urls.mqtt, ownerLogin(hub))
    const { code } = await within(hub.end('SIGTERM'), 'the end of the hub', 10_000)
    assert.equal(code, 0)
    const stopped = /stopping|shutting down|connection_lost|partial/
    assert.match(await within(rest.end, 'the end of the stream'), stopped)
    assert.match(await within(mcp, 'an answer over MCP'), stopped)
    await idle.endAsync(true)
  })

  test('a second signal ends it at once', async (t) => {
    const hub = await startHub(t)
    const stream = await collecting(hub, 600)
    const first = hub.end('SIGINT')
    // Two that come together are one Ctrl-C that arrived twice; and the first one may be heard late.
    const again = setInterval(() => void hub.end('SIGINT').catch(() => undefined), 600)
    const { code } = await first.finally(() => clearInterval(again))
    assert.equal(code, 130)
    await Promise.allSettled([stream.end])
  })
})
