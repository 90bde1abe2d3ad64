import type { Kysely } from 'kysely'
import { z } from 'zod'
import { Fault } from '../../kernel/fault.ts'
import type { Log } from '../../kernel/log.ts'
import { grantContext, registrationContext, sealedLogins, type VaultTables } from './sealed-logins.ts'
import type { Migration, Secrets, Store } from '../../kernel/ports.ts'

const Registration = z.object({
  clientId: z.string(),
  clientSecret: z.string().optional(),
  /** How it proves itself, where the authorization server said so. */
  authMethod: z.string().optional(),
  /** It was registered for this one, and would be refused with another. */
  redirectUrl: z.string(),
  /** Wall-clock milliseconds when the secret ends. */
  expiresMs: z.number().optional(),
})
/** The hub as a client of one authorization server. */
export type Registration = z.infer<typeof Registration>

const Grant = z.object({
  /** The upstream's address, without query: a token that it got is for no other that bears its name later. */
  audience: z.string(),
  /** The authorization server that gave it; its tokens are for no other. */
  issuer: z.string(),
  /** As whom: a registration that was made anew since is another client, to which it was not given. */
  client: Registration,
  accessToken: z.string(),
  refreshToken: z.string().optional(),
  /** Wall-clock milliseconds; absent: it was not said. */
  expiresMs: z.number().optional(),
  /** Wall-clock milliseconds from which it should be renewed. */
  renewMs: z.number().optional(),
  /** What was asked for, and what was given. */
  requested: z.array(z.string()),
  scopes: z.array(z.string()),
})
/** What a person holds of one upstream. */
export type Grant = z.infer<typeof Grant>

/**
 * Keeps tokens and registrations, sealed. A grant is found by upstream, person and issuer; a registration by issuer.
 * Every method throws Fault `storage_failed` or `unavailable` where the database does.
 */
export interface TokenVault {
  /** The latest of any issuer: a person has one at a time. */
  grant(upstream: string, person: string): Promise<Grant | undefined>
  /** Replaces whatever the person had. Resolves when it is on disk. */
  saveGrant(upstream: string, person: string, grant: Grant): Promise<void>
  removeGrant(upstream: string, person: string): Promise<void>
  /** Of which upstreams the person has one. */
  upstreams(person: string): Promise<readonly string[]>
  /** Who has one. */
  people(upstream: string): Promise<readonly string[]>
  /** Whether anybody has one of this issuer, of whatever upstream. */
  isUsed(issuer: string): Promise<boolean>
  registration(issuer: string): Promise<Registration | undefined>
  saveRegistration(issuer: string, registration: Registration): Promise<void>
  /** `clientId`: unless it is another one by now. */
  removeRegistration(issuer: string, clientId?: string): Promise<void>
  /** The issuer at which credentials from the configuration were first used. */
  boundIssuer(upstream: string, clientId: string): Promise<string | undefined>
  bindIssuer(upstream: string, clientId: string, issuer: string): Promise<void>
  unbindIssuer(upstream: string): Promise<void>
}

const MIGRATIONS: readonly Migration[] = [
  {
    name: '001-login',
    async up(db) {
      await db.schema
        .createTable('upstream_grants')
        .addColumn('upstream', 'text', (column) => column.notNull())
        .addColumn('person', 'text', (column) => column.notNull())
        .addColumn('issuer', 'text', (column) => column.notNull())
        .addColumn('sealed', 'text', (column) => column.notNull())
        .addPrimaryKeyConstraint('upstream_grants_pk', ['upstream', 'person'])
        .execute()
      await db.schema
        .createTable('upstream_registrations')
        .addColumn('issuer', 'text', (column) => column.primaryKey())
        .addColumn('sealed', 'text', (column) => column.notNull())
        .execute()
      await db.schema
        .createTable('upstream_issuers')
        .addColumn('upstream', 'text', (column) => column.primaryKey())
        .addColumn('client_id', 'text', (column) => column.notNull())
        .addColumn('issuer', 'text', (column) => column.notNull())
        .execute()
    },
  },
]

export interface VaultOptions {
  readonly store: Store
  readonly secrets: Secrets
  readonly log: Log
}

export async function openTokenVault({ store, secrets, log }: VaultOptions): Promise<TokenVault> {
  await store.migrate('upstream_login', MIGRATIONS)
  const db: Kysely<VaultTables> = store.as<VaultTables>()
  for (const texts of sealedLogins(db)) secrets.tend(texts)

  /** What does not open any more is worth a new login, not a hub that stands still. */
  const open = <T>(schema: z.ZodType<T>, sealed: string, context: string): T | undefined => {
    try {
      return schema.parse(JSON.parse(secrets.open(sealed, context)))
    } catch (error) {
      log.warn('a stored login cannot be read: it has to be made again', { context, ...reasonOf(error) })
      return undefined
    }
  }

  const vault: TokenVault = {
    async grant(upstream, person) {
      const row = await db
        .selectFrom('upstream_grants')
        .selectAll()
        .where('upstream', '=', upstream)
        .where('person', '=', person)
        .executeTakeFirst()
      if (row === undefined) return undefined
      const grant = open(Grant, row.sealed, grantContext(upstream, person, row.issuer))
      if (grant !== undefined && secrets.isStale(row.sealed)) await vault.saveGrant(upstream, person, grant)
      return grant
    },
    async saveGrant(upstream, person, grant) {
      const { issuer } = grant
      const sealed = secrets.seal(JSON.stringify(grant), grantContext(upstream, person, issuer))
      await db
        .insertInto('upstream_grants')
        .values({ upstream, person, issuer, sealed })
        .onConflict((conflict) => conflict.columns(['upstream', 'person']).doUpdateSet({ issuer, sealed }))
        .execute()
    },
    async removeGrant(upstream, person) {
      await db.deleteFrom('upstream_grants').where('upstream', '=', upstream).where('person', '=', person).execute()
    },
    async upstreams(person) {
      const rows = await db
        .selectFrom('upstream_grants')
        .select('upstream')
        .where('person', '=', person)
        .orderBy('upstream')
        .execute()
      return rows.map(({ upstream }) => upstream)
    },
    async people(upstream) {
      const rows = await db
        .selectFrom('upstream_grants')
        .select('person')
        .where('upstream', '=', upstream)
        .orderBy('person')
        .execute()
      return rows.map(({ person }) => person)
    },
    async isUsed(issuer) {
      const row = await db
        .selectFrom('upstream_grants')
        .select('person')
        .where('issuer', '=', issuer)
        .limit(1)
        .executeTakeFirst()
      return row !== undefined
    },
    async registration(issuer) {
      const row = await db
        .selectFrom('upstream_registrations')
        .select('sealed')
        .where('issuer', '=', issuer)
        .executeTakeFirst()
      if (row === undefined) return undefined
      const registration = open(Registration, row.sealed, registrationContext(issuer))
      if (registration !== undefined && secrets.isStale(row.sealed)) await vault.saveRegistration(issuer, registration)
      return registration
    },
    async saveRegistration(issuer, registration) {
      const sealed = secrets.seal(JSON.stringify(registration), registrationContext(issuer))
      await db
        .insertInto('upstream_registrations')
        .values({ issuer, sealed })
        .onConflict((conflict) => conflict.column('issuer').doUpdateSet({ sealed }))
        .execute()
    },
    async removeRegistration(issuer, clientId) {
      const stored = await vault.registration(issuer)
      if (clientId !== undefined && stored !== undefined && stored.clientId !== clientId) return
      await db.deleteFrom('upstream_registrations').where('issuer', '=', issuer).execute()
    },
    async boundIssuer(upstream, clientId) {
      const row = await db
        .selectFrom('upstream_issuers')
        .select('issuer')
        .where('upstream', '=', upstream)
        .where('client_id', '=', clientId)
        .executeTakeFirst()
      return row?.issuer
    },
    async bindIssuer(upstream, clientId, issuer) {
      const values = { client_id: clientId, issuer }
      await db
        .insertInto('upstream_issuers')
        .values({ upstream, ...values })
        .onConflict((conflict) => conflict.column('upstream').doUpdateSet(values))
        .execute()
    },
    async unbindIssuer(upstream) {
      await db.deleteFrom('upstream_issuers').where('upstream', '=', upstream).execute()
    },
  }
  return vault
}

/** Of our own faults only: the text of another error may quote what was opened. */
const reasonOf = (error: unknown) => (error instanceof Fault ? { reason: error.message } : {})
