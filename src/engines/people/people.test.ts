import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { openSqlite } from '../store/sqlite.ts'
import { silentLog } from '../../kernel/log.ts'
import { createHashQueue } from './hash-queue.ts'
import { hashPassword, verifyPassword } from './password-hash.ts'
import { peopleSuite } from './people.suite.ts'

peopleSuite('SQLite', async () => openSqlite({ file: ':memory:', log: silentLog }))

suite('hashes of passwords', () => {
  const cheap = { memoryKiB: 64, passes: 1, lanes: 1 }

  test('another salt each time; the right password alone fits', async () => {
    const [one, other] = [await hashPassword('secret', cheap), await hashPassword('secret', cheap)]
    assert.notEqual(one, other)
    assert.ok(await verifyPassword('secret', one))
    assert.ok(!(await verifyPassword('Secret', one)))
  })

  test('hashes of other programs are read: a test vector of the reference implementation', async () => {
    const vector = '$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc'
    assert.ok(await verifyPassword('password', vector))
  })

  const unreadable = [
    '',
    '$argon2id$v=19$m=64,t=1,p=1$$',
    '$argon2i$v=19$m=64,t=1,p=1$AAAAAAAAAAAAAAAAAAAAAA$' + 'A'.repeat(43),
    '$argon2id$v=19$m=9999999,t=1,p=1$AAAAAAAAAAAAAAAAAAAAAA$' + 'A'.repeat(43),
    '$argon2id$v=19$m=64,t=99,p=1$AAAAAAAAAAAAAAAAAAAAAA$' + 'A'.repeat(43),
    '$argon2id$v=19$m=64,t=1,p=0$AAAAAAAAAAAAAAAAAAAAAA$' + 'A'.repeat(43),
    '$argon2id$v=19$m=7,t=1,p=1$AAAAAAAAAAAAAAAAAAAAAA$' + 'A'.repeat(43),
  ]
  for (const text of unreadable)
    test(`no password fits what cannot be read: ${text.slice(0, 40)}`, async () =>
      assert.equal(await verifyPassword('secret', text), false))
})

suite('queue of hashes', () => {
  /** Tasks that end when told to. */
  function crowd(cores: number, count: number) {
    const queue = createHashQueue(cores, 3)
    const ends: (() => void)[] = []
    let most = 0
    let running = 0
    const task = async () => {
      most = Math.max(most, ++running)
      await new Promise<void>((resolve) => ends.push(resolve))
      running--
    }
    const outcomes = Array.from({ length: count }, () => queue.run(task, false))
    return { outcomes, ends, most: () => most }
  }

  for (const [cores, atOnce] of [
    [1, 1],
    [2, 1],
    [4, 2],
    [16, 2],
  ] as const)
    test(`${cores} cores: ${atOnce} at once, three wait, the rest comes back later`, async () => {
      const { outcomes, ends, most } = crowd(cores, 10)
      const late = outcomes.splice(atOnce + 3)
      for (const outcome of late) await assert.rejects(outcome, { code: 'rate_limited', retryAfterMs: 2000 })
      const all = Promise.all(outcomes)
      for (let ended = 0; ended < atOnce + 3;) {
        await Promise.resolve()
        const end = ends.shift()
        if (!end) continue
        end()
        ended++
      }
      await all
      assert.equal(most(), atOnce)
    })

  test('one that throws makes room for the next', async () => {
    const queue = createHashQueue(2)
    await assert.rejects(queue.run(() => Promise.reject(new Error('no')), false))
    assert.equal(await queue.run(async () => 'next', false), 'next')
  })

  test('those who are known come first, and have room when strangers have none', async () => {
    const queue = createHashQueue(2, 3)
    const { promise, resolve } = Promise.withResolvers<void>()
    const done: string[] = []
    const run = (name: string, isFirst: boolean) => queue.run(async () => done.push(name), isFirst)
    const all = [queue.run(() => promise, false), ...['one', 'two', 'three'].map((name) => run(name, false))]
    await assert.rejects(run('four', false), { code: 'rate_limited' })
    const known = run('mia', true)
    resolve()
    await Promise.all([...all, known])
    assert.deepEqual(done, ['mia', 'one', 'two', 'three'])
  })
})
