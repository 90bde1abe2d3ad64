import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { deflateSync, gzipSync } from 'node:zlib'
import * as fc from 'fast-check'
import { createDecoder, decode } from './decode.ts'
import type { Format } from './format.ts'

const MIB = 1024 * 1024

suite('payload codecs', () => {
  const rows: readonly (readonly [payload: string | Buffer, format: Format, value?: unknown, note?: RegExp])[] = [
    ['', 'empty'],
    ['true', 'boolean', true],
    ['55.49', 'number', 55.49],
    ['-1e3', 'number', -1000],
    ['007', 'text', '007'],
    ['12345678901234567890', 'number', '12345678901234567890', /digits/],
    ['21.400000000000002', 'number', 21.400000000000002],
    ['1e999', 'number', '1e999', /digits/],
    ['Slaapkamer', 'text', 'Slaapkamer'],
    ['"ON"', 'json', 'ON'],
    ['null', 'json', null],
    ['{"state":"ON"}', 'json', { state: 'ON' }],
    ['{"a":1,"b":{"a":2,"a":3}}', 'json', { a: 1, b: { a: 3 } }, /1 repeated member/],
    ['{"a:b":"c:\\"d"}', 'json', { 'a:b': 'c:"d' }],
    ['{"serial":12345678901234567890,"t":21.5}', 'json', { serial: '12345678901234567890', t: 21.5 }, /1 number kept/],
    ['\ufeff{"a":1}', 'json', { a: 1 }, /byte order mark/],
    ['{"a":1,', 'text', '{"a":1,', /broken or cut off/],
    ['{"t":NaN}', 'text', '{"t":NaN}', /broken or cut off/],
    ['[INFO] started', 'text', '[INFO] started'],
    ['{"a":1}\n{"a":2}\n', 'ndjson', [{ a: 1 }, { a: 2 }]],
    ['{"a":1}\n{"a":', 'text', '{"a":1}\n{"a":', /broken/],
    [
      '<?xml version="1.0"?><r id="1"><t u="C">21</t></r>',
      'xml',
      { r: { '@id': '1', t: { '@u': 'C', '#text': '21' } } },
    ],
    ['<a><b>1</b><b/><!-- c --><b><![CDATA[<]]>&lt;&#65;&x;</b></a>', 'xml', { a: { b: ['1', '', '<<A&x;'] } }],
    ['<a><b></a></b>', 'xml', undefined, /not well-formed/],
    ['<a/><a/>', 'xml', undefined, /not well-formed/],
    ['<3', 'text', '<3'],
    ['2026-03-01,21.5,40', 'csv', [['2026-03-01', 21.5, 40]]],
    [
      'time,t\n2026-03-01,21.5\n2026-03-02,"22"',
      'csv',
      [
        { time: '2026-03-01', t: 21.5 },
        { time: '2026-03-02', t: 22 },
      ],
    ],
    [
      '1;"a ""b"";c"\n2;d',
      'csv',
      [
        [1, 'a "b";c'],
        [2, 'd'],
      ],
    ],
    ['Hello, world', 'text', 'Hello, world'],
    ['one, two\nthree, four', 'text', 'one, two\nthree, four'],
    ['t=21.5,h=40', 'key-value', { t: 21.5, h: 40 }],
    ['t:21.5 ok:true name:"a b"', 'text', 't:21.5 ok:true name:"a b"'],
    ['t:21.5; ok:true; name:"a b"', 'key-value', { t: 21.5, ok: true, name: 'a b' }],
    ['a=1 a=2', 'key-value', { a: 2 }, /repeated/],
    ['12:30:00 boot', 'text', '12:30:00 boot'],
    ['iVBORw0KGgoAAAANSUhEUgAA', 'text', 'iVBORw0KGgoAAAANSUhEUgAA', /^base64 of image\/png/],
    ['d41d8cd98f00b204e9800998ecf8427e', 'text', 'd41d8cd98f00b204e9800998ecf8427e', /hex of 16 bytes/],
    [Buffer.from('89504e470d0a1a0a00', 'hex'), 'image/png'],
    [Buffer.from([0, 1, 2]), 'binary'],
    [Buffer.from([0xff, 0xfe]), 'binary'],
    [gzipSync('{"a":1}'), 'gzip', { a: 1 }, /json inside, 7 bytes/],
    [deflateSync('on'), 'zlib', 'on', /text inside/],
    [gzipSync('{"a":1}').subarray(0, 20), 'gzip', undefined, /broken/],
    [gzipSync(gzipSync('{"a":1}')), 'gzip', undefined, /binary inside/],
  ]
  for (const [payload, format, value, note] of rows)
    test(`${JSON.stringify(payload.toString().slice(0, 50))} is ${format}`, () => {
      const decoded = decode('some/topic', Buffer.from(payload))
      assert.deepEqual([decoded.format, decoded.value], [format, value])
      if (note) assert.match(decoded.note ?? '', note)
      else assert.equal(decoded.note, undefined)
    })

  const deep = '['.repeat(100_000)
  const bombs: readonly (readonly [name: string, payload: string | Buffer, format: Format, note: RegExp])[] = [
    ['deep JSON', deep + ']'.repeat(100_000), 'json', /deeper than 64/],
    ['deep XML', '<a>'.repeat(50_000) + '</a>'.repeat(50_000), 'xml', /deeper than 64/],
    ['wide XML', `<a>${'<b/>'.repeat(50_000)}</a>`, 'xml', /more than 10000 elements/],
    [
      'billion laughs',
      '<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]><l>&b;</l>',
      'xml',
      /document type: not read/,
    ],
    ['gzip bomb', gzipSync(Buffer.alloc(64 * MIB)), 'gzip', /not inflated/],
    ['zlib bomb', deflateSync(Buffer.alloc(64 * MIB)), 'zlib', /not inflated/],
    ['large JSON', `{"a":"${'x'.repeat(2 * MIB)}"}`, 'json', /not read/],
    ['large text', 'ü'.repeat(2 * MIB), 'text', /not read/],
    ['256 MB', Buffer.alloc(256 * MIB), 'binary', /268435456 bytes/],
  ]
  for (const [name, payload, format, note] of bombs)
    test(`${name}: recognised, not read`, () => {
      const decoded = decode('t', Buffer.isBuffer(payload) ? payload : Buffer.from(payload))
      assert.deepEqual([decoded.format, decoded.value], [format, undefined])
      assert.match(decoded.note ?? '', note)
    })

  test('every message of the fixtures is understood, and values survive JSON', () => {
    const decoder = createDecoder()
    const lines = readFileSync(join(import.meta.dirname, '../fixtures/synthetic-messages.jsonl'), 'utf8')
      .trim()
      .split('\n')
    const formats = lines.map((line) => {
      const message = JSON.parse(line) as { topic: string; payload?: string; payload_base64?: string }
      const payload = Buffer.from(
        message.payload_base64 ?? message.payload ?? '',
        message.payload_base64 ? 'base64' : 'utf8',
      )
      const { format, value } = decoder.decode(message.topic, payload)
      if (value !== undefined) assert.deepEqual(JSON.parse(JSON.stringify(value)), value)
      return format
    })
    const counts = Object.entries(Object.groupBy(formats, (format) => format)).map(([name, of]) => [name, of.length])
    assert.deepEqual(Object.fromEntries(counts), {
      json: 23,
      text: 9,
      boolean: 2,
      number: 5,
      empty: 2,
      'sparkplug-b': 3,
      xml: 1,
      binary: 1,
      ndjson: 1,
      csv: 1,
      'image/jpeg': 1,
    })
  })

  const topics = fc.oneof(
    fc.string(),
    fc.constantFrom('spBv1.0/g/NBIRTH/n', 'spBv1.0/g/DDATA/n/d', 'spBv1.0/g/NDATA/n', 'pb/x', 'a'.repeat(65_535)),
  )
  const PIECES =
    '{ } [ ] " : , \\ < > </ /> <a = & &#x ; 1 e9 true \u001b \0 <!-- <![CDATA[ <? \' __proto__ - . H4sI \ud800 😀'.split(
      ' ',
    )
  const pieces = fc.constantFrom(...PIECES, ' ', '\n', '\t')
  const payloads = fc.oneof(
    fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
    fc.array(pieces, { maxLength: 60 }).map((parts) => Buffer.from(parts.join(''))),
    fc.json().map((text) => Buffer.from(text)),
    fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.concat([gzipSync('{"a":[1,2,3]}').subarray(0, 12), bytes])),
  )
  test('no payload on no topic makes it throw', () => {
    const decoder = createDecoder({
      protobuf: [{ topic: 'pb/#', fields: { 1: { name: 'a', type: 'int32' }, 2: { name: 'b', type: 'string' } } }],
    })
    fc.assert(
      fc.property(topics, payloads, (topic, payload) => {
        const { format, value } = decoder.decode(topic, payload)
        if (format === 'binary' || format === 'empty') assert.equal(value, undefined)
        JSON.stringify(value)
      }),
      { numRuns: 2000 },
    )
  })

  test('JSON is what JSON.parse says, but for digits that it would lose', () =>
    fc.assert(
      fc.property(fc.json(), (text) => {
        const decoded = decode('t', Buffer.from(text))
        if (decoded.note === undefined && decoded.format === 'json') assert.deepEqual(decoded.value, JSON.parse(text))
      }),
    ))
})
