import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { decodeHeaderValue, encodeHeaderValue, paramHeadersOf, paramValue } from './param-headers.ts'

const header = (name: unknown, type = 'string') => ({ type, 'x-mcp-header': name })

suite('arguments as headers', () => {
  for (const [title, properties, expected] of [
    ['none', { a: { type: 'string' } }, []],
    ['one', { a: header('Region') }, [['Region', 'a']]],
    ['nested', { a: { type: 'object', properties: { b: header('X', 'integer') } } }, [['X', 'a.b']]],
    ['empty name', { a: header('') }, undefined],
    ['line break', { a: header('a\r\nb') }, undefined],
    ['number', { a: header('X', 'number') }, undefined],
    ['twice', { a: header('X'), b: header('x') }, undefined],
    ['in items', { a: { type: 'array', items: header('X') } }, undefined],
    ['behind a composition', { a: { anyOf: [header('X')] } }, undefined],
  ] as const)
    test(title, () => {
      const found = paramHeadersOf({ type: 'object', properties })
      assert.deepEqual(
        found?.map(({ name, path }) => [name, path.join('.')]),
        expected,
      )
    })

  for (const [value, encoded] of [
    ['us-west1', 'us-west1'],
    ['a b', 'a b'],
    ['', '=?base64??='],
    ['Hello, 世界', '=?base64?SGVsbG8sIOS4lueVjA==?='],
    [' padded ', '=?base64?IHBhZGRlZCA=?='],
    ['line1\nline2', '=?base64?bGluZTEKbGluZTI=?='],
    ['=?base64?literal?=', '=?base64?PT9iYXNlNjQ/bGl0ZXJhbD89?='],
  ] as const)
    test(`${JSON.stringify(value)} is written ${encoded}`, () => {
      assert.equal(encodeHeaderValue(value), encoded)
      assert.equal(decodeHeaderValue(encoded), value)
    })

  test('only what stands there is a value', () => {
    assert.equal(paramValue({ a: { b: true } }, ['a', 'b']), 'true')
    assert.equal(paramValue({ a: {} }, ['a', 'b']), undefined)
    assert.equal(paramValue({}, ['__proto__', 'toString']), undefined)
    assert.equal(paramValue({ a: null }, ['a']), undefined)
  })
})
