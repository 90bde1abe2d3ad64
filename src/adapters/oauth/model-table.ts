import { hash } from 'node:crypto'
import type { Kysely } from 'kysely'
import type { Clock } from '../../kernel/clock.ts'
import type { Migration, Secrets, Store } from '../../kernel/ports.ts'
import { modelContext, sealedModels } from './sealed-models.ts'

/** What the authorization server keeps: clients, grants, codes, refresh tokens, sessions, requests that wait for a person. */
export interface ModelTable {
  /** Adds or replaces. Without `expiresInSeconds` it stays until it is removed. */
  upsert(model: string, id: string, payload: Payload, expiresInSeconds?: number): Promise<void>
  /** Undefined for what is not there (any more) or has expired. */
  find(model: string, id: string): Promise<Payload | undefined>
  findByUid(model: string, uid: string): Promise<Payload | undefined>
  /** Marks what may be used once; false: it was used before. Of several at the same time one alone gets true. */
  consume(model: string, id: string): Promise<boolean>
  remove(model: string, id: string): Promise<void>
  removeByGrant(model: string, grantId: string): Promise<void>
  /** The grant and all that came of it; whether there was any. */
  removeGrant(grantId: string): Promise<boolean>
  removeByAccount(model: string, accountId: string): Promise<void>
  /** Grants in force, of an account or of everybody, newest first. */
  grants(accountId?: string): Promise<readonly KeptGrant[]>
  count(model: string): Promise<number>
  /** Lets it live so long from now on, where it would end before half of that. */
  prolong(model: string, id: string, seconds: number): Promise<void>
  /** The one that ends first. */
  removeOldest(model: string): Promise<void>
}

export type Payload = Record<string, unknown>

export interface KeptGrant {
  readonly payload: Payload
  /** Wall-clock milliseconds. */
  readonly createdMs: number
  readonly expiresMs: number
}

/** Ids are the secrets themselves, so only their hashes are kept; what they stand for is sealed. */
interface Row {
  model: string
  id_hash: string
  sealed: string
  grant_id: string | null
  account_id: string | null
  uid_hash: string | null
  consumed_at: number | null
  created_at: number
  /** Wall-clock milliseconds. */
  expires_at: number
}

interface Tables {
  oauth_models: Row
}

const MIGRATIONS: readonly Migration[] = [
  {
    name: '001-models',
    async up(db) {
      await db.schema
        .createTable('oauth_models')
        .addColumn('model', 'text', (column) => column.notNull())
        .addColumn('id_hash', 'text', (column) => column.notNull())
        .addColumn('sealed', 'text', (column) => column.notNull())
        .addColumn('grant_id', 'text')
        .addColumn('account_id', 'text')
        .addColumn('uid_hash', 'text')
        .addColumn('consumed_at', 'bigint')
        .addColumn('created_at', 'bigint', (column) => column.notNull())
        .addColumn('expires_at', 'bigint', (column) => column.notNull())
        .addPrimaryKeyConstraint('oauth_models_key', ['model', 'id_hash'])
        .execute()
      for (const column of ['grant_id', 'uid_hash', 'expires_at'])
        await db.schema.createIndex(`oauth_models_${column}`).on('oauth_models').column(column).execute()
    },
  },
]

/** The end of the days of a JavaScript date, for what does not end. */
const NEVER_MS = 8_640_000_000_000_000
const SWEEP_EVERY_MS = 600_000

export interface ModelTableOptions {
  readonly store: Store
  readonly secrets: Secrets
  readonly clock: Clock
}

export async function openModelTable({ store, secrets, clock }: ModelTableOptions): Promise<ModelTable> {
  await store.migrate('oauth', MIGRATIONS)
  const db: Kysely<Tables> = store.as<Tables>()
  secrets.tend(sealedModels(store.as()))
  let sweptMs = clock.now()

  const at = (model: string, id: string) => ({ model, id_hash: hashOf(id) })
  const contextOf = ({ model, id_hash: idHash }: Pick<Row, 'model' | 'id_hash'>) => modelContext(model, idHash)
  const payloadOf = (row: Row): Payload => {
    const payload = JSON.parse(secrets.open(row.sealed, contextOf(row))) as Payload
    return row.consumed_at === null ? payload : { ...payload, consumed: Math.floor(row.consumed_at / 1000) }
  }
  const inForce = () => db.selectFrom('oauth_models').selectAll().where('expires_at', '>', clock.now())

  /** Whatever expired goes with a later write: nothing wakes up for it. */
  const sweep = async (): Promise<void> => {
    const nowMs = clock.now()
    if (nowMs - sweptMs < SWEEP_EVERY_MS) return
    sweptMs = nowMs
    await db.deleteFrom('oauth_models').where('expires_at', '<=', nowMs).execute()
  }

  return {
    async upsert(model, id, payload, expiresInSeconds) {
      await sweep()
      const key = at(model, id)
      const nowMs = clock.now()
      const changing = {
        sealed: secrets.seal(JSON.stringify(payload), contextOf(key)),
        grant_id: model === 'Grant' ? id : textOf(payload['grantId']),
        account_id: textOf(payload['accountId']),
        uid_hash: typeof payload['uid'] === 'string' ? hashOf(payload['uid']) : null,
        expires_at: expiresInSeconds === undefined ? NEVER_MS : nowMs + expiresInSeconds * 1000,
      }
      await db
        .insertInto('oauth_models')
        .values({ ...key, ...changing, consumed_at: null, created_at: nowMs })
        .onConflict((conflict) => conflict.columns(['model', 'id_hash']).doUpdateSet(changing))
        .execute()
    },
    async find(model, id) {
      const { model: kind, id_hash: idHash } = at(model, id)
      const row = await inForce().where('model', '=', kind).where('id_hash', '=', idHash).executeTakeFirst()
      return row && payloadOf(row)
    },
    async findByUid(model, uid) {
      const row = await inForce().where('model', '=', model).where('uid_hash', '=', hashOf(uid)).executeTakeFirst()
      return row && payloadOf(row)
    },
    async consume(model, id) {
      const { numUpdatedRows } = await db
        .updateTable('oauth_models')
        .set({ consumed_at: clock.now() })
        .where('model', '=', model)
        .where('id_hash', '=', hashOf(id))
        .where('consumed_at', 'is', null)
        .executeTakeFirstOrThrow()
      return numUpdatedRows > 0
    },
    async remove(model, id) {
      await db.deleteFrom('oauth_models').where('model', '=', model).where('id_hash', '=', hashOf(id)).execute()
    },
    async removeByGrant(model, grantId) {
      await db.deleteFrom('oauth_models').where('grant_id', '=', grantId).where('model', '=', model).execute()
    },
    async removeGrant(grantId) {
      const gone = await db.deleteFrom('oauth_models').where('grant_id', '=', grantId).executeTakeFirstOrThrow()
      return gone.numDeletedRows > 0
    },
    async removeByAccount(model, accountId) {
      await db.deleteFrom('oauth_models').where('account_id', '=', accountId).where('model', '=', model).execute()
    },
    async grants(accountId) {
      const all = inForce().where('model', '=', 'Grant').orderBy('created_at', 'desc')
      const rows = await (accountId === undefined ? all : all.where('account_id', '=', accountId)).execute()
      return rows.map((row) => ({
        payload: payloadOf(row),
        createdMs: row.created_at,
        expiresMs: row.expires_at,
      }))
    },
    async count(model) {
      const { total } = await db
        .selectFrom('oauth_models')
        .select(({ fn }) => fn.countAll().as('total'))
        .where('model', '=', model)
        .where('expires_at', '>', clock.now())
        .executeTakeFirstOrThrow()
      return Number(total)
    },
    async prolong(model, id, seconds) {
      const nowMs = clock.now()
      await db
        .updateTable('oauth_models')
        .set({ expires_at: nowMs + seconds * 1000 })
        .where('model', '=', model)
        .where('id_hash', '=', hashOf(id))
        .where('expires_at', '<', nowMs + seconds * 500)
        .execute()
    },
    async removeOldest(model) {
      const oldest = await db
        .selectFrom('oauth_models')
        .select('id_hash')
        .where('model', '=', model)
        .orderBy('expires_at')
        .limit(1)
        .executeTakeFirst()
      if (oldest)
        await db.deleteFrom('oauth_models').where('model', '=', model).where('id_hash', '=', oldest.id_hash).execute()
    },
  }
}

const hashOf = (id: string): string => hash('sha256', id)

const textOf = (value: unknown): string | null => (typeof value === 'string' ? value : null)
