import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { heldClock } from '../../kernel/clock.ts'
import { createAnswers, type AnswersOptions } from './answers.ts'
import type { Answer } from './reply.ts'

const clocked = (limits: Partial<AnswersOptions> = {}) => {
  const clock = heldClock()
  let runs = 0
  const answers = createAnswers({ clock, keepMs: 1000, most: 3, mostBytes: 100, ...limits })
  const ask = (id: string, json = '1', status: Answer['status'] = 'ok') =>
    answers.once({ id, fingerprint: 'f', keep: true }, async () => {
      runs++
      return { status, json }
    })
  return { clock, answers, ask, runs: () => runs }
}

suite('answers that are kept', () => {
  test('until they are too old', async () => {
    const { ask, clock, runs } = clocked()
    await ask('a')
    clock.advance(1000)
    await ask('a')
    assert.equal(runs(), 1)
    clock.advance(1)
    await ask('a')
    assert.equal(runs(), 2)
  })

  test('until there are too many: the oldest go', async () => {
    const { ask, runs } = clocked()
    for (const id of ['a', 'b', 'c', 'd']) await ask(id)
    await ask('b')
    assert.equal(runs(), 4)
    await ask('a')
    assert.equal(runs(), 5)
  })

  test('until they are too long together', async () => {
    const { ask, runs } = clocked()
    await ask('a', 'x'.repeat(60))
    await ask('b', 'x'.repeat(60))
    await ask('b')
    assert.equal(runs(), 2)
    await ask('a')
    assert.equal(runs(), 3)
  })

  test('not when nothing was done', async () => {
    const { ask, runs } = clocked()
    await ask('a', '1', 'unavailable')
    await ask('a', '1', 'timeout')
    await ask('a', '1', 'ok')
    assert.equal(runs(), 2, 'what timed out may have been done')
  })

  test('a run that throws is forgotten', async () => {
    const { answers, ask, runs } = clocked()
    const key = { id: 'a', fingerprint: 'f', keep: true }
    await assert.rejects(
      answers.once(key, () => Promise.reject(new Error('broken'))),
      /broken/,
    )
    await ask('a')
    assert.equal(runs(), 1)
  })
})
