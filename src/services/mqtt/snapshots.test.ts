import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { heldClock } from '../../kernel/clock.ts'
import { createSnapshots } from './snapshots.ts'

const list = { items: ['a', 'b', 'c', 'd', 'e'], head: 'all' }

suite('snapshots', () => {
  test('pages follow each other to the end, and can be read again', () => {
    const snapshots = createSnapshots<string, string>(heldClock())
    const first = snapshots.first('ann', list, 2)
    const second = snapshots.next('ann', first.cursor ?? '', 2)
    const third = snapshots.next('ann', second.cursor ?? '', 2)
    assert.deepEqual(
      [first, second, third].map(({ items }) => items),
      [['a', 'b'], ['c', 'd'], ['e']],
    )
    assert.deepEqual([third.cursor, third.total, third.head], [undefined, 5, 'all'])
    assert.deepEqual(snapshots.next('ann', second.cursor ?? '', 2), third)
  })

  test('a cursor is good for its owner and for ten minutes', () => {
    const clock = heldClock()
    const snapshots = createSnapshots<string, string>(clock)
    const cursor = snapshots.first('ann', list, 2).cursor ?? ''
    const id = cursor.split('.')[0]
    for (const [owner, wrong] of [
      ['ben', cursor],
      ['ann', ''],
      ['ann', 'x.2'],
      ['ann', `${id}.-1`],
      ['ann', `${id}.x`],
    ] as const)
      assert.throws(() => snapshots.next(owner, wrong, 2), { code: 'invalid_input' })
    clock.advance(600_001)
    assert.throws(() => snapshots.next('ann', cursor, 2), { code: 'invalid_input' })
  })

  test('the oldest lists go first', () => {
    const snapshots = createSnapshots<string, string>(heldClock())
    const cursors = Array.from({ length: 21 }, () => snapshots.first('ann', list, 2).cursor ?? '')
    assert.throws(() => snapshots.next('ann', cursors[0] ?? '', 2), { code: 'invalid_input' })
    assert.deepEqual(snapshots.next('ann', cursors[1] ?? '', 2).items, ['c', 'd'])
  })
})
