import type { Kysely, Transaction } from 'kysely'
import type { Clock } from '../../kernel/clock.ts'
import { ACCESS_TOKEN_SECONDS } from '../../kernel/logins.ts'
import type { EndedRow, LoginDb, LoginRow, LoginTables } from './tables.ts'

/** Logins in the database. Every method throws Fault `storage_failed` or `unavailable` where that does. */
export interface LoginStore {
  all(): Promise<LoginRow[]>
  ended(): Promise<EndedRow[]>
  /** Resolves to what had to go for it: a person has at most `MOST_LOGINS`. */
  add(row: LoginRow): Promise<readonly string[]>
  find(familyHash: string): Promise<LoginRow | undefined>
  /** Puts the next secret in the place of the one that was shown, if it is still that; whatever else it is, the login ends. */
  spend(shown: Hashes, nextHash: string): Promise<Spending>
  end(credentials: readonly string[]): Promise<void>
}

export interface Hashes {
  readonly familyHash: string
  readonly secretHash: string
}

export type Spending =
  | { readonly is: 'spent'; readonly row: LoginRow }
  /** It was spent before: whoever shows it now, or showed it then, is a thief. */
  | { readonly is: 'replayed'; readonly row: LoginRow }
  | { readonly is: 'over'; readonly row: LoginRow }
  | { readonly is: 'gone' }

/** Logins of one person; the one that was not used for longest makes room. */
export const MOST_LOGINS = 20
/** How long a login lives at most, and unused: 90 and 30 days, in milliseconds. */
const LOGIN_LIFE_MS = 90 * 86_400_000
const IDLE_LIFE_MS = 30 * 86_400_000

/** So long after a login ended its last access token may live; clocks of several hubs are not quite the same. */
export const ENDED_LIFE_MS = (ACCESS_TOKEN_SECONDS + 60) * 1000

export const isOver = ({ created_at: createdMs, used_at: usedMs }: LoginRow, nowMs: number): boolean =>
  createdMs + LOGIN_LIFE_MS <= nowMs || usedMs + IDLE_LIFE_MS <= nowMs

const findIn = (tables: Kysely<LoginTables>, familyHash: string) =>
  tables.selectFrom('logins').selectAll().where('family_hash', '=', familyHash).executeTakeFirst()

export function createLoginStore(db: LoginDb, clock: Clock): LoginStore {
  const end = async (changes: Transaction<LoginTables>, credentials: readonly string[]) => {
    const nowMs = clock.now()
    await changes.deleteFrom('ended_logins').where('ends_at', '<=', nowMs).execute()
    if (credentials.length === 0) return
    await changes.deleteFrom('logins').where('credential', 'in', credentials).execute()
    const rows = credentials.map((credential) => ({ credential, ends_at: nowMs + ENDED_LIFE_MS }))
    await changes
      .insertInto('ended_logins')
      .values(rows)
      .onConflict((conflict) => conflict.column('credential').doNothing())
      .execute()
  }

  return {
    all: () => db.tables.selectFrom('logins').selectAll().execute(),
    ended: () => db.tables.selectFrom('ended_logins').selectAll().where('ends_at', '>', clock.now()).execute(),
    find: (familyHash) => findIn(db.tables, familyHash),
    add: (row) =>
      db.change(async (changes) => {
        await changes.insertInto('logins').values(row).execute()
        const own = await changes
          .selectFrom('logins')
          .select(['credential', 'used_at'])
          .where('subject', '=', row.subject)
          .where('credential', '!=', row.credential)
          .orderBy('used_at', 'desc')
          .execute()
        const gone = own.slice(MOST_LOGINS - 1).map(({ credential }) => credential)
        await end(changes, gone)
        return gone
      }),
    spend: ({ familyHash, secretHash }, nextHash) =>
      db.change(async (changes) => {
        const nowMs = clock.now()
        // One statement: of several at once, here or in another hub, one finds the secret that it was shown.
        const spent = await changes
          .updateTable('logins')
          .set({ secret_hash: nextHash, used_at: nowMs })
          .where('family_hash', '=', familyHash)
          .where('secret_hash', '=', secretHash)
          .where('created_at', '>', nowMs - LOGIN_LIFE_MS)
          .where('used_at', '>', nowMs - IDLE_LIFE_MS)
          .returningAll()
          .executeTakeFirst()
        if (spent) return { is: 'spent', row: spent }
        const row = await findIn(changes, familyHash)
        if (!row) return { is: 'gone' }
        await end(changes, [row.credential])
        return { is: row.secret_hash === secretHash ? 'over' : 'replayed', row }
      }),
    end: (credentials) => db.change((changes) => end(changes, credentials)),
  }
}
