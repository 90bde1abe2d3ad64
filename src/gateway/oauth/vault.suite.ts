import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { after, before, suite, test } from 'node:test'
import { loadSecrets } from '../../engines/secrets.ts'
import type { OpenStore } from '../../engines/store/open-store.ts'
import { createLog } from '../../kernel/log.ts'
import { openTokenVault, type Grant, type TokenVault } from './vault.ts'

const newKey = () => randomBytes(32).toString('base64')

const grant = (more: Partial<Grant> = {}): Grant => ({
  audience: 'https://mcp.example/mcp',
  issuer: 'https://as.example',
  client: { clientId: 'alicia', redirectUrl: 'http://127.0.0.1/cb' },
  accessToken: 'access-SECRET',
  refreshToken: 'refresh-SECRET',
  expiresMs: 1_800_000_000_000,
  requested: ['a'],
  scopes: ['a', 'b'],
  ...more,
})

export function vaultSuite(name: string, open: () => Promise<OpenStore>): void {
  suite(`token vault on ${name}`, () => {
    let store: OpenStore
    const lines: string[] = []
    const log = createLog({ level: 'info', write: (line) => lines.push(line) })
    const memory = (fromEnvironment: string) => loadSecrets({ file: '/nowhere', log, fromEnvironment })
    const vaultWith = (keys: string): Promise<TokenVault> => openTokenVault({ store, log, secrets: memory(keys) })
    before(async () => {
      store = await open()
    })
    after(() => store.close())

    interface Rows {
      upstream_grants: { upstream: string; person: string; issuer: string; sealed: string }
      upstream_registrations: { issuer: string; sealed: string }
    }
    const grants = () => store.as<Rows>().selectFrom('upstream_grants').selectAll().orderBy('person').execute()

    test('a person has one grant of an upstream; the next replaces it', async () => {
      const vault = await vaultWith(newKey())
      assert.equal(await vault.grant('one', 'ada'), undefined)
      await vault.saveGrant('one', 'ada', grant())
      await vault.saveGrant('one', 'bob', grant({ issuer: 'https://other.example' }))
      assert.deepEqual(await vault.grant('one', 'ada'), grant())
      await vault.saveGrant('one', 'ada', grant({ issuer: 'https://new.example', refreshToken: undefined }))
      assert.equal((await vault.grant('one', 'ada'))?.issuer, 'https://new.example')
      assert.deepEqual(await vault.people('one'), ['ada', 'bob'])
      assert.deepEqual(await vault.people('two'), [])
      assert.deepEqual(
        [await vault.isUsed('https://as.example'), await vault.isUsed('https://new.example')],
        [false, true],
      )
      await vault.removeGrant('one', 'ada')
      assert.deepEqual(await vault.people('one'), ['bob'])
    })

    test('nothing of it lies open in the tables', async () => {
      const vault = await vaultWith(newKey())
      await vault.saveGrant('open', 'ada', grant())
      await vault.saveRegistration('https://as.example', { clientId: 'c', clientSecret: 'c-SECRET', redirectUrl: 'x' })
      const rows = [
        ...(await grants()),
        ...(await store.as<Rows>().selectFrom('upstream_registrations').selectAll().execute()),
      ]
      assert.ok(!JSON.stringify(rows).includes('SECRET'))
    })

    test("a row that is put in another's place does not open there", async () => {
      const vault = await vaultWith(newKey())
      await vault.saveGrant('swap', 'ada', grant({ accessToken: 'token-of-ada' }))
      await vault.saveGrant('swap', 'bob', grant({ accessToken: 'token-of-bob' }))
      const sealed =
        (await grants()).find(({ upstream, person }) => upstream === 'swap' && person === 'ada')?.sealed ?? ''
      await store.as<Rows>().updateTable('upstream_grants').set({ sealed }).where('upstream', '=', 'swap').execute()
      assert.equal((await vault.grant('swap', 'ada'))?.accessToken, 'token-of-ada')
      assert.equal(await vault.grant('swap', 'bob'), undefined)
      assert.match(lines.join(''), /has to be made again/)
      assert.ok(!lines.join('').includes('token-of'))
    })

    test('a new key opens what an old one sealed, and seals it anew; without the old one it is gone', async () => {
      const secrets = memory(newKey())
      const vault = await openTokenVault({ store, log, secrets })
      await vault.saveGrant('keys', 'ada', grant())
      await vault.saveRegistration('https://keys.example', { clientId: 'c', redirectUrl: 'x' })
      secrets.rotate('hub')
      assert.deepEqual(await vault.grant('keys', 'ada'), grant())
      assert.equal((await vault.registration('https://keys.example'))?.clientId, 'c')
      secrets.destroyVersion('hub', 1)
      assert.deepEqual(await vault.grant('keys', 'ada'), grant())
      assert.equal((await vault.registration('https://keys.example'))?.clientId, 'c')
      assert.equal(await (await vaultWith(newKey())).grant('keys', 'ada'), undefined)
    })

    test('what nobody uses is sealed anew as well, whatever there is of it', async () => {
      for (const table of ['upstream_grants', 'upstream_registrations'] as const)
        await store.as<Rows>().deleteFrom(table).execute()
      const secrets = memory(newKey())
      const vault = await openTokenVault({ store, log, secrets })
      const people = Array.from({ length: 130 }, (_, number) => `person-${number}`)
      for (const person of people) await vault.saveGrant(person === 'person-7' ? 'other' : 'many', person, grant())
      await vault.saveRegistration('https://many.example', { clientId: 'c', redirectUrl: 'x' })
      secrets.rotate('hub')
      await vault.saveGrant('many', 'last', grant())
      const never = new AbortController().signal
      assert.deepEqual(await secrets.useOf('hub', 1, never), {
        'logins at MCP servers': 130,
        'registrations at authorization servers': 1,
      })
      assert.deepEqual(await secrets.rewrapStored(never), { rewrapped: 131, current: 1, unreadable: {} })
      assert.deepEqual(await secrets.useOf('hub', 1, never), {})
      secrets.destroyVersion('hub', 1)
      for (const person of people) if (person !== 'person-7') assert.ok(await vault.grant('many', person))
      assert.deepEqual(await secrets.rewrapStored(never), { rewrapped: 0, current: 132, unreadable: {} })
    })

    test('registrations and bindings', async () => {
      const vault = await vaultWith(newKey())
      const registration = { clientId: 'c', redirectUrl: 'http://127.0.0.1/cb', expiresMs: 5 }
      await vault.saveRegistration('https://r.example', { ...registration, clientSecret: 's' })
      await vault.saveRegistration('https://r.example', registration)
      assert.deepEqual(await vault.registration('https://r.example'), registration)
      await vault.removeRegistration('https://r.example', 'd')
      assert.deepEqual(await vault.registration('https://r.example'), registration)
      await vault.removeRegistration('https://r.example', 'c')
      assert.equal(await vault.registration('https://r.example'), undefined)
      await vault.bindIssuer('one', 'c', 'https://a.example')
      assert.equal(await vault.boundIssuer('one', 'c'), 'https://a.example')
      assert.equal(await vault.boundIssuer('one', 'd'), undefined)
      await vault.bindIssuer('one', 'd', 'https://b.example')
      assert.equal(await vault.boundIssuer('one', 'c'), undefined)
      await vault.unbindIssuer('one')
      assert.equal(await vault.boundIssuer('one', 'd'), undefined)
    })
  })
}
