import type { Kysely } from 'kysely'
import type { Clock } from '../../kernel/clock.ts'
import type { Log } from '../../kernel/log.ts'
import type { Migration, Store } from '../../kernel/ports.ts'
import type { Keyring } from './keyring.ts'
import type { SharedVersion } from './shared-versions.ts'

interface Tables {
  data_keys: {
    name: string
    version: number
    id: string
    maker: string
    access: string
    created: string
    wrapped: string
    /** Wall-clock milliseconds; null: it is there. */
    destroyed_ms: number | null
  }
}

const MIGRATIONS: readonly Migration[] = [
  {
    name: '001-data-keys',
    async up(db) {
      await db.schema
        .createTable('data_keys')
        .addColumn('name', 'text', (column) => column.notNull())
        .addColumn('version', 'bigint', (column) => column.notNull())
        .addColumn('id', 'text', (column) => column.notNull())
        .addColumn('maker', 'text', (column) => column.notNull())
        .addColumn('access', 'text', (column) => column.notNull())
        .addColumn('created', 'text', (column) => column.notNull())
        .addColumn('wrapped', 'text', (column) => column.notNull())
        .addColumn('destroyed_ms', 'bigint')
        .addPrimaryKeyConstraint('data_keys_pk', ['name', 'version', 'id'])
        .execute()
    },
  },
]

/** How soon a hub hears of the keys that another one made, milliseconds. */
const LOOK_MS = 10_000

export interface SharedKeys {
  /** Takes over what other hubs made or destroyed, and gives them what is new here. */
  exchange(): Promise<void>
  stop(): Promise<void>
}

export interface SharedKeysOptions {
  readonly store: Store
  readonly keyring: Keyring
  readonly clock: Clock
  readonly log: Log
}

/**
 * Data keys of hubs that share a database and a root key: what one of them seals there, the others can open, and a hub that lost
 * its data folder finds its keys again. Wrapped as they are in the file; what another root key wrapped is left alone.
 */
export async function openSharedKeys({ store, keyring, clock, log }: SharedKeysOptions): Promise<SharedKeys> {
  await store.migrate('data_keys', MIGRATIONS)
  const db: Kysely<Tables> = store.as<Tables>()
  /** What this hub had when it looked the last time: what is missing since was destroyed here. */
  let before: readonly SharedVersion[] = []

  const exchange = async () => {
    const own = keyring.versions()
    const gone = before.filter((version) => !own.some((other) => labelOf(other) === labelOf(version)))
    for (const { name, version, id } of gone)
      await db
        .updateTable('data_keys')
        .set({ destroyed_ms: clock.now() })
        .where('name', '=', name)
        .where('version', '=', version)
        .where('id', '=', id)
        .execute()
    const rows = await db.selectFrom('data_keys').selectAll().execute()
    const shared = rows.map((row) => ({ ...row, access: JSON.parse(row.access) as SharedVersion['access'] }))
    keyring.adopt(
      shared.filter(({ destroyed_ms }) => destroyed_ms === null),
      shared.filter(({ destroyed_ms }) => destroyed_ms !== null),
    )
    // What an older root key wrapped is handed on under the newest.
    keyring.settle()
    await publish(rows)
    before = keyring.versions()
  }

  /** Those that nobody knows yet, and those that are wrapped with a newer root key. */
  const publish = async (rows: readonly Tables['data_keys'][]) => {
    const known = new Map(rows.map((row) => [labelOf(row), row]))
    for (const { name, version, id, maker, access, created, wrapped } of keyring.versions()) {
      if (known.get(labelOf({ name, version, id }))?.wrapped === wrapped) continue
      await db
        .insertInto('data_keys')
        .values({ name, version, id, maker, access: JSON.stringify(access), created, wrapped, destroyed_ms: null })
        .onConflict((conflict) => conflict.columns(['name', 'version', 'id']).doUpdateSet({ wrapped }))
        .execute()
    }
  }

  await exchange()
  let looking = Promise.resolve()
  const look = () => {
    looking = exchange()
      .catch((error: unknown) => log.warn('the keys of other hubs could not be read', { error }))
      .then(() => {
        cancel = clock.after(LOOK_MS, look)
      })
  }
  let cancel = clock.after(LOOK_MS, look)
  return {
    exchange,
    async stop() {
      cancel()
      await looking
      cancel()
    },
  }
}

const labelOf = ({ name, version, id }: Pick<SharedVersion, 'name' | 'version' | 'id'>) => `${name}.${version}.${id}`
