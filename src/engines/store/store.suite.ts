import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import { sql } from 'kysely'
import type { Fault } from '../../kernel/fault.ts'
import type { Migration } from '../../kernel/ports.ts'
import type { OpenStore } from './open-store.ts'

interface Tables {
  accounts: { name: string; cents: number }
}

const accounts: Migration = {
  name: '001-accounts',
  up: async (db) => {
    await db.schema
      .createTable('accounts')
      .addColumn('name', 'text', (column) => column.primaryKey())
      .addColumn('cents', 'bigint', (column) => column.notNull())
      .execute()
  },
}

/** What every engine behind the port `Store` does. `open` opens the same, at first empty, database each time. */
export function storeSuite(name: string, open: () => Promise<OpenStore>): void {
  suite(`store on ${name}`, () => {
    let store: OpenStore
    before(async () => {
      store = await open()
      await store.migrate('bank', [accounts])
    })
    after(() => store.close())

    const db = () => store.as<Tables>()
    const fill = async (cents: number) => {
      await db().deleteFrom('accounts').execute()
      await db()
        .insertInto('accounts')
        .values([
          { name: 'ada', cents },
          { name: 'bob', cents: 0 },
        ])
        .execute()
    }
    const centsOf = async (who: string) =>
      (await db().selectFrom('accounts').select('cents').where('name', '=', who).executeTakeFirst())?.cents

    test('rows are plain objects, and times in milliseconds are numbers', async () => {
      const cents = Date.UTC(2100, 0, 1)
      await fill(cents)
      const rows = await db().selectFrom('accounts').selectAll().orderBy('name').execute()
      assert.deepEqual(rows, [
        { name: 'ada', cents },
        { name: 'bob', cents: 0 },
      ])
      const { total, count } = await db()
        .selectFrom('accounts')
        .select(({ fn }) => [fn.sum<number>('cents').as('total'), fn.countAll<number>().as('count')])
        .executeTakeFirstOrThrow()
      assert.deepEqual({ total, count }, { total: cents, count: 2 })
    })

    test('says how many rows a statement changed', async () => {
      await fill(5)
      const { numUpdatedRows } = await db().updateTable('accounts').set({ cents: 6 }).executeTakeFirst()
      const { numDeletedRows } = await db().deleteFrom('accounts').where('name', '=', 'ada').executeTakeFirst()
      assert.deepEqual({ numUpdatedRows, numDeletedRows }, { numUpdatedRows: 2n, numDeletedRows: 1n })
    })

    test('a transaction that throws leaves nothing behind', async () => {
      await fill(100)
      const change = db()
        .transaction()
        .execute(async (bank) => {
          await bank.updateTable('accounts').set({ cents: 1 }).execute()
          throw new RangeError('changed its mind')
        })
      await assert.rejects(change, RangeError)
      assert.equal(await centsOf('ada'), 100)
    })

    test('transactions of concurrent callers do not mix, and lose no update', async () => {
      await fill(100)
      const move = (cents: number) =>
        db()
          .transaction()
          .setIsolationLevel('read committed')
          .execute(async (bank) => {
            await bank
              .updateTable('accounts')
              .set({ cents: sql`cents - ${cents}` })
              .where('name', '=', 'ada')
              .execute()
            await new Promise(setImmediate)
            const ada = await bank
              .selectFrom('accounts')
              .select('cents')
              .where('name', '=', 'ada')
              .executeTakeFirstOrThrow()
            if (cents > 4) throw new RangeError(`no: ${ada.cents}`)
            await bank
              .updateTable('accounts')
              .set({ cents: sql`cents + ${cents}` })
              .where('name', '=', 'bob')
              .execute()
          })
      const outcomes = await Promise.allSettled(Array.from({ length: 40 }, (_, index) => move(index % 8)))
      assert.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 25)
      // 0 + 1 + 2 + 3 + 4, five times.
      assert.deepEqual([await centsOf('ada'), await centsOf('bob')], [50, 50])
    })

    test('a query beside a transaction does not see half of it, nor is it rolled back with it', async () => {
      await fill(100)
      let alone: Promise<unknown> = Promise.resolve()
      const failing = db()
        .transaction()
        .execute(async (bank) => {
          await bank.updateTable('accounts').set({ cents: 1 }).where('name', '=', 'ada').execute()
          alone = db().insertInto('accounts').values({ name: 'cyd', cents: 7 }).execute()
          await new Promise(setImmediate)
          throw new RangeError('no')
        })
      await assert.rejects(failing, RangeError)
      await alone
      assert.deepEqual([await centsOf('ada'), await centsOf('cyd')], [100, 7])
    })

    test('after a failed statement a transaction takes no more, and does not commit', async () => {
      await fill(100)
      const stubborn = db()
        .transaction()
        .execute(async (bank) => {
          await bank.updateTable('accounts').set({ cents: 1 }).execute()
          await bank
            .insertInto('accounts')
            .values({ name: 'ada', cents: 0 })
            .execute()
            .catch(() => undefined)
          await bank
            .insertInto('accounts')
            .values({ name: 'dee', cents: 0 })
            .execute()
            .catch(() => undefined)
        })
      await assert.rejects(stubborn, /rolled back/)
      assert.deepEqual([await centsOf('ada'), await centsOf('dee')], [100, undefined])
    })

    test('a savepoint undoes a part of a transaction', async () => {
      await fill(100)
      const bank = await db().startTransaction().execute()
      await bank.updateTable('accounts').set({ cents: 70 }).where('name', '=', 'ada').execute()
      const part = await bank.savepoint('part').execute()
      await assert.rejects(part.insertInto('accounts').values({ name: 'bob', cents: 0 }).execute(), {
        code: 'conflict',
      })
      await part.rollbackToSavepoint('part').execute()
      await part.updateTable('accounts').set({ cents: 30 }).where('name', '=', 'bob').execute()
      await bank.commit().execute()
      assert.deepEqual([await centsOf('ada'), await centsOf('bob')], [70, 30])
    })

    test('a key that is taken is a conflict, and does not show the value', async () => {
      await fill(1)
      await assert.rejects(
        db().insertInto('accounts').values({ name: 'ada', cents: 424242 }).execute(),
        (fault: Error) => {
          assert.equal((fault as Fault).code, 'conflict')
          assert.doesNotMatch(fault.message, /ada|424242/)
          return true
        },
      )
      assert.equal(store.report().status, 'available')
    })

    test('a wrong statement is a defect, not a fault', async () => {
      await assert.rejects(sql`select * from nowhere`.execute(db()), (error: Error) => error.name !== 'Fault')
      assert.equal(store.report().status, 'available')
    })

    test('a migration runs once, whoever asks for it at once', async () => {
      let runs = 0
      const steps: Migration[] = [accounts, { name: '002-count', up: async () => void (runs += 1) }]
      await Promise.all([store.migrate('bank', steps), store.migrate('bank', steps)])
      const other = await open()
      await other.migrate('bank', steps)
      await other.close()
      assert.equal(runs, 1)
    })

    test('a migration that fails leaves nothing, and runs again the next time', async () => {
      let fails = true
      const step: Migration = {
        name: '001-shelf',
        up: async (db) => {
          await db.schema.createTable('shelf').addColumn('id', 'text').execute()
          if (fails) throw new RangeError('half-way')
        },
      }
      await assert.rejects(store.migrate('library', [step]), RangeError)
      fails = false
      await store.migrate('library', [step])
    })

    test('a database that a newer program wrote is refused', async () => {
      await store.migrate('future', [
        { name: '001-first', up: async () => {} },
        { name: '002-later', up: async () => {} },
      ])
      await assert.rejects(store.migrate('future', [{ name: '001-first', up: async () => {} }]), {
        code: 'storage_failed',
        message: /newer than this program: future has 002-later/,
      })
    })

    test('what was written is there for the next one who opens it', async () => {
      await fill(11)
      const other = await open()
      const rows = await other.as<Tables>().selectFrom('accounts').select('cents').where('name', '=', 'ada').execute()
      await other.close()
      await other.close()
      assert.deepEqual(rows, [{ cents: 11 }])
    })
  })
}
