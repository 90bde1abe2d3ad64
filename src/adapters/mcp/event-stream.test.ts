import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { heldClock } from '../../kernel/clock.ts'
import { EventStream, readEventId } from './event-stream.ts'
import { notificationText } from './outgoing.ts'

const news = (characters: number) => notificationText('news', JSON.stringify({ text: 'x'.repeat(characters) }))

/** Everything that a reader gets who comes back after event number 0. */
function readAll(stream: EventStream): string {
  let text = ''
  stream.connect({ write: (more) => void (text += more), waitingBytes: 0, end: () => {}, cut: () => {} }, 0)
  return text
}

suite('what an event stream keeps for a reader that comes back', () => {
  test('is no more than some megabytes, the latest event among them', () => {
    const stream = new EventStream({ clock: heldClock(), name: 's' })
    for (let count = 1; count <= 20; count++) stream.push(news(1_000_000))
    stream.end()
    const ids = [...readAll(stream).matchAll(/^id: (.*)$/gm)].map(([, id]) => id)
    assert.deepEqual(ids, ['s_17', 's_18', 's_19', 's_20'])
  })

  test('is an event of any size when it is the only one', () => {
    const stream = new EventStream({ clock: heldClock(), name: 's' })
    stream.push(news(10))
    stream.push(news(6_000_000))
    stream.end()
    assert.match(readAll(stream), /^id: s_2$/m)
  })
})

test('only what was given as an event id is read as one', () => {
  const rows: readonly [id: string, read: unknown][] = [
    ['a_1', { name: 'a', number: 1 }],
    ['a_b_20', { name: 'a_b', number: 20 }],
    ...['a_', '_1', 'a_01', 'a_1e3', 'a_-1', 'a_0x1', 'a_ 1', 'a'].map((id) => [id, undefined] as [string, undefined]),
  ]
  for (const [id, read] of rows) assert.deepEqual(readEventId(id), read, id)
})

suite('a reader of an event stream', () => {
  /** Whose connection takes nothing: all that is written waits. */
  function stuck() {
    const reader = { waitingBytes: 0, isCut: false, write: (text: string) => void (reader.waitingBytes += text.length) }
    return Object.assign(reader, { end: () => {}, cut: () => void (reader.isCut = true) })
  }

  test('gets one answer of any size', () => {
    const [stream, reader] = [new EventStream({ clock: heldClock() }), stuck()]
    stream.connect(reader)
    stream.push(news(12_000_000))
    assert.equal(reader.isCut, false)
  })

  test('who does not read is let go before the next one', () => {
    const [stream, reader] = [new EventStream({ clock: heldClock() }), stuck()]
    stream.connect(reader)
    for (let count = 1; count <= 10; count++) stream.push(news(1_000_000))
    assert.equal(reader.isCut, true)
    assert.ok(reader.waitingBytes < 10_000_000)
  })
})
