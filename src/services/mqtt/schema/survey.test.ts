import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { heldClock } from '../../../kernel/clock.ts'
import { publishPacket } from '../../../testing/mqtt-connection.ts'
import { createDecoder } from '../decode/decode.ts'
import { commonFilter } from './grouping.ts'
import { watchStability } from './stability.ts'
import { createSurvey, type SurveyLimits } from './survey.ts'

const surveyOf = (limits: Partial<SurveyLimits> = {}) =>
  createSurvey(createDecoder(), { maxMessages: 100_000, maxBytes: 1_000_000, ...limits }, heldClock())

suite('survey', () => {
  test('looks at what waits in slices, in its order', () => {
    const survey = surveyOf()
    for (let index = 0; index < 5; index++) survey.accept(publishPacket('a', `{"n":${index}}`))
    assert.deepEqual([survey.work(2), survey.topics()[0]?.schema.messages], [3, 2])
    assert.equal(survey.work(10), 0)
    const [topic] = survey.topics()
    assert.deepEqual([topic?.schema.messages, topic?.latest.toString(), survey.skipped()], [5, '{"n":4}', 0])
  })

  test('a slice of large messages is short', () => {
    const survey = surveyOf({ maxBytes: 100_000_000 })
    for (let index = 0; index < 5; index++) survey.accept(publishPacket('a', 'x'.repeat(1_000_000)))
    assert.deepEqual([survey.work(100), survey.work(100)], [2, 0])
  })

  test('is full at its count', async () => {
    const survey = surveyOf({ maxMessages: 2 })
    for (let index = 0; index < 5; index++) survey.accept(publishPacket('a', '1'))
    await survey.full
    survey.work(10)
    assert.deepEqual([survey.received(), survey.topics()[0]?.schema.messages], [2, 2])
  })

  test('what would not fit in memory is counted only, and one is looked at in any case', () => {
    const survey = surveyOf({ maxBytes: 10 })
    for (let index = 0; index < 3; index++) survey.accept(publishPacket('a', 'x'.repeat(50)))
    survey.work(10)
    survey.accept(publishPacket('a', 'y'))
    survey.work(10)
    assert.deepEqual([survey.received(), survey.skipped(), survey.topics()[0]?.schema.messages], [4, 2, 2])
  })

  test('more topics than can be kept are counted only', () => {
    const survey = surveyOf()
    for (let index = 0; index < 5010; index++) survey.accept(publishPacket(`t/${index}`, '1'))
    survey.work(10_000)
    assert.deepEqual([survey.topics().length, survey.skipped()], [5000, 10])
  })

  test('topics with endless members do not take endless memory', () => {
    const survey = surveyOf({ maxBytes: 100_000_000 })
    const payload = (seed: number) =>
      JSON.stringify(Object.fromEntries(Array.from({ length: 2000 }, (_, index) => [`${seed}-${index}`, 0])))
    for (let index = 0; index < 90; index++) survey.accept(publishPacket(`t/${index}`, payload(index)))
    while (survey.work(1000) > 0);
    const paths = survey.topics().reduce((sum, { schema }) => sum + schema.tree.paths, 0)
    assert.ok(paths < 155_000, String(paths))
    assert.ok(survey.skipped() > 0)
  })

  test('is stable when all is trusted and no topic is new', async () => {
    const survey = surveyOf()
    const watch = watchStability(survey)
    let stable = false
    void watch.stable.then(() => (stable = true))
    const look = async (elapsedMs: number) => {
      survey.work(1000)
      watch.look(elapsedMs)
      await Promise.resolve()
      return stable
    }
    assert.equal(await look(0), false)
    for (let index = 0; index < 30; index++) survey.accept(publishPacket('a', `{"n":${index}}`))
    assert.equal(await look(1000), false, 'too early')
    survey.accept(publishPacket('b', '1'))
    assert.equal(await look(6000), false, 'a new topic')
    assert.equal(await look(11_000), false, 'one message of b')
    for (let index = 0; index < 30; index++) survey.accept(publishPacket('b', '1'))
    assert.equal(await look(12_000), true)
  })

  const filters: readonly (readonly [readonly string[], string])[] = [
    [['a/b'], 'a/b'],
    [['a/x/c', 'a/y/c'], 'a/+/c'],
    [['a/x', 'a/y/z'], 'a/#'],
    [['a/x', 'a/x/y'], 'a/x/#'],
    [['a', 'b/c'], '#'],
    [['/a', '/b'], '/+'],
  ]
  for (const [topics, filter] of filters)
    test(`${topics.join(' and ')} have ${filter} in common`, () => assert.equal(commonFilter(topics), filter))
})
