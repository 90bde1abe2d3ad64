import assert from 'node:assert/strict'
import { suite, test, type TestContext } from 'node:test'
import { sql } from 'kysely'
import { heldClock } from '../../kernel/clock.ts'
import { createLog } from '../../kernel/log.ts'
import type { Store } from '../../kernel/ports.ts'
import type { HealthEntry } from './history-table.ts'
import { openHealthHistory } from './history.ts'

const DAY_MS = 86_400_000

type ClosableStore = Store & { close(): Promise<void> }

/** What the history does on each database. `open` opens the same, at first empty, one each time. */
export function historySuite(name: string, open: (t: TestContext) => Promise<() => Promise<ClosableStore>>): void {
  suite(`history of health on ${name}`, () => {
    async function rig(t: TestContext) {
      const openStore = await open(t)
      const clock = heldClock()
      const lines: string[] = []
      const log = createLog({ level: 'info', write: (line) => lines.push(line) })
      const start = async () => {
        const store = await openStore()
        const history = await openHealthHistory({ store, clock, log, retentionDays: 14 })
        const stop = async () => {
          await history.close()
          await store.close()
        }
        return { store, history, stop }
      }
      const status = (name: string, more: object = {}): HealthEntry => ({
        kind: 'status',
        name,
        atMs: clock.now(),
        status: 'available',
        ...more,
      })
      const latency = (name: string, latencyMs: number): HealthEntry =>
        ({ kind: 'latency', name, atMs: clock.now(), latencyMs }) as const
      return { clock, lines, start, status, latency }
    }

    test('is read back after a restart, in order, by name and kind', async (t) => {
      const { clock, start, status, latency } = await rig(t)
      const first = await start()
      const down = status('lamps', { status: 'unavailable', reason: 'it ended with exit code 1\0\uD800' })
      const entries = [status('lamps'), down, latency('lamps', 12.5)]
      for (const entry of entries) first.history.record(entry)
      first.history.record(status('doors'))
      await first.stop()

      const second = await start()
      clock.advance(1)
      const last = latency('lamps', 3)
      second.history.record(last)
      const clean = { ...down, reason: 'it ended with exit code 1\uFFFD' }
      const { history } = second
      assert.deepEqual(await history.since('lamps', 0), [entries[0], clean, entries[2], last])
      assert.deepEqual(await history.since('lamps', clock.now()), [last])
      assert.deepEqual(await history.since('lamps', 0, 'status'), [entries[0], clean])
      assert.deepEqual(await history.latest('lamps', 2), [last, entries[2]])
      assert.deepEqual(await history.latest('lamps', 1, 'status'), [clean])
      assert.deepEqual(await history.latest('nobody', 9), [])
      await second.stop()
    })

    test('what is older than the retention goes, every day', async (t) => {
      const { clock, start, status } = await rig(t)
      const { history, stop } = await start()
      history.record(status('lamps'))
      clock.advance(14 * DAY_MS)
      history.record(status('lamps'))
      assert.equal((await history.since('lamps', 0)).length, 2)
      clock.advance(DAY_MS)
      assert.equal((await history.since('lamps', 0)).length, 1)
      await stop()
    })

    test('of one name there is never too much', async (t) => {
      const { clock, start, latency, status } = await rig(t)
      const { store, history, stop } = await start()
      history.record(status('doors'))
      for (let round = 0; round < 5; round++) {
        for (let count = 0; count < 4500; count++) {
          clock.advance(1)
          history.record(latency('lamps', count))
        }
        await history.latest('lamps', 1)
      }
      await history.prune()
      const { rows } = await sql<{ name: string; n: number }>`
        select name, count(*) as n from health_history group by name order by name`.execute(store.as())
      assert.deepEqual(
        rows.map(({ name, n }) => [name, n]),
        [
          ['doors', 1],
          ['lamps', 20_000],
        ],
      )
      await stop()
    })

    test('a database that is away delays it, and says so once', async (t) => {
      const { clock, lines, start, status } = await rig(t)
      const { store, history, stop } = await start()
      assert.deepEqual(await history.latest('lamps', 1), [])
      const db = store.as()
      await sql`alter table health_history rename to away`.execute(db)
      history.record(status('lamps'))
      await assert.rejects(history.latest('lamps', 1))
      history.record(status('lamps'))
      await assert.rejects(history.latest('lamps', 1))
      await sql`alter table away rename to health_history`.execute(db)
      clock.advance(10_000)
      assert.equal((await history.since('lamps', 0)).length, 2)
      assert.deepEqual(
        lines.map((line) => (JSON.parse(line) as { msg: string }).msg),
        ['the history of health cannot be written; it waits in memory', 'the history of health is written again'],
      )
      await stop()
    })
  })
}
