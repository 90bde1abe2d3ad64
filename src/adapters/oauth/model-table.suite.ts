import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { after, before, suite, test } from 'node:test'
import { loadSecrets } from '../../engines/secrets.ts'
import type { OpenStore } from '../../engines/store/open-store.ts'
import { heldClock } from '../../kernel/clock.ts'
import type { SealedTexts } from '../../kernel/keys.ts'
import { silentLog } from '../../kernel/log.ts'
import type { Secrets } from '../../kernel/ports.ts'
import { openBrowserKeys } from './cookie-keys.ts'
import { openModelTable, type ModelTable } from './model-table.ts'

export function modelTableSuite(name: string, open: () => Promise<OpenStore>): void {
  suite(`what the authorization server keeps, on ${name}`, () => {
    let store: OpenStore
    let table: ModelTable
    const clock = heldClock()
    const keyText = randomBytes(32).toString('base64')
    const tended: SealedTexts[] = []
    const keyring = loadSecrets({ file: '/nowhere', log: silentLog, fromEnvironment: keyText })
    const secrets: Secrets = {
      seal: (plain, context) => keyring.seal(plain, context),
      open: (sealed, context) => keyring.open(sealed, context),
      isStale: (sealed) => keyring.isStale(sealed),
      tend(texts) {
        tended.push(texts)
        return () => {}
      },
    }
    before(async () => {
      store = await open()
      table = await openModelTable({ store, secrets, clock })
    })
    after(() => store.close())

    const rows = async () =>
      JSON.stringify(await store.as<{ oauth_models: object }>().selectFrom('oauth_models').selectAll().execute())

    test('keeps and replaces, and finds by what it was kept under alone', async () => {
      await table.upsert(
        'Session',
        'session-SECRET',
        { jti: 'session-SECRET', uid: 'uid-SECRET', accountId: 'mia' },
        60,
      )
      await table.upsert(
        'Session',
        'session-SECRET',
        { jti: 'session-SECRET', uid: 'uid-SECRET', accountId: 'ben' },
        60,
      )
      assert.partialDeepStrictEqual(await table.find('Session', 'session-SECRET'), { accountId: 'ben' })
      assert.partialDeepStrictEqual(await table.findByUid('Session', 'uid-SECRET'), { accountId: 'ben' })
      assert.equal(await table.find('Client', 'session-SECRET'), undefined)
      assert.equal(await table.findByUid('Session', 'other'), undefined)
      assert.doesNotMatch(await rows(), /SECRET/, 'ids are hashed, the rest is sealed')
      await table.remove('Session', 'session-SECRET')
      assert.equal(await table.find('Session', 'session-SECRET'), undefined)
    })

    test('a row that is moved to another id does not open', async () => {
      await table.upsert('Grant', 'one', { accountId: 'mia' }, 60)
      await table.upsert('Grant', 'two', { accountId: 'ben' }, 60)
      const db = store.as<{ oauth_models: { sealed: string; grant_id: string } }>()
      const { sealed } = await db
        .selectFrom('oauth_models')
        .select('sealed')
        .where('grant_id', '=', 'one')
        .executeTakeFirstOrThrow()
      await db.updateTable('oauth_models').set({ sealed }).where('grant_id', '=', 'two').execute()
      await assert.rejects(table.find('Grant', 'two'), { code: 'storage_failed' })
      await table.removeGrant('one')
      await table.removeGrant('two')
    })

    test('what is good once is taken once, however many come at a time', async () => {
      await table.upsert('RefreshToken', 'spent', { grantId: 'g' }, 60)
      const taken = await Promise.all(Array.from({ length: 10 }, () => table.consume('RefreshToken', 'spent')))
      assert.equal(taken.filter(Boolean).length, 1)
      assert.equal((await table.find('RefreshToken', 'spent'))?.['consumed'], Math.floor(clock.now() / 1000))
      assert.equal(await table.consume('RefreshToken', 'unknown'), false)
    })

    test('a grant goes with all that came of it, and with nothing else', async () => {
      for (const grant of ['mine', 'other']) {
        await table.upsert('Grant', grant, { jti: grant, accountId: 'mia' }, 60)
        await table.upsert('RefreshToken', `token of ${grant}`, { grantId: grant }, 60)
      }
      assert.deepEqual((await table.grants('mia')).map(({ payload }) => payload['jti']).sort(), ['mine', 'other'])
      assert.deepEqual(await table.grants('ben'), [])
      assert.equal(await table.removeGrant('mine'), true)
      assert.equal(await table.removeGrant('mine'), false)
      assert.equal(await table.find('RefreshToken', 'token of mine'), undefined)
      assert.ok(await table.find('RefreshToken', 'token of other'))
    })

    test('what has expired is not found, and goes with a later write', async () => {
      await table.upsert('Interaction', 'short', { a: 1 }, 60)
      await table.upsert('Interaction', 'long', { a: 1 }, 86_400)
      clock.advance(60_000)
      assert.equal(await table.find('Interaction', 'short'), undefined)
      assert.equal(await table.count('Interaction'), 1)
      clock.advance(600_000)
      await table.upsert('Interaction', 'next', { a: 1 }, 60)
      assert.equal(JSON.parse(await rows()).filter(({ model }: { model: string }) => model === 'Interaction').length, 2)
    })

    test('a client that is used lives on; the one unused for longest makes room', async () => {
      await table.upsert('Client', 'used', {}, 100)
      await table.prolong('Client', 'used', 1000)
      await table.upsert('Client', 'unused', {}, 100)
      await table.removeOldest('Client')
      assert.equal(await table.find('Client', 'unused'), undefined)
      clock.advance(999_000)
      assert.ok(await table.find('Client', 'used'))
    })

    test('everything can be sealed anew, and opens as before', async () => {
      for (const id of ['x', 'y', 'z']) await table.upsert('AuthorizationCode', id, { id }, 60)
      const old = await rows()
      for (const texts of tended) {
        let after: string | undefined
        for (let page = await texts.read(after, 2); page.length > 0; page = await texts.read(after, 2)) {
          for (const text of page)
            await texts.replace(text, secrets.seal(secrets.open(text.sealed, text.context), text.context))
          after = page.at(-1)?.id
        }
      }
      assert.notEqual(await rows(), old)
      for (const id of ['x', 'y', 'z']) assert.deepEqual(await table.find('AuthorizationCode', id), { id })
    })

    test('keys for browsers are the same after a restart, and no two are alike', async () => {
      const first = await openBrowserKeys(store, secrets)
      assert.deepEqual(await openBrowserKeys(store, secrets), first)
      assert.notEqual(first.cookies, first.forms.toString('base64url'))
    })
  })
}
