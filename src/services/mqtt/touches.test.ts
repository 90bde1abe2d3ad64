import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { callerWith } from '../../testing/hub.ts'
import { mqttService } from './index.ts'
import { DEFAULT_LIMITS } from './limits.ts'
import { isBound } from './touches.ts'

const session_id = '11111111-1111-4111-8111-111111111111'
const operations = new Map(mqttService(DEFAULT_LIMITS).operations.map(({ name, meta }) => [name, meta]))

/** What an operation says it touches, as topics; undefined: it does not say. */
function touched(name: string, input: object): readonly string[] | undefined {
  const meta = operations.get(`mqtt.${name}`)
  assert.ok(meta, name)
  return meta.touches?.(meta.parse(input))?.map(({ kind, name: topic }) => {
    assert.equal(kind, 'topics')
    return topic
  })
}

const CASES: [operation: string, input: object, topics: string[] | undefined][] = [
  ['establish_connection', {}, []],
  ['establish_connection', { connection_string: 'mqtt://127.0.0.1:1883' }, undefined],
  ['establish_connection', { client_id: 'bridge' }, undefined],
  ['list_active_connections', {}, []],
  ['close_connection', { session_id }, []],
  ['ping', { session_id }, []],
  ['test_connection', { session_id }, undefined],
  ['publish_message', { session_id, topic: 'home/kitchen/lamp', payload: 'on' }, ['home/kitchen/lamp']],
  [
    'publish_message',
    { session_id, topic: 'home/kitchen/lamp', payload: 'on', properties: { response_topic: 'home/hall/lock' } },
    ['home/kitchen/lamp', 'home/hall/lock'],
  ],
  ['subscribe_and_collect', { session_id, topic: 'home/kitchen/#' }, ['home/kitchen/#']],
  ['subscribe_and_collect', { session_id, topic: '$share/others/home/kitchen/#' }, undefined],
  ['get_topic_schema', { session_id, topic: 'home/+/lamp' }, ['home/+/lamp']],
  ['list_topics', { session_id }, ['#']],
  ['list_topics', { session_id, pattern: 'home/kitchen/#' }, ['home/kitchen/#']],
  ['list_topics', { session_id, pattern: 'home/kitchen/#', cursor: '["a"]' }, ['home/kitchen/#']],
  ['list_topics', { session_id, pattern: 'home/kitchen/#', cursor: 'f00.200' }, undefined],
  ['what_changed', { session_id, pattern: 'home/kitchen/#' }, ['home/kitchen/#']],
  ['list_devices', { session_id }, ['#']],
  ['debug_device', { session_id, device_pattern: 'lamp' }, ['#']],
  ['debug_device', { session_id, device_pattern: 'home/kitchen/#' }, ['home/kitchen/#']],
  ['monitor_performance', { session_id, topics: ['a', 'b/#'] }, ['a', 'b/#']],
  ['request_response', { session_id, topic: 'home/kitchen/get' }, undefined],
  ['request_response', { session_id, topic: 'a/get', reply_topic: 'a' }, ['a/get', 'a']],
  ['record_messages', { session_id, topic: 'home/kitchen/#', name: 'x' }, undefined],
  ['get_recording', { name: 'x' }, undefined],
  ['list_recordings', {}, undefined],
  ['delete_recording', { name: 'x' }, undefined],
  ['replay_messages', { session_id, recording: 'x' }, undefined],
]

suite('what MQTT operations touch', () => {
  for (const [operation, input, topics] of CASES)
    test(`${operation} ${JSON.stringify({ ...input, session_id: undefined })}: ${topics?.join(', ') ?? 'no telling'}`, () =>
      assert.deepEqual(touched(operation, input), topics))

  test('no operation was forgotten', () => {
    const named = new Set(CASES.map(([operation]) => `mqtt.${operation}`))
    assert.deepEqual(
      [...operations.keys()].filter((name) => !named.has(name)),
      [],
    )
  })

  const callers: [grants: string[], bound: boolean][] = [
    [['*'], false],
    [['mqtt:read'], false],
    [['mqtt:*', 'mqtt:*@room/kitchen'], false],
    [['mqtt:*@room/kitchen'], true],
    [['mqtt:read', 'mqtt:write@room/kitchen'], true],
    [['*@device/lamp-1', 'health:read'], true],
  ]
  for (const [grants, bound] of callers)
    test(`${grants.join(' ')} is ${bound ? '' : 'not '}bound`, () =>
      assert.equal(isBound(callerWith(...grants)), bound))
})
