import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { suite, test, type TestContext } from 'node:test'
import { heldClock } from '../../kernel/clock.ts'
import { silentLog } from '../../kernel/log.ts'
import { loadSecrets, type Keyring } from '../secrets.ts'
import { openSqlite } from '../store/sqlite.ts'
import { openSharedKeys, type SharedKeys } from './shared-keys.ts'

const newRoot = () => randomBytes(32).toString('hex')

/** Hubs on one database; each with keys of its own that are gone with it. */
function hubs(t: TestContext) {
  const store = openSqlite({ file: ':memory:', log: silentLog })
  t.after(() => store.close())
  return async (fromEnvironment: string): Promise<Keyring & SharedKeys> => {
    const keyring = loadSecrets({ file: '', log: silentLog, fromEnvironment })
    keyring.settle()
    const shared = await openSharedKeys({ store, keyring, clock: heldClock(), log: silentLog })
    t.after(() => shared.stop())
    return { ...keyring, ...shared }
  }
}

suite('keys of hubs that share a database and a root key', () => {
  test('what one seals the other opens, now and after a rotation', async (t) => {
    const start = hubs(t)
    const root = newRoot()
    const [one, other] = [await start(root), await start(root)]
    const first = one.seal('hunter2', 'x')
    await one.exchange()
    await other.exchange()
    assert.equal(other.open(first, 'x'), 'hunter2')
    assert.equal(other.isStale(first), false)
    other.rotate('hub')
    const second = other.seal('again', 'x')
    await other.exchange()
    await one.exchange()
    assert.equal(one.open(second, 'x'), 'again')
    assert.equal(one.isStale(first), true)
  })

  test('two that made a first key at once come to the same newest one', async (t) => {
    const start = hubs(t)
    const root = newRoot()
    const [one, other] = [await start(root), await start(root)]
    const texts = [one.seal('of one', 'x'), other.seal('of other', 'x')]
    for (const hub of [one, other, one]) await hub.exchange()
    for (const hub of [one, other])
      assert.deepEqual(
        texts.map((text) => hub.open(text, 'x')),
        ['of one', 'of other'],
      )
    const stale = (hub: Keyring) => texts.map((text) => hub.isStale(text))
    assert.deepEqual(stale(one), stale(other))
    assert.equal(stale(one).filter(Boolean).length, 1)
  })

  test('a hub that lost its folder finds its keys again', async (t) => {
    const start = hubs(t)
    const root = newRoot()
    const before = await start(root)
    before.create({ name: 'diary', maker: 'person-ada', access: { is: 'maker' } })
    const texts = [before.seal('hunter2', 'x'), before.encrypt('diary', Buffer.from('dear'), Buffer.from('x'))] as const
    await before.exchange()
    const after = await start(root)
    assert.equal(after.open(texts[0], 'x'), 'hunter2')
    assert.equal(Buffer.from(after.decrypt(texts[1], Buffer.from('x'))).toString(), 'dear')
    assert.partialDeepStrictEqual(after.get('diary'), { maker: 'person-ada', access: { is: 'maker' } })
  })

  test('another root key opens nothing, and with both it does, and hands it on', async (t) => {
    const start = hubs(t)
    const [old, young] = [newRoot(), newRoot()]
    const before = await start(old)
    const text = before.seal('hunter2', 'x')
    await before.exchange()
    assert.throws(() => loadSecrets({ file: '', log: silentLog, fromEnvironment: young }).open(text, 'x'))
    assert.deepEqual((await start(young)).list(), [])
    const both = await start(`${young},${old}`)
    assert.equal(both.open(text, 'x'), 'hunter2')
    assert.equal((await start(young)).open(text, 'x'), 'hunter2')
  })

  test('what one destroys is gone for all, but never a key that seals', async (t) => {
    const start = hubs(t)
    const root = newRoot()
    const one = await start(root)
    const text = one.seal('hunter2', 'x')
    one.rotate('hub')
    await one.exchange()
    const other = await start(root)
    assert.equal(other.open(text, 'x'), 'hunter2')
    one.destroyVersion('hub', 1)
    await one.exchange()
    await other.exchange()
    assert.throws(() => other.open(text, 'x'), { code: 'storage_failed' })
    assert.equal((await start(root)).get('hub')?.versions.length, 1)
  })

  test('a row that somebody changed is not taken over', async (t) => {
    const store = openSqlite({ file: ':memory:', log: silentLog })
    t.after(() => store.close())
    const root = newRoot()
    const keyring = () => loadSecrets({ file: '', log: silentLog, fromEnvironment: root })
    const clock = heldClock()
    const one = keyring()
    one.create({ name: 'diary', maker: 'person-ada', access: { is: 'maker' } })
    const shared = await openSharedKeys({ store, keyring: one, clock, log: silentLog })
    await store
      .as<{ data_keys: { access: string } }>()
      .updateTable('data_keys')
      .set({ access: '{"is":"everyone"}' })
      .execute()
    const other = keyring()
    const others = await openSharedKeys({ store, keyring: other, clock, log: silentLog })
    assert.deepEqual(other.list(), [])
    await shared.stop()
    await others.stop()
  })
})
