import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { Store } from '../../kernel/ports.ts'
import { openSessionRows, type SessionRow } from './session-rows.ts'

const row = (id: string, callerId: string, usedMs: number): SessionRow => ({
  id,
  caller_id: callerId,
  name: null,
  address: 'mqtt://broker:1883',
  sealed: `sealed ${id}`,
  created_ms: 1_700_000_000_000,
  used_ms: usedMs,
})

/** What the table of sessions does in any store; each test opens a new, empty one. */
export function sessionRowsSuite(name: string, open: () => Promise<Store & { close(): Promise<void> }>): void {
  const withRows = (task: (rows: Awaited<ReturnType<typeof openSessionRows>>) => Promise<void>) => async () => {
    const store = await open()
    try {
      const rows = await openSessionRows(store)
      for (const each of [row('a', 'ann', 100), row('b', 'ann', 200), row('c', 'ben', 300)]) await rows.add(each)
      await task(rows)
    } finally {
      await store.close()
    }
  }

  suite(`session rows in ${name}`, { concurrency: false }, () => {
    test(
      'come back as they were, times as numbers',
      withRows(async (rows) => assert.deepEqual(await rows.find('a', 'ann', 100), row('a', 'ann', 100))),
    )

    test(
      'are found by their caller and while they live',
      withRows(async (rows) => {
        assert.equal(await rows.find('a', 'ben', 0), undefined)
        assert.equal(await rows.find('a', 'ann', 101), undefined)
        assert.equal(await rows.find('z', 'ann', 0), undefined)
      }),
    )

    test(
      'are listed and counted by caller',
      withRows(async (rows) => {
        assert.deepEqual(
          (await rows.list('ann', 0)).map(({ id }) => id),
          ['a', 'b'],
        )
        assert.deepEqual(
          (await rows.list('ann', 150)).map(({ id }) => id),
          ['b'],
        )
        assert.deepEqual(await rows.count('ann', 0), { all: 3, own: 2 })
        assert.deepEqual(await rows.count('ann', 150), { all: 2, own: 1 })
      }),
    )

    test(
      'are touched and sealed anew',
      withRows(async (rows) => {
        await rows.touch('a', 1_800_000_000_000)
        await rows.reseal('a', 'anew')
        const found = await rows.find('a', 'ann', 1_800_000_000_000)
        assert.deepEqual([found?.used_ms, found?.sealed], [1_800_000_000_000, 'anew'])
      }),
    )

    test(
      'are removed by their caller, and when unused',
      withRows(async (rows) => {
        assert.equal(await rows.remove('a', 'ben'), false)
        assert.equal(await rows.remove('a', 'ann'), true)
        assert.equal(await rows.remove('a', 'ann'), false)
        assert.deepEqual(await rows.removeUnused(300), ['b'])
        assert.deepEqual(await rows.removeUnused(300), [])
        assert.deepEqual(await rows.count('ben', 0), { all: 1, own: 1 })
      }),
    )
  })
}
