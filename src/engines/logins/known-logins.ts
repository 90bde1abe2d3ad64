import type { Clock } from '../../kernel/clock.ts'
import { ENDED_LIFE_MS } from './login-store.ts'
import type { EndedRow, LoginRow } from './tables.ts'

/** What of the database every call asks for, in memory. */
export interface KnownLogins {
  isEnded(credential: string): boolean
  all(): Iterable<LoginRow>
  of(subject: string): readonly LoginRow[]
  /** Whether one of them has this family of refresh tokens. Nobody guesses one. */
  hasFamily(hash: string): boolean
  /** Takes note that these ended; tells `onEnd` of those that it did not know of. */
  end(credentials: readonly string[]): void
  /** The state of the database: another hub may have changed it. */
  replace(rows: readonly LoginRow[], ended: readonly EndedRow[]): void
}

export function createKnownLogins(clock: Clock, onEnd: (credentials: readonly string[]) => void): KnownLogins {
  const rows = new Map<string, LoginRow>()
  /** With the time from which on none of their access tokens can be left. */
  const ended = new Map<string, number>()

  const end = (credentials: readonly string[]) => {
    const nowMs = clock.now()
    for (const [credential, endsMs] of ended) if (endsMs <= nowMs) ended.delete(credential)
    const fresh = credentials.filter((credential) => !ended.has(credential))
    for (const credential of credentials) rows.delete(credential)
    for (const credential of fresh) ended.set(credential, nowMs + ENDED_LIFE_MS)
    if (fresh.length > 0) onEnd(fresh)
  }

  return {
    isEnded: (credential) => ended.has(credential),
    all: () => rows.values(),
    hasFamily: (hash) => rows.values().some((row) => row.family_hash === hash),
    of: (subject) => [...rows.values()].filter((row) => row.subject === subject),
    end,
    replace(all, gone) {
      rows.clear()
      for (const row of all) rows.set(row.credential, row)
      end(gone.map(({ credential }) => credential))
    },
  }
}
