import assert from 'node:assert/strict'
import { mock, suite, test } from 'node:test'
import { CallController, offWithdrawal, onWithdrawal } from './withdrawal.ts'

suite('withdrawal of a call', () => {
  test('a listener that throws is not the affair of whoever ends the call', () => {
    const controller = new CallController()
    const later: (() => void)[] = []
    mock.method(globalThis, 'queueMicrotask', (task: () => void) => void later.push(task))
    onWithdrawal(controller.signal, () => {
      throw new Error('It broke.')
    })
    controller.abort()
    mock.restoreAll()
    assert.equal(later.length, 1)
    assert.throws(() => later[0]?.(), /It broke/)
  })

  for (const [whose, make] of [
    ['a call', () => new CallController()],
    ['anybody else', () => new AbortController()],
  ] as const)
    suite(`by the controller of ${whose}`, () => {
      test('every listener hears of it once, with the reason at hand', () => {
        const controller = make()
        const heard: unknown[] = []
        for (let listener = 0; listener < 3; listener++)
          onWithdrawal(controller.signal, () => heard.push(controller.signal.reason))
        controller.signal.addEventListener('abort', () => heard.push('event'))
        controller.abort('why')
        controller.abort('again')
        assert.deepEqual(heard.toSorted(), ['event', 'why', 'why', 'why'])
      })

      test('while it is told, one can be taken back, and one that comes is too late', () => {
        const controller = make()
        const heard: string[] = []
        const taken = () => void heard.push('taken')
        controller.signal.addEventListener('abort', () => {
          offWithdrawal(controller.signal, taken)
          onWithdrawal(controller.signal, () => heard.push('late'))
        })
        onWithdrawal(controller.signal, taken)
        controller.abort()
        assert.deepEqual(heard, [])
      })

      test('who does not listen any more does not hear of it', () => {
        const controller = make()
        const heard: string[] = []
        const listeners = ['one', 'two'].map((name) => () => void heard.push(name))
        for (const listener of listeners) onWithdrawal(controller.signal, listener)
        for (const listener of listeners) offWithdrawal(controller.signal, listener)
        onWithdrawal(controller.signal, () => heard.push('three'))
        controller.abort()
        assert.deepEqual(heard, ['three'])
      })
    })
})
