import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { readJson } from './read-json.ts'

const limits = { bodyBytes: 1000 }

const post = (body: string | Uint8Array<ArrayBuffer>, headers: Record<string, string> = {}) =>
  new Request('http://localhost/', {
    method: 'POST',
    body,
    headers: { 'content-type': 'application/json', ...headers },
  })

suite('readJson', () => {
  test('reads JSON', async () => assert.deepEqual(await readJson(post('{"a": [1]}'), limits), { a: [1] }))

  const types = [
    'application/json',
    'Application/JSON; charset=UTF-8',
    'application/json;charset="utf-8"',
    'application/vnd.x+json',
  ]
  for (const type of types)
    test(`reads ${type}`, async () => assert.equal(await readJson(post('1', { 'content-type': type }), limits), 1))

  test('no body is undefined, whatever the type says', async () => {
    assert.equal(await readJson(new Request('http://localhost/', { method: 'POST' }), limits), undefined)
    assert.equal(await readJson(post('', { 'content-type': 'text/plain', 'content-length': '0' }), limits), undefined)
  })

  const refused = [
    ['one byte too many', post('1'.repeat(1001)), 'too_large'],
    ['announced too many', post('1', { 'content-length': '1001' }), 'too_large'],
    ['more than announced', post('1'.repeat(1001), { 'content-length': '5' }), 'too_large'],
    ['no type', post(new Uint8Array([0x31]), { 'content-type': '' }), 'unsupported_media'],
    ['a form', post('a=1', { 'content-type': 'application/x-www-form-urlencoded' }), 'unsupported_media'],
    ['another charset', post('1', { 'content-type': 'application/json; charset=utf-16' }), 'unsupported_media'],
    ['bad UTF-8', post(new Uint8Array([0x22, 0xc3, 0x28, 0x22])), 'invalid_request'],
    ['half a value', post('{"a":'), 'invalid_request'],
    ['deep', post('['.repeat(65)), 'invalid_request'],
  ] as const
  for (const [why, request, code] of refused)
    test(`refuses: ${why}`, () => assert.rejects(readJson(request, limits), { code }))

  test('no message repeats what was in the body', () =>
    assert.rejects(
      readJson(post('{"password": hunter2}'), limits),
      (fault: Error) => !fault.message.includes('hunter'),
    ))
})
