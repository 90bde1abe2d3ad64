import { sql, type Kysely } from 'kysely'
import type { SealedTexts } from '../../kernel/keys.ts'

export interface VaultTables {
  upstream_grants: { upstream: string; person: string; issuer: string; sealed: string }
  upstream_registrations: { issuer: string; sealed: string }
  upstream_issuers: { upstream: string; client_id: string; issuer: string }
}

/** A row that is moved to another key does not open there. */
export const grantContext = (...key: [upstream: string, person: string, issuer: string]) =>
  `upstream grant ${JSON.stringify(key)}`
export const registrationContext = (issuer: string) => `upstream registration ${JSON.stringify(issuer)}`

/** What the vault stores sealed, for whoever seals it anew. */
export const sealedLogins = (db: Kysely<VaultTables>): readonly SealedTexts[] => [grants(db), registrations(db)]

const grants = (db: Kysely<VaultTables>): SealedTexts => ({
  what: 'logins at MCP servers',
  async read(after, most) {
    const rows = await db
      .selectFrom('upstream_grants')
      .selectAll()
      .$if(after !== undefined, (query) => {
        const [upstream, person] = keyOf(after ?? '')
        return query.where(sql<boolean>`(upstream, person) > (${upstream}, ${person})`)
      })
      .orderBy('upstream')
      .orderBy('person')
      .limit(most)
      .execute()
    return rows.map(({ upstream, person, issuer, sealed }) => ({
      id: JSON.stringify([upstream, person]),
      sealed,
      context: grantContext(upstream, person, issuer),
    }))
  },
  async replace({ id, sealed: old }, sealed) {
    const [upstream, person] = keyOf(id)
    await db
      .updateTable('upstream_grants')
      .set({ sealed })
      .where('upstream', '=', upstream)
      .where('person', '=', person)
      .where('sealed', '=', old)
      .execute()
  },
})

const keyOf = (id: string) => JSON.parse(id) as [upstream: string, person: string]

const registrations = (db: Kysely<VaultTables>): SealedTexts => ({
  what: 'registrations at authorization servers',
  async read(after, most) {
    const rows = await db
      .selectFrom('upstream_registrations')
      .selectAll()
      .$if(after !== undefined, (query) => query.where('issuer', '>', after ?? ''))
      .orderBy('issuer')
      .limit(most)
      .execute()
    return rows.map(({ issuer, sealed }) => ({ id: issuer, sealed, context: registrationContext(issuer) }))
  },
  async replace({ id, sealed: old }, sealed) {
    await db
      .updateTable('upstream_registrations')
      .set({ sealed })
      .where('issuer', '=', id)
      .where('sealed', '=', old)
      .execute()
  },
})
