import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import * as fc from 'fast-check'
import { filterCovers } from '../../kernel/topic.ts'
import { createFilterIndex, isFilter, isTopic } from './topic.ts'

suite('topics', () => {
  const names: [text: string, topic: boolean, filter: boolean][] = [
    ['a', true, true],
    ['a/b', true, true],
    ['/', true, true],
    ['a//b', true, true],
    ['Küche/Licht', true, true],
    ['$SYS/broker', true, true],
    ['#', false, true],
    ['+', false, true],
    ['a/#', false, true],
    ['a/+/b', false, true],
    ['+/#', false, true],
    ['', false, false],
    ['a#', false, false],
    ['a/b#', false, false],
    ['#/a', false, false],
    ['a/#/b', false, false],
    ['a+', false, false],
    ['a/+b/c', false, false],
    ['a\0b', false, false],
    ['\ud800', false, false],
    ['ä'.repeat(40_000), false, false],
    ['a/'.repeat(100), false, false],
  ]
  for (const [text, topic, filter] of names)
    test(`${JSON.stringify(text.slice(0, 20))}: topic ${topic}, filter ${filter}`, () => {
      assert.equal(isTopic(text), topic)
      assert.equal(isFilter(text), filter)
    })

  // MQTT 5.0, 4.7.1 and 4.7.2, with the examples given there.
  const pairs: [filter: string, topic: string, expected: boolean][] = [
    ['sport/tennis/player1/#', 'sport/tennis/player1', true],
    ['sport/tennis/player1/#', 'sport/tennis/player1/ranking', true],
    ['sport/tennis/player1/#', 'sport/tennis/player1/score/wimbledon', true],
    ['sport/#', 'sport', true],
    ['#', 'anything/at/all', true],
    ['sport/tennis/+', 'sport/tennis/player1', true],
    ['sport/tennis/+', 'sport/tennis/player1/ranking', false],
    ['sport/+', 'sport', false],
    ['sport/+', 'sport/', true],
    ['+/+', '/finance', true],
    ['/+', '/finance', true],
    ['+', '/finance', false],
    ['#', '$SYS/broker', false],
    ['+/monitor/Clients', '$SYS/monitor/Clients', false],
    ['$SYS/#', '$SYS/broker', true],
    ['$SYS/monitor/+', '$SYS/monitor/Clients', true],
    ['a/b', 'a/B', false],
    ['a', 'a/b', false],
  ]
  for (const [filter, topic, expected] of pairs)
    test(`${filter} ${expected ? 'matches' : 'does not match'} ${topic}`, () => {
      assert.equal(filterCovers(filter, topic), expected)
    })

  const inside: [outer: string, inner: string, expected: boolean][] = [
    ['#', 'a/#', true],
    ['a/#', '#', false],
    ['a/#', 'a/+/c', true],
    ['a/+', 'a/b', true],
    ['a/+', 'a/+', true],
    ['a/b', 'a/+', false],
    ['a/+', 'a/#', false],
    ['a/#', 'a', true],
    ['+/b', 'a/b', true],
  ]
  for (const [outer, inner, expected] of inside)
    test(`${outer} ${expected ? 'covers' : 'does not cover'} ${inner}`, () => {
      assert.equal(filterCovers(outer, inner), expected)
    })

  /** Few different names, so that filters and topics meet. */
  const name = fc.constantFrom('a', 'b', '', '$SYS', 'ä')
  const topic = fc
    .array(name, { minLength: 1, maxLength: 5 })
    .map((levels) => levels.join('/'))
    .filter(isTopic)
  const filter = fc
    .tuple(fc.array(fc.oneof(name, fc.constant('+')), { maxLength: 4 }), fc.constantFrom('#', '+', 'a', ''))
    .map(([levels, last]) => [...levels, last].join('/'))
    .filter(isFilter)

  /** The rules once more, as a regular expression. */
  const oracle = (text: string, name: string) => {
    if (name.startsWith('$') && /^[+#]/.test(text)) return false
    const source = text
      .split('/')
      .map((level) => (level === '#' ? '.*' : level === '+' ? '[^/]*' : RegExp.escape(level)))
      .join('/')
    return new RegExp(`^${source}$`, 's').test(name) || (text.endsWith('/#') && filterCovers(text.slice(0, -2), name))
  }

  test('matching agrees with a regular expression', () => {
    fc.assert(fc.property(filter, topic, (text, name) => filterCovers(text, name) === oracle(text, name)))
  })
  test('the index finds what matches, and nothing that was taken out', () => {
    fc.assert(
      fc.property(fc.array(filter, { maxLength: 12 }), topic, fc.nat(12), (filters, name, gone) => {
        const index = createFilterIndex<number>()
        for (const [at, text] of filters.entries()) index.add(text, at)
        const removed = filters[gone]
        if (removed !== undefined) index.delete(removed, gone)
        const expected = [...filters.keys()].filter((at) => at !== gone && filterCovers(filters[at] ?? '', name))
        assert.deepEqual([...index.match(name)].sort(), expected.sort())
      }),
    )
  })
  test('a filter that covers another matches all that it matches', () => {
    fc.assert(
      fc.property(filter, filter, topic, (outer, inner, name) => {
        if (name.startsWith('$')) return
        if (filterCovers(outer, inner) && filterCovers(inner, name)) assert.ok(filterCovers(outer, name))
      }),
    )
  })
})
