/**
 * A token for somebody who may look and not touch: it reads what is on the broker, and can neither switch anything nor
 * make itself a better token. Give one to each program, so that each can be told apart and ended by itself.
 *
 *     npx node examples/least-privilege/least-privilege.ts
 */
import assert from 'node:assert/strict'
import { startDemoHub } from '../support/demo-hub.ts'

await using hub = await startDemoHub()

/** One call over REST: the HTTP status and the answer. */
async function post(token: string, operation: string, input: object) {
  const response = await fetch(`${hub.urls.http}/api/${operation}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify(input),
  })
  return { status: response.status, body: (await response.json()) as Record<string, string> }
}

// The owner makes it: on the command line that is
//   alicia token create "kitchen display" --scope mqtt:read mqtt:connect --expires-in-days 90
const wanted = { name: 'kitchen display', scopes: ['mqtt:read', 'mqtt:connect'], expires_in_days: 90 }
const { body: made } = await post(hub.token, 'tokens/create_token', wanted)
const token = made['token'] ?? assert.fail('no token was made')
console.log(`Made a token for the ${made['name']}; it ends on ${made['expires_at']?.slice(0, 10)}.`)

// What it may: a session of its own, and reading.
const { body: session } = await post(token, 'mqtt/establish_connection', {})
const read = { session_id: session['session_id'], topic: 'zigbee2mqtt/bridge/state', duration: 0.3 }
const { status, body: collected } = await post(token, 'mqtt/subscribe_and_collect', read)
console.log(`Reading: ${status}, ${collected['returned']} message.`)
assert.deepEqual([status, collected['returned']], [200, 1])

// What it may not: each refusal names the scope that is missing, and nothing has happened.
const forbidden: [operation: string, input: object][] = [
  ['mqtt/publish_message', { session_id: session['session_id'], topic: 'zigbee2mqtt/hall_light/set', payload: 'ON' }],
  ['tokens/create_token', { name: 'a better one', scopes: ['*'] }],
]
for (const [operation, input] of forbidden) {
  const { status, body } = await post(token, operation, input)
  console.log(`${operation}: ${status}, ${body['detail']}`)
  assert.deepEqual([status, body['code']], [403, 'forbidden'])
}

// Somebody lost the display: from this moment on its token opens nothing.
await post(hub.token, 'tokens/revoke_token', { name: 'kitchen display' })
assert.equal((await post(token, 'mqtt/list_active_connections', {})).status, 401)
console.log('Revoked: 401.')
