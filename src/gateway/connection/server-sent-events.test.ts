import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import * as fc from 'fast-check'
import { EventReader } from './server-sent-events.ts'

function read(chunks: readonly Buffer[], largest = 1000) {
  const events: string[] = []
  const reader = new EventReader(largest, { onEvent: ({ type, data }) => void events.push(`${type}=${data}`) })
  for (const chunk of chunks) reader.push(chunk)
  return { events, id: reader.lastEventId, retryMs: reader.retryMs }
}

suite('server-sent events', () => {
  for (const [title, text, expected] of [
    ['one', 'data: a\n\n', ['message=a']],
    ['without the space', 'data:a\n\n', ['message=a']],
    ['a second space belongs to it', 'data:  a\n\n', ['message= a']],
    ['over several lines', 'data: a\ndata:\ndata: b\n\n', ['message=a\n\nb']],
    ['named', 'event: endpoint\ndata: /x\n\ndata: y\n\n', ['endpoint=/x', 'message=y']],
    ['ends of lines of every kind', 'data: a\r\n\r\ndata: b\r\rdata: c\n\n', ['message=a', 'message=b', 'message=c']],
    ['comments and unknown fields', ': hello\nx-y: z\n\n:\ndata: a\n\n', ['message=a']],
    ['a byte order mark', '\uFEFFdata: a\n\n', ['message=a']],
    ['no data, no event', 'event: x\nid: 1\n\n', []],
    ['empty data', 'data\n\n', ['message=']],
    ['one that is not finished', 'data: a\n', []],
  ] as const)
    test(title, () => assert.deepEqual(read([Buffer.from(text)]).events, expected))

  test('id and retry are kept', () => {
    const { id, retryMs } = read([Buffer.from('id: 7\nretry: 250\ndata:\n\nid: \0\nretry: soon\n\n')])
    assert.deepEqual([id, retryMs], ['7', 250])
  })

  for (const [text, id] of [
    ['id: 1\ndata: a\n\nid: 2\n', '1'],
    ['id: 1\ndata: a\n\nid: 2\ndata: b\n', '1'],
    ['id: 1\ndata: a\n\nid: 2\ndata: b\n\n', '2'],
    ['id: 1\ndata: a\n\ndata: b\n\n', '1'],
    ['id: 1\ndata: a', undefined],
  ] as const)
    test(`${JSON.stringify(text)} goes on after ${id}: what was not whole is sent again`, () =>
      assert.equal(read([Buffer.from(text)]).id, id))

  test('an event over the limit throws, however it comes', () => {
    for (const text of [`data: ${'x'.repeat(1001)}`, 'data: x\n'.repeat(200)])
      assert.throws(() => read([Buffer.from(text)]), RangeError)
    assert.equal(read([Buffer.from(`data: ${'x'.repeat(900)}\n\n`.repeat(3))]).events.length, 3)
  })

  test('are the same whichever way the stream was cut', () => {
    const piece = fc.constantFrom(
      'data: é😀',
      'data',
      ':c',
      'event: x',
      'id: 3',
      'retry: 5',
      '\n',
      '\r',
      '\r\n',
      '\n\n',
      '\r\n\r\n',
      '\uFEFF',
    )
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 40 }), fc.array(fc.nat(400)), (pieces, places) => {
        const bytes = Buffer.from(pieces.join(''))
        const at = [0, ...places.map((place) => place % (bytes.length + 1)), bytes.length].sort((a, b) => a - b)
        const chunks = at.slice(1).map((end, index) => bytes.subarray(at[index], end))
        const whole = read([bytes])
        assert.deepEqual(read(chunks), whole)
        assert.deepEqual(read(Array.from(bytes, (byte) => Buffer.from([byte]))), whole)
      }),
    )
  })
})
