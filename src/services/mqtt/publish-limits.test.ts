import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { fakeConnection, type FakeOptions } from '../../testing/mqtt-connection.ts'
import type { Publication } from './connection.ts'
import { requireAccepted } from './publish-limits.ts'

const message: Publication = { topic: 'a/b', payload: Buffer.from('hi'), qos: 0, retain: false }

/** What MQTT 5 §3.3 makes of it: type, length, topic, [packet id], property length, [properties], payload. */
const sized = [
  [message, 1 + 1 + 5 + 1 + 2],
  [{ ...message, qos: 1 }, 1 + 1 + 5 + 2 + 1 + 2],
  [{ ...message, payload: Buffer.alloc(200) }, 1 + 2 + 5 + 1 + 200],
  [{ ...message, properties: { messageExpiryInterval: 5, contentType: 'x' } }, 1 + 1 + 5 + 1 + 5 + 4 + 2],
  [{ ...message, properties: { correlationData: Buffer.alloc(3), responseTopic: 'r' } }, 1 + 1 + 5 + 1 + 6 + 4 + 2],
  [{ ...message, properties: { userProperties: { k: ['ü', 'w'] } } }, 1 + 1 + 5 + 1 + (1 + 3 + 4) + (1 + 3 + 3) + 2],
] as const satisfies readonly (readonly [Publication, number])[]

suite('what a broker takes', () => {
  for (const [publication, bytes] of sized)
    test(`a packet of ${bytes} bytes is measured exactly`, () => {
      requireAccepted(fakeConnection({ connack: { maximumPacketSize: bytes } }), publication)
      assert.throws(() => requireAccepted(fakeConnection({ connack: { maximumPacketSize: bytes - 1 } }), publication), {
        code: 'too_large',
        message: new RegExp(`${bytes} bytes`),
      })
    })

  const refused: readonly (readonly [string, FakeOptions, Partial<Publication>])[] = [
    ['a QoS above its maximum', { connack: { maximumQoS: 1 } }, { qos: 2 }],
    ['a retained message where it keeps none', { connack: { retainAvailable: false } }, { retain: true }],
    ['properties over MQTT 3.1.1', { protocolVersion: 4 }, { properties: { contentType: 'x' } }],
  ]
  for (const [what, broker, more] of refused)
    test(`refuses ${what}`, () =>
      assert.throws(() => requireAccepted(fakeConnection(broker), { ...message, ...more }), { code: 'invalid_input' }))

  test('a broker that says nothing takes everything', () => {
    requireAccepted(fakeConnection(), { ...message, qos: 2, retain: true, payload: Buffer.alloc(1_000_000) })
    requireAccepted(fakeConnection({ protocolVersion: 4 }), { ...message, qos: 2, retain: true })
  })
})
