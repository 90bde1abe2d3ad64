import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { z } from 'zod'
import type { Fault } from '../../kernel/fault.ts'
import { jsonSchema } from '../../kernel/operation.ts'
import { inputOf } from './arguments.ts'

const target = {
  name: 'publish_message',
  inputSchema: jsonSchema(
    z.object({
      topic: z.string(),
      payload: z.union([z.string(), z.object({ base64: z.string() })]),
      qos: z.union([z.literal(0), z.literal(1), z.literal(2)]).default(0),
      level: z.int().nullable(),
      ratio: z.number().optional(),
      retain: z.boolean().default(false),
      tags: z.array(z.string()),
      counts: z.array(z.int()),
      options: z.object({ a: z.int() }).optional(),
      since: z.union([z.number(), z.iso.datetime()]).optional(),
      anything: z.json().optional(),
      free: z.unknown(),
    }),
    'input',
  ),
}

suite('arguments of a call', () => {
  const accepted: [string[], object][] = [
    [[], {}],
    [['topic=a/b'], { topic: 'a/b' }],
    [['topic=a=b:=c'], { topic: 'a=b:=c' }],
    [['topic='], { topic: '' }],
    [['topic=42'], { topic: '42' }],
    [['payload=42'], { payload: '42' }],
    [['payload={"base64":"aa"}'], { payload: '{"base64":"aa"}' }],
    [['payload:={"base64":"aa"}'], { payload: { base64: 'aa' } }],
    [['qos=1'], { qos: 1 }],
    [['since=300'], { since: 300 }],
    [['since=2026-11-21T05:00:00Z'], { since: '2026-11-21T05:00:00Z' }],
    [['level=-5'], { level: -5 }],
    [['level=null'], { level: null }],
    [['level=0x10'], { level: 16 }],
    [['ratio=.5'], { ratio: 0.5 }],
    [['ratio=1e3'], { ratio: 1000 }],
    [['ratio=Infinity'], { ratio: 'Infinity' }],
    [['level=loud'], { level: 'loud' }],
    [['retain=true'], { retain: true }],
    [['retain=maybe'], { retain: 'maybe' }],
    [['retain=toString'], { retain: 'toString' }],
    [['{"__proto__":{"topic":"a"}}'], JSON.parse('{"__proto__":{"topic":"a"}}') as object],
    [['tags=a, b'], { tags: ['a', 'b'] }],
    [['tags='], { tags: [] }],
    [['tags=["a,b"]'], { tags: ['a,b'] }],
    [['counts=1,2,x'], { counts: [1, 2, 'x'] }],
    [['options={"a":1}'], { options: { a: 1 } }],
    [['anything=true'], { anything: 'true' }],
    [['free=1'], { free: '1' }],
    [['{"topic":"a","new":1}'], { topic: 'a', new: 1 }],
    [['{"topic":"a"}', 'topic=b'], { topic: 'b' }],
  ]
  test('takes anything for what nothing is known of', () =>
    assert.deepEqual(inputOf(['a=1', 'b:=1'], { name: 'x', inputSchema: {} }), { a: '1', b: 1 }))

  for (const [words, input] of accepted)
    test(`takes: ${words.join(' ')}`, () => assert.deepEqual(inputOf(words, target), input))

  const refused: [string, RegExp][] = [
    ['tpoic=a', /publish_message has no argument tpoic; did you mean topic\?/],
    ['zzzzzzz=a', /no argument zzzzzzz\..*It takes: topic, payload/],
    ['topic', /neither JSON nor key=value.*topic=value/],
    ['=a', /neither JSON nor key=value/],
    ['constructor=a', /no argument constructor\b/],
    ['__proto__:={"topic":"a"}', /no argument __proto__\b/],
    ['retain'.repeat(1000) + '=a', /no argument (?:retain){16}reta\./],
    ['{"topic":', /input of publish_message is not valid JSON/],
    ['level:=x', /level of publish_message is not valid JSON/],
    ['options={', /not valid JSON/],
  ]
  for (const [word, says] of refused)
    test(`refuses: ${word}`, () =>
      assert.throws(
        () => inputOf([word], target),
        (fault: Fault) => fault.code === 'invalid_input' && says.test(`${fault.message} ${fault.hint}`),
      ))

  test('what was typed stays out of the message', () => {
    assert.throws(
      () => inputOf(['options:={"password":"hunter2"'], target),
      (fault: Fault) => {
        assert.doesNotMatch(`${fault.message}${fault.hint}`, /hunter2/)
        return true
      },
    )
  })
})
