import { sql, type Kysely } from 'kysely'
import type { SealedTexts } from '../../kernel/keys.ts'

interface Sealed {
  oauth_models: { model: string; id_hash: string; sealed: string }
  oauth_secrets: { name: string; sealed: string }
}

/** A row that is moved to another id does not open there. */
export const modelContext = (model: string, idHash: string): string => `oauth ${model} ${idHash}`
export const BROWSER_KEYS_CONTEXT = 'oauth browser keys'

/** What the authorization server keeps sealed, for whoever seals it anew. An id is the model and the hash, with a space between. */
export const sealedModels = (db: Kysely<Sealed>): SealedTexts => ({
  what: 'logins of programs',
  async read(after, most) {
    const [model = '', idHash = ''] = (after ?? '').split(' ')
    const rows = await db
      .selectFrom('oauth_models')
      .select(['model', 'id_hash', 'sealed'])
      .$if(after !== undefined, (query) => query.where(sql<boolean>`(model, id_hash) > (${model}, ${idHash})`))
      .orderBy('model')
      .orderBy('id_hash')
      .limit(most)
      .execute()
    return rows.map((row) => ({
      id: `${row.model} ${row.id_hash}`,
      sealed: row.sealed,
      context: modelContext(row.model, row.id_hash),
    }))
  },
  async replace({ id, sealed: old }, sealed) {
    const [model = '', idHash = ''] = id.split(' ')
    await db
      .updateTable('oauth_models')
      .set({ sealed })
      .where('model', '=', model)
      .where('id_hash', '=', idHash)
      .where('sealed', '=', old)
      .execute()
  },
})

export const sealedBrowserKeys = (db: Kysely<Sealed>): SealedTexts => ({
  what: 'keys for browsers',
  async read(after, most) {
    const rows = await db
      .selectFrom('oauth_secrets')
      .selectAll()
      .$if(after !== undefined, (query) => query.where('name', '>', after ?? ''))
      .orderBy('name')
      .limit(most)
      .execute()
    return rows.map(({ name, sealed }) => ({ id: name, sealed, context: BROWSER_KEYS_CONTEXT }))
  },
  async replace({ id, sealed: old }, sealed) {
    await db.updateTable('oauth_secrets').set({ sealed }).where('name', '=', id).where('sealed', '=', old).execute()
  },
})
