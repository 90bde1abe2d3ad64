/**
 * A child's assistant wants something deleted. The child does not decide that alone: the call waits, somebody hears of it, looks
 * at what would be done, and says yes or no. What asks cannot answer itself.
 *
 *     npx node examples/approval/approval.ts
 */
import assert from 'node:assert/strict'
import mqtt from 'mqtt'
import { startServerHub, textOf } from '../support/server-hub.ts'

await using hub = await startServerHub(() => ({ mcpServers: {} }))

// A child and a parent, each with a token of their own. On the command line:
//   alicia user add kim --role child
//   alicia user add anna --role adult
await hub.result('people.add_person', { name: 'kim', role: 'child' })
await hub.result('people.add_person', { name: 'anna', role: 'adult' })
const tokenFor = async (person: string, scopes: readonly string[]) => {
  const made = await hub.result('tokens.create_token', { name: `token of ${person}`, scopes, for: person })
  return String(made['token'])
}
const kim = await tokenFor('kim', ['mqtt:*'])
const anna = await tokenFor('anna', ['approvals:*'])

// Something of the child's that can be lost: a recording of what happened at home.
const { session_id } = await hub.result('mqtt.establish_connection', {}, { token: kim })
const record = (name: string) =>
  hub.result('mqtt.record_messages', { session_id, topic: '#', name, duration: 0.2 }, { token: kim })
await record('monday')
await record('tuesday')

// Whoever may read approvals hears of them at the broker: a phone, an automation of Home Assistant.
const phone = await mqtt.connectAsync(hub.urls.mqtt, { username: 'alicia', password: hub.token })
const asked = async () => {
  const { promise, resolve } = Promise.withResolvers<{ id: string; fingerprint: string; arguments: { name: string } }>()
  const look = (_topic: string, payload: Buffer) => {
    const news = JSON.parse(payload.toString()) as { change?: string; waiting: Awaited<typeof promise>[] }
    const [call] = news.waiting
    if (news.change === 'asked' && call) resolve(call)
  }
  phone.on('message', look)
  await phone.subscribeAsync('alicia/v1/evt/approvals')
  return promise.finally(() => phone.off('message', look))
}

const assistant = await hub.connect(undefined, kim)
const wantsDeleted = async (name: string) => {
  const news = asked()
  const outcome = assistant.callTool({ name: 'delete_recording', arguments: { name } })
  return { outcome, call: await news }
}

// Yes: exactly this call goes on, once. The fingerprint says that it is the one that was looked at.
const monday = await wantsDeleted('monday')
console.log(`Waiting: ${monday.call.id} wants to delete ${monday.call.arguments.name}.`)
const selfish = await hub.call('approvals.approve_call', { id: monday.call.id }, { token: kim })
console.log(`The child itself: ${selfish.status}, ${String(selfish.body['detail'])}`)
assert.equal(selfish.status, 403)
const { id, fingerprint } = monday.call
await hub.result('approvals.approve_call', { id, fingerprint }, { token: anna })
assert.notEqual((await monday.outcome).isError, true)
console.log('Anna said yes: it is gone.')

// No: the assistant reads the reason.
const tuesday = await wantsDeleted('tuesday')
await hub.result('approvals.deny_call', { id: tuesday.call.id, reason: 'we still need it' }, { token: anna })
const refused = await tuesday.outcome
console.log(`The assistant is told: ${textOf(refused)}`)
assert.equal(refused.isError, true)
assert.match(textOf(refused), /we still need it/)

const { recordings } = await hub.result('mqtt.list_recordings', {}, { token: kim })
assert.deepEqual(
  (recordings as { name: string }[]).map(({ name }) => name),
  ['tuesday'],
)

// Who decided what is on record, with what they were shown.
const { decisions } = await hub.result('approvals.list_decisions', {}, { token: anna })
assert.partialDeepStrictEqual(decisions, [
  { decision: 'denied', reason: 'we still need it', call: { arguments: { name: 'tuesday' } } },
  { decision: 'approved', call: { arguments: { name: 'monday' } } },
])
await phone.endAsync()
