import assert from 'node:assert/strict'
import { suite, test, type TestContext } from 'node:test'
import { heldClock } from '../../kernel/clock.ts'
import { silentLog } from '../../kernel/log.ts'
import { LOOK_EVERY_MS, openSharedCopy } from '../../kernel/shared-copy.ts'
import { openSqlite } from '../store/sqlite.ts'

interface Tables {
  words: { word: string }
}

/** A copy of a table of words; `fail` lets the next reading fail. */
async function wordsCopy(t: TestContext) {
  const store = openSqlite({ file: ':memory:', log: silentLog })
  const up = {
    name: '001',
    up: (db: ReturnType<typeof store.as>) => db.schema.createTable('words').addColumn('word', 'text').execute(),
  }
  await store.migrate('words', [up])
  const clock = heldClock()
  const place = { words: [] as string[], loads: 0, fail: false, read: Promise.withResolvers<void>() }
  const copy = await openSharedCopy({
    store,
    topic: 'words',
    clock,
    log: silentLog,
    async load() {
      place.loads++
      if (place.fail) throw new Error('the disk is away')
      const rows = await store.as<Tables>().selectFrom('words').selectAll().execute()
      place.words = rows.map(({ word }) => word)
      place.read.resolve()
    },
  })
  t.after(async () => {
    await copy.stop()
    await store.close()
  })
  const add = (word: string) =>
    copy.change<Tables, string>(async (db) => {
      await db.insertInto('words').values({ word }).execute()
      return word
    })
  return { place, copy, clock, add }
}

suite('shared copy', () => {
  test('a change is in the copy when it is done; changes come one after the other', async (t) => {
    const { place, add } = await wordsCopy(t)
    assert.equal(await add('one'), 'one')
    assert.deepEqual(place.words, ['one'])
    await Promise.all(['two', 'three', 'four'].map(add))
    assert.deepEqual(place.words, ['one', 'two', 'three', 'four'])
  })

  test('what a change throws changes neither, and does not stop the next', async (t) => {
    const { place, copy, add } = await wordsCopy(t)
    const failing = copy.change<Tables, never>(async (db) => {
      await db.insertInto('words').values({ word: 'no' }).execute()
      throw new Error('no')
    })
    const next = add('yes')
    await assert.rejects(failing, { message: 'no' })
    await next
    assert.deepEqual(place.words, ['yes'])
  })

  test('a change that could not be read is done, and read as soon as it can be', async (t) => {
    const { place, clock, add } = await wordsCopy(t)
    place.fail = true
    await add('late')
    assert.deepEqual(place.words, [])
    place.fail = false
    place.read = Promise.withResolvers()
    clock.advance(LOOK_EVERY_MS)
    await place.read.promise
    assert.deepEqual(place.words, ['late'])
  })

  test('nobody else writes to SQLite: nothing is looked for', async (t) => {
    const { place, clock } = await wordsCopy(t)
    clock.advance(10 * LOOK_EVERY_MS)
    assert.equal(place.loads, 1)
  })
})
