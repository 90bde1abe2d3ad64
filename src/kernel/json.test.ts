import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import * as fc from 'fast-check'
import { readJsonBytes, readJsonText } from './json.ts'

const depthOf = (value: unknown): number =>
  typeof value === 'object' && value !== null ? 1 + Math.max(0, ...Object.values(value).map(depthOf)) : 0

const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth)

suite('JSON from outside', () => {
  test('any JSON value up to 64 levels comes back as it went, and any that is deeper is refused', () => {
    const levels = fc.array(fc.boolean(), { maxLength: 130 })
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 10 }), levels, (inner, wraps) => {
        const value = wraps.reduce<unknown>((within, asList) => (asList ? [within] : { 'a"{': within }), inner)
        const text = JSON.stringify(value)
        const read = () => readJsonBytes(Buffer.from(text), 'The body')
        if (depthOf(value) > 64) assert.throws(read, { code: 'invalid_request' })
        else assert.equal(JSON.stringify(read()), JSON.stringify(JSON.parse(text)))
      }),
    )
  })

  test('64 levels are read, brackets in strings do not count', () => {
    readJsonText(nested(64), 'The body')
    readJsonText(JSON.stringify({ text: `${nested(100)}\\"${nested(100)}` }), 'The body')
  })

  for (const [why, bytes, says] of [
    ['65 levels', Buffer.from(nested(65)), /nests deeper than 64 levels/],
    ['a million levels', Buffer.from('['.repeat(1_000_000)), /nests deeper/],
    ['half a document', Buffer.from('{"password": "hunter2"'), /^The body is not valid JSON \(at position 22/],
    ['nothing', Buffer.from(''), /^The body is not valid JSON\.$/],
    ['bytes that are no UTF-8', Buffer.from([0x22, 0xff, 0x22]), /not valid UTF-8/],
  ] as const)
    test(`refuses ${why}`, () =>
      assert.throws(() => readJsonBytes(bytes, 'The body'), { code: 'invalid_request', message: says }))
})
