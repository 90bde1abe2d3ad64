import { deepEqual, equal, ok } from 'node:assert/strict'
import { Readable } from 'node:stream'
import * as fc from 'fast-check'
import { readEvents } from '../../src/adapters/cli/event-stream.ts'
import { EventStream } from '../../src/adapters/mcp/event-stream.ts'
import { LineSplitter } from '../../src/gateway/connection/lines.ts'
import { EventReader, type ServerSentEvent } from '../../src/gateway/connection/server-sent-events.ts'
import { readLines } from '../../src/gateway/process/stderr-lines.ts'
import { heldClock } from '../../src/kernel/clock.ts'
import { createPacketMeter } from '../../src/services/mqtt/packet-meter.ts'
import type { Target } from '../target.ts'

/** The bytes in pieces; where they are cut is decided by the bytes themselves, so that the same input is cut alike. */
function pieces(input: Buffer): Buffer[] {
  const cut: Buffer[] = []
  for (let at = 0; at < input.length;) {
    const length = 1 + ((input[at] ?? 0) % 7)
    cut.push(input.subarray(at, at + length))
    at += length
  }
  return cut
}

/** Above what is kept of both ends of a line that is longer. */
const LARGEST = 300

function linesOf(chunks: readonly Buffer[]): unknown[] {
  const said: unknown[] = []
  const splitter = new LineSplitter(LARGEST, {
    onLine: (text) => said.push(text),
    onTooLong: (head, tail, bytes) => said.push([head, tail, bytes]),
  })
  for (const chunk of chunks) splitter.push(chunk)
  return said
}

function eventsOf(chunks: readonly Buffer[]): unknown {
  const events: ServerSentEvent[] = []
  const reader = new EventReader(10_000, { onEvent: (event) => events.push(event) })
  try {
    for (const chunk of chunks) reader.push(chunk)
  } catch (error) {
    ok(error instanceof RangeError, String(error))
    return 'too large'
  }
  return { events, id: reader.lastEventId, retryMs: reader.retryMs }
}

/** The standard's own grammar, on the whole text at once (WHATWG HTML, 9.2.6). */
function plainEvents(input: Buffer): ServerSentEvent[] {
  const events: ServerSentEvent[] = []
  let [type, data]: [string, string[]] = ['', []]
  const lines = new TextDecoder().decode(input).split(/\r\n|\r|\n/)
  for (const line of lines.slice(0, -1)) {
    if (line === '') {
      if (data.length > 0) events.push({ type: type || 'message', data: data.join('\n') })
      ;[type, data] = ['', []]
    }
    const [, field, value = ''] = /^([^:]+)(?::[ ]?(.*))?$/s.exec(line) ?? []
    if (field === 'event') type = value
    if (field === 'data') data.push(value)
  }
  return events
}

const field = fc.oneof(fc.constantFrom('data', 'event', 'id', 'retry', '', 'other'), fc.string({ maxLength: 4 }))
const stream = fc
  .array(
    fc.tuple(
      field,
      fc.constantFrom(':', ': ', ''),
      fc.string({ unit: 'binary', maxLength: 8 }),
      fc.constantFrom('\n', '\r', '\r\n', '\n\n', '\r\n\r\n'),
    ),
  )
  .map((lines) => lines.map((line) => line.join('')).join(''))

const EVENTS = [
  'event: message\ndata: {"a":1}\n\n',
  'id: 7\nretry: 10\ndata\ndata:b\r\n\r\n',
  '\ufeffdata: x\r\r',
  ': hi\n\nevent: a\n\ndata: b\n\n',
]

export const STREAM_TARGETS: readonly Target[] = [
  {
    name: 'stream/lines',
    covers: ['src/gateway/connection/lines.ts', 'src/kernel/pieces.ts'],
    seeds: ['{"a":1}\n{"b":2}\r\n', `${'x'.repeat(400)}\nshort\n`, '\n\n\r\n', Buffer.from([0xe2, 0x82, 0xac, 0x0a])],
    check(input) {
      const whole = linesOf([input])
      deepEqual(linesOf(pieces(input)), whole)
      for (const line of whole)
        if (typeof line === 'string') ok(line !== '' && Buffer.byteLength(line) <= 3 * LARGEST && !line.includes('\n'))
    },
  },
  {
    name: 'stream/stderr',
    covers: ['src/gateway/process/stderr-lines.ts', 'src/gateway/process/in-turn.ts'],
    seeds: ['one\ntwo\r\n', 'no end', Buffer.from([0xff, 0x0a, 0xc3, 0x0a])],
    longestBytes: 4096,
    async check(input) {
      const read = async (chunks: readonly Buffer[]) => {
        const lines: string[] = []
        const from = Readable.from(chunks, { objectMode: false })
        readLines(from, (line) => lines.push(line))
        await new Promise((resolve) => from.once('close', resolve))
        return lines
      }
      const whole = await read([input])
      deepEqual(await read(pieces(input)), whole)
      ok(whole.every((line) => line !== '' && line.length <= 8192))
    },
  },
  {
    name: 'stream/events',
    covers: ['src/gateway/connection/server-sent-events.ts'],
    seeds: EVENTS,
    generate: stream,
    tokens: ['data:', 'event:', 'id:', 'retry:', '\n\n', '\r\n\r\n', ': '],
    check(input) {
      const whole = eventsOf([input])
      deepEqual(eventsOf(pieces(input)), whole)
      if (typeof whole === 'object') deepEqual((whole as { events: unknown }).events, plainEvents(input))
    },
  },
  {
    name: 'stream/cli-events',
    covers: ['src/adapters/cli/event-stream.ts'],
    seeds: EVENTS,
    generate: stream,
    tokens: ['data:', 'event:', '\n\n', '\r\n\r\n'],
    longestBytes: 4096,
    async check(input) {
      const read = async (chunks: readonly Buffer[]) => {
        const events: ServerSentEvent[] = []
        for await (const { event, data } of readEvents(Readable.from(chunks, { objectMode: false })))
          events.push({ type: event, data })
        return events
      }
      const whole = await read([input])
      deepEqual(await read(pieces(input)), whole)
      deepEqual(whole, plainEvents(input))
    },
  },
  {
    name: 'stream/written-events',
    covers: ['src/adapters/mcp/event-stream.ts'],
    seeds: ['{"a":"\\n"}', '"x"', '[1,2]', '"\u2028"'],
    generate: fc.json(),
    check(input) {
      let message: string
      try {
        message = JSON.stringify(JSON.parse(input.toString()))
      } catch {
        return
      }
      const out: string[] = []
      const events = new EventStream({ clock: heldClock(), name: 's' })
      events.connect({ write: (text) => out.push(text), waitingBytes: 0, end: () => undefined, cut: () => undefined })
      events.push(message)
      events.end()
      const read = eventsOf(pieces(Buffer.from(out.join(''))))
      if (read !== 'too large')
        deepEqual(read, { events: [{ type: 'message', data: message.toWellFormed() }], id: 's_1', retryMs: undefined })
    },
  },
  {
    name: 'stream/mqtt-packets',
    covers: ['src/services/mqtt/packet-meter.ts'],
    seeds: [
      Buffer.from([0x30, 0x02, 0x00, 0x00]),
      Buffer.from([0x30, 0xff, 0xff, 0xff, 0x7f]),
      Buffer.from([0xe0, 0x00, 0xc0, 0x00]),
    ],
    check(input) {
      const measure = (chunks: readonly Buffer[]) => {
        const large: number[] = []
        const meter = createPacketMeter(1000, (bytes) => large.push(bytes))
        for (const chunk of chunks) meter(chunk)
        return large
      }
      const whole = measure([input])
      deepEqual(measure(pieces(input)), whole)
      for (const bytes of whole) ok(bytes > 1000 && Number.isSafeInteger(bytes))
      equal(whole.length <= input.length, true)
    },
  },
]
