import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { IPublishPacket } from 'mqtt'
import { heldClock } from '../../../kernel/clock.ts'
import { fakeConnection } from '../../../testing/mqtt-connection.ts'
import { topicMatcher } from '../../../kernel/topic.ts'
import { guardedConnection } from './guarded-connection.ts'
import { redactedIn } from './redacted-packets.ts'
import { DEFAULT_RULES, type SessionRules } from './session-rules.ts'
import { createGuard } from './write-guard.ts'

const never = new AbortController().signal

function setUp(rules: Partial<SessionRules>) {
  const inner = fakeConnection()
  const connection = guardedConnection(
    inner,
    createGuard({ rules: { ...DEFAULT_RULES, ...rules }, clock: heldClock(), atOwnBroker: false }),
  )
  const heard: IPublishPacket[] = []
  const wanted = (filter: string) => ({
    filter,
    matches: topicMatcher(filter),
    listener: (packet: IPublishPacket) => void heard.push(packet),
  })
  return { inner, connection, heard, wanted }
}

suite('guarded connection', () => {
  test('brings what may be read, without its secrets', async () => {
    const { inner, connection, heard, wanted } = setUp({ read: { deny: ['home/lock/#'] } })
    await connection.subscribe([wanted('home/#')], 0, never)
    inner.deliver('home/lock/code', '1234')
    inner.deliver('home/wifi', '{"psk":"hunter22","on":1}', {
      properties: { userProperties: { authorization: 'Bearer abc', trace: '7' } },
    })
    inner.deliver('home/lamp', 'ON')
    assert.deepEqual(
      heard.map((packet) => [packet.topic, String(packet.payload), redactedIn(packet)]),
      [
        ['home/wifi', '{"psk":"[redacted]","on":1}', 2],
        ['home/lamp', 'ON', 0],
      ],
    )
    assert.deepEqual(heard[0]?.properties?.userProperties, { authorization: '[redacted]', trace: '7' })
  })

  test('refuses a subscription that could bring nothing, and marks those beside it', async () => {
    const { inner, connection, wanted } = setUp({ read: { allow: ['home/#'], deny: [] } })
    await assert.rejects(connection.subscribe([wanted('work/#')], 0, never), { code: 'forbidden' })
    const { granted } = await connection.subscribe([wanted('home/x'), wanted('$SYS/a'), wanted('home/y')], 1, never)
    assert.deepEqual(granted, [1, 135, 1])
    assert.deepEqual(
      [...inner.subscribed].map(({ filter }) => filter),
      ['home/x', 'home/y'],
    )
  })

  test('publishes what the rules let pass', async () => {
    const { inner, connection } = setUp({ access: 'read_only' })
    const publication = { topic: 'a', payload: Buffer.from('b'), qos: 0, retain: false } as const
    await assert.rejects(connection.publish(publication, never), { code: 'forbidden', message: /read_only/ })
    assert.deepEqual(inner.published, [])
  })
})
