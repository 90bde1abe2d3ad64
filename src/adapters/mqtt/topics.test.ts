import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { addressOf, isTopicLevel, mayAnswerAt } from './topics.ts'

suite('ids as levels of topics', () => {
  const levels: [name: string, isLevel: boolean][] = [
    ['health', true],
    ['my-server.2', true],
    ['kitchen lamp', true],
    ['', false],
    ['+', false],
    ['#', false],
    ['a/b', false],
    ['a+', false],
    ['$SYS', false],
    ['a\0b', false],
    ['a\nb', false],
    ['\ud800', false],
    ['x'.repeat(201), false],
  ]
  for (const [name, isLevel] of levels)
    test(`${JSON.stringify(name.slice(0, 20))} ${isLevel ? 'is' : 'is not'} one`, () =>
      assert.equal(isTopicLevel(name), isLevel))

  const answers: [topic: string, allowed: boolean][] = [
    ['alicia/v1/as/mia/rep/1', true],
    ['alicia/v1/as/mia/rep/', false],
    ['alicia/v1/as/mia/rep/+', false],
    ['alicia/v1/as/mia/rep/#', false],
    ['alicia/v1/as/mia/rep/a\0', false],
    ['alicia/v1/as/anna/rep/1', false],
    ['home/lock/set', false],
  ]
  for (const [topic, allowed] of answers)
    test(`an answer to mia ${allowed ? 'may' : 'may not'} go to ${JSON.stringify(topic)}`, () => {
      const address = addressOf('alicia/v1/as/mia/req/door/who')
      assert.ok(address)
      assert.equal(mayAnswerAt(topic, address), allowed)
    })
})
