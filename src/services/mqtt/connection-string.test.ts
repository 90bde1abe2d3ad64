import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import * as fc from 'fast-check'
import { Fault, faultText } from '../../kernel/fault.ts'
import { addressOf, parseConnectionString } from './connection-string.ts'

suite('connection string', () => {
  const good = [
    ['mqtt://broker', { protocol: 'mqtt', host: 'broker', port: 1883 }],
    ['mqtts://broker', { protocol: 'mqtts', host: 'broker', port: 8883 }],
    [' MQTT://10.0.0.5:1884 ', { protocol: 'mqtt', host: '10.0.0.5', port: 1884 }],
    ['mqtt://[::1]:1883', { protocol: 'mqtt', host: '::1', port: 1883 }],
    ['mqtt://broker:1883/my-client', { protocol: 'mqtt', host: 'broker', port: 1883, clientId: 'my-client' }],
    ['mqtt://broker/', { protocol: 'mqtt', host: 'broker', port: 1883 }],
    ['mqtt://ann@broker', { protocol: 'mqtt', host: 'broker', port: 1883, username: 'ann' }],
    [
      'mqtt://ann:s%40c%2Fret@broker:1',
      { protocol: 'mqtt', host: 'broker', port: 1, username: 'ann', password: 's@c/ret' },
    ],
    [
      'mqtt://ann:p@ss:w#rd?@broker',
      { protocol: 'mqtt', host: 'broker', port: 1883, username: 'ann', password: 'p@ss:w#rd?' },
    ],
    ['mqtt://ann:50%off@broker', { protocol: 'mqtt', host: 'broker', port: 1883, username: 'ann', password: '50%off' }],
    ['ws://broker:9001', { protocol: 'ws', host: 'broker', port: 9001, path: '/mqtt' }],
    ['wss://broker/a/b', { protocol: 'wss', host: 'broker', port: 443, path: '/a/b' }],
  ] as const
  for (const [text, target] of good) test(`reads ${text}`, () => assert.deepEqual(parseConnectionString(text), target))

  const bad = [
    ['', /does not begin with mqtt/],
    ['broker:1883', /does not begin with mqtt/],
    ['tcp://broker', /say mqtt:\/\//],
    ['amqp://broker', /mqtt, mqtts, ws and wss/],
    ['mqtt://', /no valid host/],
    ['mqtt://ann:hunter2@', /no valid host/],
    ['mqtt://broker:0', /port/],
    ['mqtt://broker:65536', /port/],
    ['mqtt://broker:1e3', /port/],
    ['mqtt://ann:hun/ter2@broker', /port/],
    ['mqtt://bro ker', /no valid host/],
    ['mqtt://::1', /no valid host|port/],
  ] as const
  for (const [text, says] of bad)
    test(`refuses ${JSON.stringify(text)} without repeating it`, () =>
      assert.throws(
        () => parseConnectionString(text),
        (fault: Fault) => {
          assert.equal(fault.code, 'invalid_input')
          assert.match(fault.message, says)
          assert.doesNotMatch(faultText(fault), /hun|ter2/)
          return true
        },
      ))

  test('percent-encoded credentials come back as they were; the address shows none of them', () =>
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', minLength: 1 }), fc.string({ unit: 'grapheme' }), (user, password) => {
        const text = `mqtts://${encodeURIComponent(user)}:${encodeURIComponent(password)}@broker:8884`
        const target = parseConnectionString(text)
        assert.deepEqual([target.username, target.password], [user, password])
        assert.equal(addressOf(target), 'mqtts://broker:8884')
      }),
    ))

  test('any text is read or refused with a fault', () =>
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.string().map((rest) => `mqtt://${rest}`),
        ),
        (text) => {
          try {
            const { port } = parseConnectionString(text)
            assert.ok(port >= 1 && port <= 65_535)
          } catch (error) {
            assert.ok(error instanceof Fault)
          }
        },
      ),
    ))
})
