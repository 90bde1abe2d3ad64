import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startHub } from './support/hub.ts'
import { runProgram } from './support/program.ts'

test('the disk is full for a while: clear faults, nothing lost that was acknowledged, and it is over by itself', async (t) => {
  const hub = await startHub(t)
  const { session_id } = await hub.result('mqtt.establish_connection')
  const before = await hub.result('tokens.create_token', { name: 'before', scopes: ['mqtt:read'] })
  const publish = (topic: string) =>
    hub.call('mqtt.publish_message', { session_id, topic, payload: 'x', qos: 1, retain: true })
  assert.equal((await publish('kept/before')).status, 200)

  // RLIMIT_FSIZE from outside: from now on every write to a file fails, as on a disk without room.
  const limit = async (bytes: string) => {
    const { code, stderr } = await runProgram('prlimit', ['--pid', `${hub.pid}`, `--fsize=${bytes}:unlimited`])
    assert.equal(code, 0, stderr)
  }
  await limit('0')
  const refused = await hub.call('tokens.create_token', { name: 'meanwhile', scopes: ['mqtt:read'] })
  assert.equal(refused.status, 507, JSON.stringify(refused.body))
  assert.match(JSON.stringify(refused.body), /"code":"storage_failed".*space/)
  assert.notEqual((await publish('kept/meanwhile')).status, 200)
  // What needs no disk goes on.
  assert.equal((await hub.call('mqtt.ping', {}, { token: String(before['token']) })).status, 200)
  const health = await fetch(`${hub.urls.http}/health`)
  assert.notEqual(((await health.json()) as { status: string }).status, 'available')

  await limit('unlimited')
  const after = await hub.result('tokens.create_token', { name: 'after', scopes: ['mqtt:read'] })
  assert.equal((await hub.call('mqtt.ping', {}, { token: String(after['token']) })).status, 200)
  assert.equal((await publish('kept/after')).status, 200)
  const { tokens } = await hub.result('tokens.list_tokens')
  assert.deepEqual((tokens as { name: string }[]).map(({ name }) => name).sort(), ['after', 'before'])
  const list = await hub.result('mqtt.list_topics', { session_id, pattern: 'kept/#', duration: 0.3 })
  assert.deepEqual(
    (list['topics'] as { topic: string }[]).map(({ topic }) => topic),
    ['kept/after', 'kept/before'],
  )
  assert.equal((await hub.end()).code, 0)
})
