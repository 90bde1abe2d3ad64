import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { z } from 'zod'
import { describeIssues } from './issues.ts'

const Input = z
  .object({
    topic: z.string().refine((text) => !text.includes('#'), 'Must not contain #.'),
    qos: z.union([z.literal(0), z.literal(1), z.literal(2)]).default(0),
    topics: z.union([z.string().max(3), z.array(z.string())]).optional(),
    payload: z.json(),
    sort: z.enum(['name', 'rate']).optional(),
    limits: z.object({ most: z.number() }).optional(),
  })
  .strict()

suite('what is wrong with a value, in words', () => {
  const good = { topic: 'a', payload: null }
  const cases: [string, unknown, string[]][] = [
    ['nothing there', {}, ['topic: missing', 'payload: missing']],
    ['missing further down', { ...good, limits: {} }, ['limits.most: missing']],
    ['another type', { ...good, topic: 5 }, ['topic: expected string, received number']],
    ['the schema’s own words', { ...good, topic: '#' }, ['topic: must not contain #.']],
    ['none of some values', { ...good, qos: 7 }, ['qos: expected 0, 1 or 2']],
    ['none of some words', { ...good, sort: 'size' }, ['sort: invalid option: expected one of "name"|"rate"']],
    ['none of two types', { ...good, topics: 5 }, ['topics: expected string or array']],
    [
      'one of two types, but for its end',
      { ...good, topics: ['a', 5] },
      ['topics[1]: expected string, received number'],
    ],
    [
      'one of two types, but too long',
      { ...good, topics: 'abcd' },
      ['topics: too big: expected string to have <=3 characters'],
    ],
    ['a mistyped key', { ...good, tpoics: 1 }, ['tpoics: unknown (did you mean topics?)']],
    ['an unknown key', { ...good, colour: 1 }, ['colour: unknown']],
    ['no object', 'x', ['expected object, received string']],
  ]
  for (const [what, value, texts] of cases)
    test(what, () => {
      const { error } = Input.safeParse(value)
      assert.ok(error)
      assert.deepEqual(
        describeIssues(error, Object.keys(Input.shape)).map(({ text }) => text),
        texts,
      )
    })
})
