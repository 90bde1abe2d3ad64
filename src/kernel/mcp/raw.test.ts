import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import * as fc from 'fast-check'
import { countMembers, readElements, readMember, readMembers, writeMembers } from './raw.ts'

suite('raw JSON', () => {
  for (const [text, expected] of [
    ['{}', {}],
    ['{"a":1}', { a: '1' }],
    [' { "a" : 12345678901234567890 , "b":1.0 }', { a: '12345678901234567890', b: '1.0' }],
    [String.raw`{"a\"b":"x\\","c":{"}":["]",{}]}}`, { 'a"b': String.raw`"x\\"`, c: '{"}":["]",{}]}' }],
    ['{"a":[1,{"b":"\\""}],"c":null}', { a: '[1,{"b":"\\""}]', c: 'null' }],
  ] as const)
    test(text, () => {
      assert.deepEqual(Object.fromEntries(readMembers(text)), expected)
      for (const [name, value] of Object.entries(expected)) assert.equal(readMember(text, name), value)
      assert.equal(readMember(text, 'of no name'), undefined)
    })

  test('finds in any object what the parser finds, and writes it back with the same bytes', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), fc.nat(2), (value, indent) => {
        const text = JSON.stringify(value, undefined, indent)
        const members = readMembers(text)
        const again = JSON.parse(writeMembers(members)) as unknown
        assert.deepEqual(again, JSON.parse(text))
        for (const [key, raw] of members) {
          assert.ok(text.includes(raw), key)
          assert.equal(readMember(text, key), raw)
        }
      }),
    )
  })

  test('counts the members of all objects, and those of one name each', () => {
    assert.equal(countMembers('{"a":{"b":[{"c:":":"},{}]},"a":1}'), 4)
  })

  test('finds in any array what the parser finds', () => {
    fc.assert(
      fc.property(fc.array(fc.jsonValue()), fc.nat(2), (value, indent) => {
        const elements = readElements(JSON.stringify(value, undefined, indent))
        assert.deepEqual(JSON.parse(`[${elements.join(',')}]`), JSON.parse(JSON.stringify(value)))
        assert.equal(elements.length, value.length)
      }),
    )
  })

  test('a name that stands twice is refused', () => {
    for (const read of [readMembers, (text: string) => readMember(text, 'other')])
      assert.throws(() => read('{"name":"a","\\u006eame":"b"}'), { code: 'invalid_request' })
  })

  test('a member among very many is found, and one that stands twice is refused, without comparing each with each', () => {
    const many = Array.from({ length: 100_000 }, (_, at) => `"key ${at}":${at}`)
    assert.equal(readMember(`{${many.join(',')},"last":1}`, 'last'), '1')
    assert.throws(() => readMember(`{${many.join(',')},"key 7":1}`, 'key 0'), { code: 'invalid_request' })
  })
})
