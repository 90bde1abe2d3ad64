import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { replaceAddresses } from './raw-address.ts'

const KNOWN = new Map([
  ['a:1', 'alicia:up:a:1'],
  ['a:"', 'alicia:up:a:"'],
])

suite('addresses in the text of another server', () => {
  for (const [what, text, expected] of [
    ['of contents', '{"contents":[{"uri" : "a:1","n":1.0}]}', '{"contents":[{"uri" : "alicia:up:a:1","n":1.0}]}'],
    ['with escapes', '{"uri":"a:\\u0031"}', '{"uri":"alicia:up:a:1"}'],
    ['with a quote', '{"uri":"a:\\""}', '{"uri":"alicia:up:a:\\""}'],
    [
      'twice',
      '{"_meta":[{"uri":"a:1"},{"resourceUri":"a:1"}]}',
      '{"_meta":[{"uri":"alicia:up:a:1"},{"resourceUri":"alicia:up:a:1"}]}',
    ],
    ['of an app, as once', '{"_meta":{"ui/resourceUri":"a:1"}}', '{"_meta":{"ui/resourceUri":"alicia:up:a:1"}}'],
    ['of an app, by PHP', '{"_meta":{"ui\\/resourceUri":"a:1"}}', '{"_meta":{"ui\\/resourceUri":"alicia:up:a:1"}}'],
    ['in a text', '{"content":[{"text":"\\"uri\\":\\"a:1\\""}]}', '{"content":[{"text":"\\"uri\\":\\"a:1\\""}]}'],
    ['in what is a tool’s own', '{"structuredContent":{"uri":"a:1"}}', '{"structuredContent":{"uri":"a:1"}}'],
  ] as const)
    test(what, () => assert.equal(replaceAddresses(text, KNOWN), expected))

  test('a very long one is left alone', () => {
    const text = `{"_meta":{"uri":"${'x'.repeat(12_000_000)}"},"uri":"a:1"}`
    assert.ok(replaceAddresses(text, KNOWN).endsWith('"uri":"alicia:up:a:1"}'))
  })
})
