import { hkdfSync, randomBytes } from 'node:crypto'
import type { Kysely } from 'kysely'
import type { Migration, Secrets, Store } from '../../kernel/ports.ts'
import { BROWSER_KEYS_CONTEXT, sealedBrowserKeys } from './sealed-models.ts'

/** Keys for what a browser holds: they are good for nothing else. */
export interface BrowserKeys {
  /** Signs cookies. */
  readonly cookies: string
  /** Makes the tokens of forms. */
  readonly forms: Buffer
}

interface Tables {
  oauth_secrets: { name: string; sealed: string }
}

const MIGRATIONS: readonly Migration[] = [
  {
    name: '001-secrets',
    async up(db) {
      await db.schema
        .createTable('oauth_secrets')
        .addColumn('name', 'text', (column) => column.primaryKey())
        .addColumn('sealed', 'text', (column) => column.notNull())
        .execute()
    },
  },
]

const NAME = 'browser'
const KEY_BYTES = 32

/** Derived from a random value that the store keeps sealed: the same for every hub on that database. */
export async function openBrowserKeys(store: Store, secrets: Secrets): Promise<BrowserKeys> {
  await store.migrate('oauth-secrets', MIGRATIONS)
  const db: Kysely<Tables> = store.as<Tables>()
  secrets.tend(sealedBrowserKeys(store.as()))
  const sealed = secrets.seal(randomBytes(KEY_BYTES).toString('base64url'), BROWSER_KEYS_CONTEXT)
  await db
    .insertInto('oauth_secrets')
    .values({ name: NAME, sealed })
    .onConflict((conflict) => conflict.doNothing())
    .execute()
  const row = await db.selectFrom('oauth_secrets').selectAll().where('name', '=', NAME).executeTakeFirstOrThrow()
  const secret = secrets.open(row.sealed, BROWSER_KEYS_CONTEXT)
  return {
    cookies: derive(secret, 'cookies').toString('base64url'),
    forms: derive(secret, 'forms'),
  }
}

const derive = (secret: string, purpose: string): Buffer =>
  Buffer.from(hkdfSync('sha256', secret, '', `alicia ${purpose}`, KEY_BYTES))
