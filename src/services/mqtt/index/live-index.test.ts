import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import * as fc from 'fast-check'
import type { IPublishPacket } from 'mqtt'
import { heldClock } from '../../../kernel/clock.ts'
import { collapseTopics } from './collapse.ts'
import { pageOfIndex } from './index-page.ts'
import { listIndex, SORTS } from './listing.ts'
import { createLiveIndex, type LiveIndex } from './live-index.ts'

const packet = (topic: string, payload: string, retain = false): IPublishPacket => ({
  cmd: 'publish',
  topic,
  payload: Buffer.from(payload),
  qos: 0,
  retain,
  dup: false,
})

const indexOf = (limits: { maxTopics?: number; maxBytes?: number } = {}) => {
  const clock = heldClock()
  return { clock, index: createLiveIndex({ clock, maxTopics: 100, maxBytes: 1_000_000, ...limits }) }
}

const hear = (index: LiveIndex, ...messages: readonly (readonly [string, string, boolean?])[]) => {
  for (const message of messages) index.accept(packet(...message))
}

const all = { matches: () => true, sort: 'name', limit: 1000 } as const
const topicsOf = (index: LiveIndex) => listIndex(index, all).entries.map(({ topic }) => topic)

suite('live index', () => {
  test('knows of each topic what came last, how often and whether it is kept', () => {
    const { clock, index } = indexOf()
    hear(index, ['a', 'x', true], ['b', '1'])
    clock.advance(1000)
    hear(index, ['b', '22'])
    const { a, b } = { a: index.get('a'), b: index.get('b') }
    assert.partialDeepStrictEqual(a, { count: 1, payload: 'x', retained: true, size: 1 })
    assert.partialDeepStrictEqual(b, { count: 2, payload: '22', retained: false, size: 2 })
    assert.equal((b?.lastMs ?? 0) - (b?.firstMs ?? 0), 1000)
    assert.deepEqual([index.size(), index.messages()], [2, 3])
  })

  test('what is kept and comes again after a reconnect is no news', () => {
    const { clock, index } = indexOf()
    hear(index, ['a', 'x', true])
    const { lastMs } = index.get('a') ?? {}
    clock.advance(60_000)
    hear(index, ['a', 'x', true])
    assert.equal(index.get('a')?.lastMs, lastMs)
    assert.equal(index.changesSince(0).before.size, 0)
  })

  test('a live empty message clears what was kept', () => {
    const { index } = indexOf()
    hear(index, ['a', 'x', true], ['a', ''])
    assert.partialDeepStrictEqual(index.get('a'), { retained: false, cleared: true })
  })

  test('the rate is that of the last minutes, from the first minute on', () => {
    const { clock, index } = indexOf()
    for (let second = 0; second < 600; second++) {
      hear(index, ['a', String(second)])
      clock.advance(1000)
      if (second === 60) assert.ok(Math.abs(rateOf(index) - 60) < 3, String(rateOf(index)))
    }
    assert.ok(Math.abs(rateOf(index) - 60) < 3)
    clock.advance(900_000)
    assert.ok(rateOf(index) < 4)
  })

  test('a flood of new topics pushes out itself, not the home', () => {
    const { index } = indexOf({ maxTopics: 20 })
    hear(index, ['home/kept', 'on', true], ['home/live', '1'], ['home/live', '2'])
    for (let number = 0; number < 1000; number++) hear(index, [`flood/${number}`, 'x'])
    assert.equal(index.size(), 20)
    assert.equal(index.evicted(), 982)
    assert.ok(index.get('home/kept') && index.get('home/live') && index.get('flood/999'))
  })

  test('of topics that are all known, those unheard for longest go', () => {
    const { index } = indexOf({ maxTopics: 10 })
    for (let number = 0; number < 10; number++) hear(index, [`t/${number}`, 'x', true])
    hear(index, ['t/0', 'y'], ['new', 'x', true])
    assert.ok(index.get('t/0'))
    assert.equal(index.get('t/1'), undefined)
  })

  test('memory holds whatever comes', () => {
    const { clock, index } = indexOf({ maxTopics: 1000, maxBytes: 100_000 })
    for (let number = 0; number < 5000; number++) {
      hear(index, [`t/${number % 300}/${'long'.repeat(number % 50)}`, 'y'.repeat((number * 37) % 9000)])
      clock.advance(100)
      assert.ok(index.bytes() <= 103_000, String(index.bytes()))
    }
  })

  test('the value before is known as far back as asked', () => {
    const { clock, index } = indexOf()
    hear(index, ['a', '1'], ['b', 'x'])
    clock.advance(60_000)
    const marked = index.mark()
    hear(index, ['a', '2'], ['a', '3'], ['b', 'x'])
    clock.advance(60_000)
    hear(index, ['a', '4'])
    const before = (sinceMs: number) =>
      [...index.changesSince(sinceMs).before.values()].map(({ entry, payload }) => [
        entry.topic,
        payload,
        entry.payload,
      ])
    assert.deepEqual(before(marked), [['a', '1', '4']])
    assert.deepEqual(before(marked + 50_000), [['a', '1', '4']])
    assert.equal(index.changesSince(marked + 50_000).fromMs, marked)
    assert.deepEqual(before(index.mark()), [])
  })

  test('pages of every order, put together, are the whole list sorted', () => {
    const name = fc.string({ unit: fc.constantFrom('a', 'b', '/'), minLength: 1, maxLength: 6 })
    fc.assert(
      fc.property(
        fc.array(fc.tuple(name, fc.string({ maxLength: 5 }), fc.boolean()), { maxLength: 40 }),
        fc.constantFrom(...SORTS),
        fc.integer({ min: 1, max: 7 }),
        (messages, sort, limit) => {
          const { clock, index } = indexOf()
          for (const message of messages) {
            hear(index, message)
            clock.advance(10)
          }
          const found: string[] = []
          let cursor: string | undefined
          do {
            const page = listIndex(index, { ...all, sort, limit, cursor })
            found.push(...page.entries.map(({ topic }) => topic))
            cursor = page.cursor
          } while (cursor !== undefined)
          assert.deepEqual(found.toSorted(), topicsOf(index))
          assert.deepEqual(
            found,
            listIndex(index, { ...all, sort }).entries.map(({ topic }) => topic),
          )
        },
      ),
      { numRuns: 60 },
    )
  })

  test('levels that repeat are one line; names of the first level and a few siblings stay', () => {
    const { index } = indexOf()
    for (let number = 0; number < 7; number++)
      hear(index, [`z/lamp${number}`, '{}'], [`z/lamp${number}/availability`, 'online', true])
    hear(index, ['z/bridge/state', 'online', true], ['tele/a/LWT', 'x'], ['tele/b/LWT', 'x'])
    for (let number = 0; number < 9; number++) hear(index, [`root${number}`, 'x'])
    const lines = collapseTopics(index.entries()).map(({ pattern, topics }) => `${pattern} ×${topics}`)
    assert.deepEqual(lines.slice(-5), [
      'tele/a/LWT ×1',
      'tele/b/LWT ×1',
      'z/+ ×7',
      'z/+/availability ×7',
      'z/bridge/state ×1',
    ])
    assert.equal(lines.length, 14)
  })

  test('a topic of a thousand levels is a line', () => {
    const { index } = indexOf()
    const deep = 'x/'.repeat(1000)
    hear(index, [deep, '1'], [`${deep}y`, '2'])
    assert.deepEqual(
      collapseTopics(index.entries()).map(({ topics }) => topics),
      [1, 1],
    )
  })
})

const rateOf = (index: LiveIndex) => {
  const entry = index.get('a')
  return entry ? index.ratePerMinute(entry) : Number.NaN
}

suite('a page of the index', () => {
  const { clock, index } = indexOf()
  hear(
    index,
    ['zigbee2mqtt/plug', '{"state":"ON","power":3.5}'],
    ['zigbee2mqtt/other', '{"state":"OFF","power":9}'],
    ['attic/note', 'hello'],
    ['attic/picture', '\u0000'.repeat(5000)],
  )
  const watch = { index, state: () => ({ is: 'watching' as const }) }
  const page = (more: object) =>
    pageOfIndex(watch, { pattern: '#', sort: 'name', collapse: 'auto', detail: 'full', limit: 10, ...more }, clock)

  test('in full it names the family and the structure, where the payload is known whole', () => {
    const { topics } = page({})
    const [note, picture, other, plug] = topics
    assert.equal(plug?.family, 'zigbee2mqtt')
    assert.ok(plug?.schema)
    assert.equal(plug?.schema, other?.schema)
    assert.deepEqual([note?.schema, picture?.schema, picture?.payload], [undefined, undefined, '<binary, 5000 bytes>'])
  })

  test('compact lines say less', () => {
    assert.deepEqual(page({ detail: 'compact', pattern: 'attic/note' }).topics, [
      { topic: 'attic/note', payload: 'hello', messages: 1, per_minute: 60, age_s: 0 },
    ])
  })

  test('collapsed pages follow each other; a cursor that is none is refused', () => {
    const first = page({ collapse: 'always', limit: 3 })
    const second = page({ collapse: 'always', limit: 3, cursor: first.next_cursor })
    assert.deepEqual(
      [...first.topics, ...second.topics].map(({ topic }) => topic),
      ['attic/note', 'attic/picture', 'zigbee2mqtt/other', 'zigbee2mqtt/plug'],
    )
    assert.equal(second.next_cursor, undefined)
    for (const cursor of ['[', '[1]', '["a"]', '[null,"a"]', '{}'])
      assert.throws(() => page({ cursor }), /cursor: it is none/)
  })
})
