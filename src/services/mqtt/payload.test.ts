import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import * as fc from 'fast-check'
import type { Fault } from '../../kernel/fault.ts'
import { decodePayload, encodePayload, previewPayload } from './payload.ts'

const PNG = Buffer.from('89504e470d0a1a0a0000000d', 'hex')

suite('payload', () => {
  const decoded: readonly (readonly [string | Buffer, string, string, unknown])[] = [
    ['', 'text', 'empty', ''],
    ['ON', 'text', 'text', 'ON'],
    ['Slaapkamer', 'text', 'text', 'Slaapkamer'],
    ['55.490', 'text', 'number', '55.490'],
    ['-1e3', 'text', 'number', '-1e3'],
    ['007', 'text', 'text', '007'],
    ['true', 'text', 'boolean', 'true'],
    ['{"state":"ON"}', 'json', 'json', { state: 'ON' }],
    [' [1,2] ', 'json', 'json', [1, 2]],
    ['null', 'json', 'json', null],
    ['"text"', 'json', 'json', 'text'],
    ['{"serial":12345678901234567890}', 'text', 'json', '{"serial":12345678901234567890}'],
    ['{broken', 'text', 'text', '{broken'],
    ['<?xml version="1.0"?><a/>', 'text', 'xml', '<?xml version="1.0"?><a/>'],
    ['<state>on</state>', 'text', 'xml', '<state>on</state>'],
    ['<3', 'text', 'text', '<3'],
    [Buffer.from([0, 1, 2]), 'base64', 'binary', 'AAEC'],
    [Buffer.from([0xff, 0xfe]), 'base64', 'binary', '//4='],
    ['{"a":1,"a":2}', 'text', 'json', '{"a":1,"a":2}'],
    ['{"a":1}\n{"a":2}', 'text', 'ndjson', '{"a":1}\n{"a":2}'],
    ['t=21.5 h=40', 'text', 'key-value', 't=21.5 h=40'],
    [PNG, 'base64', 'image/png', PNG.toString('base64')],
    [Buffer.from('ffd8ffe0', 'hex'), 'base64', 'image/jpeg', '/9j/4A=='],
  ]
  for (const [raw, encoding, format, payload] of decoded)
    test(`${JSON.stringify(raw.toString()).slice(0, 40)} is ${format} as ${encoding}`, () => {
      const bytes = Buffer.from(raw)
      assert.deepEqual(decodePayload(bytes, 1000), { payload, encoding, format, size: bytes.length })
    })

  test('Sparkplug B is a value under its topics, as long as every metric is known', () => {
    const birth = Buffer.from('CICgpcPKMxIMCgNycG0QASADULAJEg8KBHRlbXAQAiAJZQAAXkIYAQ==', 'base64')
    assert.deepEqual(decodePayload(birth, 1000, 'spBv1.0/home/DBIRTH/edge1/pump'), {
      payload: { timestamp: 1_772_352_000_000, seq: 1, metrics: { rpm: 1200, temp: 55.5 } },
      encoding: 'json',
      format: 'sparkplug-b',
      size: birth.length,
    })
    const data = Buffer.from('CICgpcPKMxIHEAEgA1C6CRgC', 'base64')
    const { encoding, format } = decodePayload(data, 1000, 'spBv1.0/home/DDATA/edge1/pump')
    assert.deepEqual([encoding, format], ['base64', 'sparkplug-b'])
    assert.equal(decodePayload(birth, 1000, 'other').format, 'binary')
  })

  test('cuts between characters and says the full size', () => {
    assert.deepEqual(decodePayload(Buffer.from('aéé'), 2), {
      payload: 'a',
      encoding: 'text',
      format: 'text',
      size: 5,
      cut: true,
    })
    const json = decodePayload(Buffer.from('{"a":1}'), 4)
    assert.deepEqual(json, { payload: '{"a"', encoding: 'text', format: 'json', size: 7, cut: true })
    assert.equal(decodePayload(Buffer.from([0, 1, 2, 3]), 3).payload, 'AAEC')
  })

  test('a cut text is the beginning of the text', () =>
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', minLength: 1 }), fc.nat(20), (text, maxBytes) => {
        const result = decodePayload(Buffer.from(`x${text}`), maxBytes)
        if (result.encoding === 'text') assert.ok(`x${text}`.startsWith(String(result.payload)))
      }),
    ))

  const previews = [
    ['on\n  off', 'on off'],
    ['x'.repeat(30), 'xxxxxxxxx…'],
    ['ü'.repeat(500), 'üüüüüüüüü…'],
    [PNG, '<image/png, 12 bytes>'],
  ] as const
  for (const [raw, preview] of previews)
    test(`previews as ${preview}`, () =>
      assert.equal(previewPayload(Buffer.from(raw).subarray(0, 39), Buffer.from(raw).length, 10), preview))

  const encoded = [
    ['auto', 'ON', 'ON'],
    ['auto', '', ''],
    ['auto', { state: 'ON' }, '{"state":"ON"}'],
    ['auto', 21.5, '21.5'],
    ['auto', true, 'true'],
    ['auto', { base64: 'aGk=' }, 'hi'],
    ['auto', { base64: 'aGk=', more: 1 }, '{"base64":"aGk=","more":1}'],
    ['json', 'ON', '"ON"'],
    ['json', { base64: 'aGk=' }, '{"base64":"aGk="}'],
    ['base64', 'aG\nk=', 'hi'],
    ['text', '{"a":1}', '{"a":1}'],
  ] as const
  for (const [encoding, payload, bytes] of encoded)
    test(`publishes ${JSON.stringify(payload)} as ${encoding}`, () =>
      assert.equal(encodePayload(payload, encoding).toString(), bytes))

  const refused = [
    ['base64', 'no base64!'],
    ['base64', 'aGk'],
    ['base64', 'aGl='],
    ['auto', { base64: '?' }],
    ['base64', 5],
    ['text', { a: 1 }],
  ] as const
  for (const [encoding, payload] of refused)
    test(`refuses ${JSON.stringify(payload)} as ${encoding}`, () =>
      assert.throws(
        () => encodePayload(payload, encoding),
        (fault: Fault) => fault.code === 'invalid_input',
      ))

  test('bytes survive publishing and decoding', () =>
    fc.assert(
      fc.property(fc.uint8Array(), (raw) => {
        const { payload, encoding } = decodePayload(Buffer.from(raw), 1000)
        if (encoding === 'base64') assert.deepEqual(encodePayload(payload, 'base64'), Buffer.from(raw))
        if (encoding === 'text') assert.deepEqual(encodePayload(payload, 'text'), Buffer.from(raw))
      }),
    ))
})
