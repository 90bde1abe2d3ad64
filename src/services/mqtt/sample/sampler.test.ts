import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import * as fc from 'fast-check'
import type { IPublishPacket } from 'mqtt'
import { heldClock } from '../../../kernel/clock.ts'
import { answerOf } from './answer.ts'
import { createSampler, type Sampler } from './sampler.ts'
import { shapeOf } from './shape.ts'
import { createSpread, fairShares, pickEvenly } from './spread.ts'

const packet = (topic: string, payload: unknown, retain = false): IPublishPacket => ({
  cmd: 'publish',
  topic,
  payload: Buffer.from(typeof payload === 'string' ? payload : JSON.stringify(payload)),
  qos: 0,
  retain,
  dup: false,
})

const MIB = 1024 * 1024

function sample(messages: readonly IPublishPacket[], { most = 50, everyMs = 100, maxBytes = 64 * MIB } = {}): Sampler {
  const clock = heldClock()
  const sampler = createSampler({ clock, maxMessages: most, maxPayloadBytes: 1000, maxBytes })
  for (const message of messages) {
    sampler.accept(message)
    clock.advance(everyMs)
  }
  sampler.finish()
  return sampler
}

const count = (sampler: Sampler, most: number, of: (topic: string) => boolean) =>
  sampler.best(most).filter(({ received }) => of(received.packet.topic)).length

const reading = (number: number) => packet('plug', { power: number, state: 'ON' })
const error = (number: number, where = 'log') => packet(where, { level: 'error', message: `broken ${number}` })

suite('sampler', () => {
  const busy = Array.from({ length: 2000 }, (_, number) => reading(number))

  test('every error is kept while they fit, wherever in the window', () => {
    const messages = busy.flatMap((message, at) => (at % 50 === 49 ? [message, error(at)] : [message]))
    const sampler = sample(messages)
    assert.equal(sampler.counts().error, 40)
    assert.equal(
      count(sampler, 50, (topic) => topic === 'log'),
      40,
    )
    assert.equal(sampler.best(50).length, 50)
  })

  test('errors that do not fit are spread over their sorts and over time, never the oldest', () => {
    const messages = Array.from({ length: 3000 }, (_, at) => error(at, at % 300 === 0 ? 'rare' : 'often'))
    const sampler = sample(messages)
    const best = sampler.best(20)
    assert.equal(best.length, 20)
    assert.equal(best.filter(({ received }) => received.packet.topic === 'rare').length, 10)
    const often = best.filter(({ received }) => received.packet.topic === 'often').map(({ seq }) => seq)
    assert.ok(Math.min(...often) < 300 && Math.max(...often) > 2700, often.join())
  })

  test('the first, the last, each structure and each change are there; the rest is spread over time', () => {
    const messages = [...busy]
    for (let number = 0; number < 5; number++) messages[300 * number + 100] = packet('odd', { [`member${number}`]: 1 })
    messages[777] = packet('plug', { power: 3, state: 'OFF' })
    const sampler = sample(messages)
    const best = sampler.best(50)
    const seqs = best.map(({ seq }) => seq).sort((a, b) => a - b)
    assert.deepEqual([seqs[0], seqs.at(-1)], [1, 2000])
    assert.equal(best.filter(({ received }) => received.packet.topic === 'odd').length, 5)
    assert.ok(seqs.includes(778))
    for (let tenth = 0; tenth < 10; tenth++)
      assert.ok(
        seqs.some((seq) => seq > tenth * 200 && seq <= (tenth + 1) * 200),
        `nothing of tenth ${tenth}`,
      )
  })

  test('counts each message in one class, and says what was dropped', () => {
    const sampler = sample([...busy, reading(1999), error(1)])
    assert.deepEqual(sampler.counts(), { error: 1, structure: 1, change: 0, value: 1999, repeat: 1 })
    const options = { maxMessages: 10, maxTokens: undefined, maxPayloadBytes: 1000, startMs: 0, nowMs: 0 }
    const answer = answerOf(sampler, { ...options, detail: 'full' })
    assert.partialDeepStrictEqual(answer.sampling, {
      classes: { error: { seen: 1, kept: 1 }, value: { seen: 1999 } },
      dropped: 1992,
      why: 'max_messages',
    })
  })

  test('the budget of tokens holds, and the errors come first', () => {
    const noisy = Array.from({ length: 400 }, (_, at) =>
      at % 8 === 0 ? error(at) : packet(`t/${at}`, 'x'.repeat(300)),
    )
    const sampler = sample(noisy, { most: 1000 })
    for (const maxTokens of [400, 1000, 4000]) {
      const options = { maxMessages: 1000, maxTokens, maxPayloadBytes: 1000, startMs: 0, nowMs: 0 }
      const answer = answerOf(sampler, { ...options, detail: 'compact' })
      assert.ok((answer.tokens ?? Infinity) <= maxTokens)
      assert.ok((answer.errors?.length ?? 0) > 0)
    }
  })

  test('memory is bounded: a flood of large payloads, topics, structures and errors', () => {
    const clock = heldClock()
    const sampler = createSampler({ clock, maxMessages: 500, maxPayloadBytes: 10_000, maxBytes: MIB })
    for (let at = 0; at < 3000; at++) {
      sampler.accept(packet(`t/${at}`, { [`m${at}`]: 'x'.repeat(9000), error: `e${at}` }))
      clock.advance(1)
    }
    sampler.finish()
    const bytes = sampler.best(500).reduce((sum, each) => sum + each.bytes, 0)
    assert.ok(bytes <= MIB * 1.1, String(bytes))
    assert.ok(sampler.best(500).length > 20)
  })

  test('whatever comes, it takes it in and keeps no more than asked for', () => {
    const message = fc.record({
      topic: fc.constantFrom(
        'a',
        'b/c',
        '$x',
        'zigbee2mqtt/bridge/devices',
        'homeassistant/a/b/config',
        'spBv1.0/g/DDATA/n/d',
      ),
      payload: fc.oneof(
        fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)),
        fc.json().map(Buffer.from),
      ),
    })
    fc.assert(
      fc.property(fc.array(message, { maxLength: 60 }), fc.integer({ min: 1, max: 20 }), (messages, most) => {
        const sampler = sample(
          messages.map(({ topic, payload }) => ({ ...packet(topic, ''), payload })),
          { most },
        )
        assert.equal(sampler.best(most).length, Math.min(most, messages.length))
        const total = Object.values(sampler.counts()).reduce((sum, each) => sum + each, 0)
        assert.equal(total, messages.length)
      }),
      { numRuns: 100 },
    )
  })
})

suite('shape of a payload', () => {
  const same: readonly (readonly [string, string])[] = [
    ['{"a":1,"b":"on"}', '{"a":22.5e3,"b":"on"}'],
    ['{ "a" : -1 }', '{"a":7}'],
    ['{"t":"2026-01-01T00:00:00Z"}', '{"t":"2027-12-31T10:10:10Z"}'],
    ['21.5', ' 22 '],
  ]
  for (const [a, b] of same) test(`${a} is like ${b}`, () => assert.deepEqual(shapeOf(a), shapeOf(b)))
  test('other members are another structure, other words are not', () => {
    assert.notEqual(shapeOf('{"a":1}').structure, shapeOf('{"b":1}').structure)
    assert.notEqual(shapeOf('{"a":1}').structure, shapeOf('{"a":null}').structure)
    const [on, off] = [shapeOf('{"s":"ON","x":true}'), shapeOf('{"s":"OFF","x":false}')]
    assert.equal(on.structure, off.structure)
    assert.notEqual(on.words, off.words)
  })
  test('broken JSON has one too', () => {
    for (const text of ['{"a', '{"a\\', '[', '{"a":"\\"', '[1,,', '{"":'])
      assert.ok(Number.isInteger(shapeOf(text).structure))
  })
})

suite('spread', () => {
  const times = fc.array(fc.integer({ min: 0, max: 100_000 }), { minLength: 1, maxLength: 300 })
  test('never more than its capacity, and all while they fit', () => {
    fc.assert(
      fc.property(times, fc.integer({ min: 2, max: 50 }), (moments, capacity) => {
        const spread = createSpread<{ atMs: number; bytes: number }>(capacity)
        for (const atMs of moments) if (spread.wants(atMs)) spread.add({ atMs, bytes: 1 })
        assert.ok(spread.items().length <= capacity && spread.items().length > 0)
        assert.equal(spread.bytes(), spread.items().length)
        if (moments.length <= capacity) assert.equal(spread.items().length, moments.length)
      }),
    )
  })
  test('shares are fair: small groups whole, none above its size, all given out', () => {
    assert.deepEqual(fairShares([100, 2, 50], 20), [9, 2, 9])
    assert.deepEqual(fairShares([1, 1], 5), [1, 1])
    assert.deepEqual(pickEvenly([1, 2, 3, 4, 5], 3), [1, 3, 5])
  })
})
