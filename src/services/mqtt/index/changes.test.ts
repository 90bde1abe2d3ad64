import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import * as fc from 'fast-check'
import type { IPublishPacket } from 'mqtt'
import { heldClock } from '../../../kernel/clock.ts'
import { changesOf } from './changes.ts'
import { differencesOf, differenceText } from './difference.ts'
import { createLiveIndex } from './live-index.ts'

const packet = (topic: string, payload: string, retain = false): IPublishPacket => ({
  cmd: 'publish',
  topic,
  payload: Buffer.from(payload),
  qos: 0,
  retain,
  dup: false,
})

suite('what changed', () => {
  const rows: readonly (readonly [unknown, unknown, string[]])[] = [
    [{ state: 'OFF', power: 1 }, { power: 12, state: 'ON' }, ['state OFF → ON', 'power 1 → 12']],
    [{ a: { b: [1, 2] } }, { a: { b: [1, 3] } }, ['a.b.1 2 → 3']],
    [{ a: 1 }, { a: 1, b: true }, ['b (new) true']],
    [{ a: 1, c: null }, { a: 1 }, ['c gone']],
    ['ON', 'OFF', ['ON → OFF']],
    [
      { linkquality: 1, contact: true },
      { linkquality: 2, contact: false },
      ['contact true → false', 'linkquality 1 → 2'],
    ],
    [{ a: 1 }, 'offline', ['{"a":1} → offline']],
    [21, 21, []],
  ]
  for (const [was, is, lines] of rows)
    test(`${JSON.stringify(was)} and ${JSON.stringify(is)}`, () =>
      assert.deepEqual(differencesOf(was, is).map(differenceText), lines))

  test('equal values differ in nothing; any value can be compared with any', () => {
    fc.assert(
      fc.property(fc.json(), fc.json(), (a, b) => {
        const [was, is] = [JSON.parse(a) as unknown, JSON.parse(b) as unknown]
        assert.deepEqual(differencesOf(was, JSON.parse(a)), [])
        assert.equal(
          differencesOf(was, is).length === 0,
          JSON.stringify(was) === JSON.stringify(is) || isSameBut(was, is),
        )
      }),
      { numRuns: 200 },
    )
  })

  test('of an index: states before drift, new topics, cleared ones, silent ones', () => {
    const clock = heldClock()
    const index = createLiveIndex({ clock, maxTopics: 100, maxBytes: 100_000 })
    const hear = (...message: Parameters<typeof packet>) => index.accept(packet(...message))
    hear('kept', 'x', true)
    hear('door', '{"contact":true}')
    for (let turn = 0; turn < 10; turn++) {
      hear('pulse', String(turn))
      hear('meter', `{"power":${turn},"linkquality":${turn}}`)
      clock.advance(1000)
    }
    clock.advance(1000)
    const sinceMs = index.mark()
    hear('door', '{"contact":false}')
    hear('meter', '{"power":50,"linkquality":80}')
    hear('kept', '')
    hear('fresh', 'hello')
    clock.advance(30_000)
    const changes = changesOf(index, { sinceMs, nowMs: clock.now(), matches: () => true })
    assert.deepEqual(
      changes.changed.map(({ topic, differences }) => [topic, ...differences]),
      [
        ['door', 'contact true → false'],
        ['meter', 'power 9 → 50'],
      ],
    )
    const topics = (entries: readonly { topic: string }[]) => entries.map(({ topic }) => topic)
    assert.deepEqual(topics(changes.appeared), ['fresh'])
    assert.deepEqual(topics(changes.cleared), ['kept'])
    assert.deepEqual(topics(changes.silent).toSorted(), ['meter', 'pulse'])
  })
})

/** Objects are equal in whatever order their members are; an empty object is not told from an empty list. */
function isSameBut(a: unknown, b: unknown): boolean {
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return Object.is(a, b)
  const names = new Set([...Object.keys(a), ...Object.keys(b)])
  return [...names].every((name) => isSameBut(Reflect.get(a, name), Reflect.get(b, name)))
}
