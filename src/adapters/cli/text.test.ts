import assert from 'node:assert/strict'
import { realpathSync } from 'node:fs'
import { Readable, Writable } from 'node:stream'
import { suite, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import * as fc from 'fast-check'
import { FAULTS } from '../../kernel/fault.ts'
import { shellWord } from './client-snippet.ts'
import { readEvents, type StreamEvent } from './event-stream.ts'
import { EXIT_OF_FAULT, EXITS } from './exit-codes.ts'
import { readable } from './log-lines.ts'
import { readLines } from './message-lines.ts'
import { createOutstanding } from './outstanding.ts'
import { progressText } from './progress-line.ts'
import { render } from './render.ts'
import { columns, harmless, PLAIN, styleFor } from './style.ts'
import { commandOf, write } from './terminal.ts'

const chunks = (parts: readonly (string | Uint8Array)[]) =>
  Readable.from(
    parts.map((part) => Buffer.from(part)),
    { objectMode: false },
  )

const collect = async <T>(items: AsyncIterable<T>) => (await Readable.from(items).toArray()) as T[]

/** The same bytes, cut at other places. */
const cut = (text: string, size: number) => {
  const bytes = Buffer.from(text)
  return Array.from({ length: Math.ceil(bytes.length / size) }, (_, at) => bytes.subarray(at * size, (at + 1) * size))
}

suite('results for people', () => {
  const cases: [string, unknown, string][] = [
    ['text', 'hello', 'hello'],
    ['number', 5, '5'],
    ['nothing', null, '–'],
    ['empty list', [], '(none)'],
    ['empty object', {}, '(empty)'],
    ['fields', { id: 'a', count: 12, ok: true }, 'id     a\ncount  12\nok     true'],
    ['short lists', { tags: ['a', 'b'], none: [] }, 'tags  a, b\nnone  (none)'],
    ['nested', { a: 1, b: { c: 2 } }, 'a  1\nb\n  c  2'],
    ['texts of several lines', { a: 1, log: 'x\ny' }, 'a  1\nlog\n  x\n  y'],
    ['table', [{ a: 1, b: 'x' }, { a: 22 }], 'a   b\n1   x\n22  –'],
    ['table too wide', [{ a: 'x'.repeat(30), b: 'y'.repeat(30) }], `- a  ${'x'.repeat(30)}\n  b  ${'y'.repeat(30)}`],
    ['list of lists', [[1, 2], [{ a: 1 }]], '1, 2\n- a\n  1'],
    ['control characters', { a: 'x\u001B[2Jy\rz' }, 'a  x\\x1b[2Jy\\x0dz'],
  ]
  for (const [why, value, text] of cases)
    test(why, () => assert.equal(render(value, { style: PLAIN, width: 40 }), text))

  test('any JSON value can be shown, and cannot rewrite the screen', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        assert.doesNotMatch(render(value, { style: PLAIN, width: 80 }), /(?![\n\t])\p{Cc}/u)
      }),
      { numRuns: 300 },
    )
  })
})

suite('texts', () => {
  test('columns are as wide as they look', () => {
    const { bold } = styleFor({ isTTY: true }, {})
    assert.deepEqual(columns([[bold('a'), 'x'], ['bbb', 'y'], ['c']]), [`${bold('a')}    x`, 'bbb  y', 'c'])
  })

  test('colours are for terminals whose owner wants them', () => {
    assert.notEqual(styleFor({ isTTY: true }, {}).red('x'), 'x')
    assert.equal(styleFor({}, {}).red('x'), 'x')
    assert.equal(styleFor({ isTTY: true }, { NO_COLOR: '1' }).red('x'), 'x')
    assert.equal(styleFor({ isTTY: true }, { TERM: 'dumb' }).red('x'), 'x')
  })

  test('line feeds and tabs are harmless, the rest is shown', () =>
    assert.equal(harmless('a\n\tb\u0007\u009B'), 'a\n\tb\\x07\\x9b'))

  test('what turns words around, breaks lines or hides text is shown, what joins letters is not', () =>
    assert.equal(
      harmless('a\u202Eb\u2066c\u2028d\u200Fe\u{E0041}f\u{1F469}\u200D\u{1F680}'),
      String.raw`a\u{202e}b\u{2066}c\u{2028}d\u{200f}e\u{e0041}f${'\u{1F469}\u200D\u{1F680}'}`,
    ))

  test('words for a shell', () =>
    assert.deepEqual(['/a/b', 'a b', "it's", '$x'].map(shellWord), ['/a/b', "'a b'", `'it'\\''s'`, "'$x'"]))

  test('how the program was started', () => {
    assert.deepEqual(commandOf('/usr/bin/alicia'), ['alicia'])
    assert.deepEqual(commandOf('/a/node_modules/.bin/alicia'), ['node', '/a/node_modules/.bin/alicia'])
    const linked = new URL('../../../node_modules/.bin/tsc', import.meta.url)
    assert.deepEqual(commandOf(fileURLToPath(linked)), ['node', realpathSync(linked)])
    assert.deepEqual(commandOf('/home/a/alicia/bin/alicia.js'), ['node', '/home/a/alicia/bin/alicia.js'])
  })

  test('progress is one line', () => {
    assert.equal(progressText({ progress: 3 }), '3')
    assert.equal(progressText({ progress: 0, message: 'waits' }), 'waits')
    assert.equal(progressText({ progress: 1.000558, total: 60 }), '1/60')
    assert.equal(progressText({ progress: 3, total: 9, message: 'a\n b\u001B' }), '3/9 a b\\x1b')
  })

  test('output to a full disk is a fault, to a reader that has gone it is none', async () => {
    const broken = (code: string) => {
      const stream = new Writable({
        write: (_chunk, _encoding, done) => done(Object.assign(new Error(code), { code })),
      })
      return stream.on('error', () => {})
    }
    await assert.rejects(write(broken('ENOSPC'), 'x'), { code: 'storage_failed', message: /output .*ENOSPC/ })
    await write(broken('EPIPE'), 'x')
  })

  test('a log line for people', () => {
    const line = JSON.stringify({
      level: 40,
      time: '2026-01-01T10:11:12.000Z',
      msg: 'away',
      url: 'a b',
      n: 1,
      error: { message: 'gone', stack: 'x' },
    })
    assert.equal(readable(line, PLAIN), '10:11:12 warn  away  url="a b" n=1 (gone)\n')
  })

  test('nothing in a log line for people begins another', () => {
    const forged = 'x\n10:11:13 info  all is well\r\u001B[2K\u202E'
    const line = JSON.stringify({ level: 50, time: 'x', msg: forged, [forged]: forged, error: { message: forged } })
    const shown = readable(line, PLAIN)
    assert.equal(shown.indexOf('\n'), shown.length - 1)
    for (const mark of ['\r', '\u001B', '\u202E']) assert.ok(!shown.includes(mark))
  })
})

suite('exit codes', () => {
  test('each number once, each fault one', () => {
    const codes = Object.values(EXITS).map(({ code }) => code)
    assert.equal(new Set(codes).size, codes.length)
    assert.deepEqual(Object.keys(EXIT_OF_FAULT).sort(), Object.keys(FAULTS).sort())
  })
})

suite('event stream', () => {
  const cases: [string, string, StreamEvent[]][] = [
    ['one event', 'event: result\ndata: {"a":1}\n\n', [{ event: 'result', data: '{"a":1}' }]],
    ['without a name', 'data: x\n\n', [{ event: 'message', data: 'x' }]],
    ['data of several lines', 'data: x\ndata: y\n\n', [{ event: 'message', data: 'x\ny' }]],
    ['comments, other fields, CRLF', ': hi\r\nid: 1\r\ndata:x\r\n\r\n', [{ event: 'message', data: 'x' }]],
    [
      'CR',
      'data: x\r\rdata: y\r\r',
      [
        { event: 'message', data: 'x' },
        { event: 'message', data: 'y' },
      ],
    ],
    ['an event without its end', 'data: x\n', []],
    ['more than ASCII', 'data: ü€🏠\n\n', [{ event: 'message', data: 'ü€🏠' }]],
  ]
  for (const [why, text, events] of cases)
    test(why, async () => {
      for (const size of [1, 2, 3, 1000]) assert.deepEqual(await collect(readEvents(chunks(cut(text, size)))), events)
    })
})

suite('message lines', () => {
  const read = async (parts: readonly (string | Uint8Array)[], largest = 8) =>
    (await collect(readLines(chunks(parts), largest))).map((line) => (line.is === 'line' ? line.text : line.is))

  test('lines, however they are cut', async () => {
    for (const size of [1, 2, 3, 1000])
      assert.deepEqual(await read(cut('a\nü€\r\n\nlast', size)), ['a', 'ü€', '', 'last'])
  })

  test('a line that is too long is told once, and the next is read', async () => {
    for (const size of [1, 4, 1000])
      assert.deepEqual(await read(cut('12345678\n123456789\nok\n1234567890', size)), [
        '12345678',
        'too-long',
        'ok',
        'too-long',
      ])
  })
})

suite('outstanding requests', () => {
  const settled = async (sent: string[], received: string[]) => {
    const outstanding = createOutstanding()
    for (const message of sent) outstanding.sent(message)
    for (const message of received) outstanding.received(message)
    let done = false
    outstanding.settled().then(() => (done = true))
    await new Promise(setImmediate)
    return done
  }
  const call = (id: unknown, method = 'tools/call') => JSON.stringify({ jsonrpc: '2.0', id, method })
  const answer = (id: unknown) => JSON.stringify({ jsonrpc: '2.0', id, result: {} })
  const cases: [string, string[], string[], boolean][] = [
    ['none', [], [], true],
    ['a request', [call(1)], [], false],
    ['its answer', [call(1)], [answer(1)], true],
    ['another’s answer', [call(1)], [answer('1')], false],
    ['a request of the hub with that id', [call(1)], [call(1, 'ping')], false],
    ['a notification', ['{"jsonrpc":"2.0","method":"x"}'], [], true],
    ['a batch', [`[${call(1)},${call(2)}]`], [`[${answer(2)},${answer(1)}]`], true],
    ['half a batch', [`[${call(1)},${call(2)}]`], [answer(2)], false],
    ['what only the client ends', [call(1, 'subscriptions/listen')], [], true],
    ['no JSON', ['{'], [], true],
  ]
  for (const [why, sent, received, done] of cases)
    test(`${why}: ${done ? 'settled' : 'waits'}`, async () => assert.equal(await settled(sent, received), done))
})
