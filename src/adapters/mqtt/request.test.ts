import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import * as fc from 'fast-check'
import type { BusMessage, BusProperties } from '../../kernel/ports.ts'
import { readRequest } from './request.ts'
import { addressOf, mayAnswerAt } from './topics.ts'

const message = (payload: string | Uint8Array, properties?: BusProperties): BusMessage => ({
  topic: 'alicia/v1/req/a/b',
  payload: Buffer.from(payload),
  qos: 1,
  retain: false,
  ...(properties && { properties }),
})

suite('request topics', () => {
  const table = [
    ['alicia/v1/req/mqtt/ping', 'alicia', 'mqtt.ping', 'alicia/v1/rep/'],
    ['alicia/v1/as/u/req/mqtt/ping', 'u', 'mqtt.ping', 'alicia/v1/as/u/rep/'],
    ['alicia/v1/as/req/req/req/req', 'req', 'req.req', 'alicia/v1/as/req/rep/'],
  ] as const
  for (const [topic, login, operation, replyPrefix] of table)
    test(topic, () => assert.deepEqual(addressOf(topic), { login, operation, replyPrefix }))

  const none = [
    '',
    'alicia',
    'alicia/v2/req/a/b',
    'alicia/v1/req/a',
    'alicia/v1/req/a/b/c',
    'alicia/v1/req//b',
    'alicia/v1/req/a/',
    'alicia/v1/as//req/a/b',
    'alicia/v1/as/u/rep/a/b',
    'alicia/v1/as/u/req/a',
    'alicia/v1/rep/a/b',
    'x/alicia/v1/req/a/b',
  ]
  for (const topic of none) test(`not ${JSON.stringify(topic)}`, () => assert.equal(addressOf(topic), undefined))

  test('the request of one is never the answer to another, whatever the user is called', () =>
    fc.assert(
      fc.property(fc.string(), fc.string(), fc.string(), (user, service, rest) => {
        const address = addressOf(`alicia/v1/as/${user}/req/${service}/x`)
        const answer = `alicia/v1/as/${user}/rep/${rest}`
        if (address && mayAnswerAt(answer, address)) assert.equal(addressOf(answer), undefined)
      }),
    ))
})

suite('reading a request', () => {
  test('any payload is read or refused, never thrown', () =>
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array(), fc.json(), fc.string()), (payload) => {
        const { body } = readRequest(message(payload))
        assert.ok(body.is === 'read' || body.fault.code === 'invalid_request')
      }),
    ))

  test('JSON is read as it is', () =>
    fc.assert(
      fc.property(fc.json({ maxDepth: 5 }), (json) => {
        const request = readRequest(message(json, { responseTopic: 'r' }))
        assert.deepEqual(request.body, { is: 'read', input: JSON.parse(json) })
      }),
    ))

  const envelopes = [
    ['an envelope', { reply: 'r', id: 1, body: { a: 1 } }, 'envelope', { a: 1 }],
    ['an envelope without a body', { reply: 'r' }, 'envelope', {}],
    ['an input that has a key of that name', { reply: 'r', text: 'hi' }, 'none', { reply: 'r', text: 'hi' }],
    ['an input without a reply', { id: 1, body: 2 }, 'none', { id: 1, body: 2 }],
    ['a reply that is no text', { reply: 7 }, 'none', { reply: 7 }],
    ['a list', ['reply'], 'none', ['reply']],
  ] as const
  for (const [what, value, form, input] of envelopes)
    test(what, () => {
      const request = readRequest(message(JSON.stringify(value)))
      assert.equal(request.replyTo.form, form)
      assert.deepEqual(request.body, { is: 'read', input })
    })

  test('with a response topic there is no envelope', () => {
    const request = readRequest(message('{"reply":"r"}', { responseTopic: 't' }))
    assert.deepEqual(request.replyTo, { form: 'properties', topic: 't' })
    assert.deepEqual(request.body, { is: 'read', input: { reply: 'r' } })
  })

  const trace = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
  const properties: readonly (readonly [string, BusProperties, object])[] = [
    ['expiry', { messageExpiryInterval: 30 }, { timeoutMs: 30_000 }],
    ['the last second', { messageExpiryInterval: 0 }, { timeoutMs: 1000 }],
    ['trace', { userProperties: { traceparent: trace } }, { trace }],
    ['no trace', { userProperties: { traceparent: 'drop table' } }, {}],
    ['key', { userProperties: { 'idempotency-key': ['a', 'b'] } }, { idempotencyKey: 'a' }],
    ['progress', { userProperties: { progress: '1' } }, { wantsProgress: true }],
  ]
  for (const [what, given, expected] of properties)
    test(what, () =>
      assert.deepEqual(readRequest(message('', given)), {
        replyTo: { form: 'none' },
        qos: 1,
        wantsProgress: false,
        ...expected,
        body: { is: 'read', input: {} },
      }),
    )
})
