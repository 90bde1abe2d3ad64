import type { Holder } from '../../kernel/identity.ts'
import type { Person } from '../../kernel/people.ts'
import { intersect } from '../../kernel/scope.ts'
import type { TokenRow } from './table.ts'

export const DAY_MS = 86_400_000

/** A token as every call looks it up. */
export interface Entry {
  readonly row: TokenRow
  readonly scopes: readonly string[]
  /** Whole days since 1970; undefined: never. */
  lastUsedDay: number | undefined
  /** What it was made into for its person as they were then: they are another object once they may something else. */
  known: { readonly person: Person | undefined; readonly holder: Holder } | undefined
}

/** The token of that row; `before`: as it was known until now. */
export function entryOf(row: TokenRow, before: Entry | undefined): Entry {
  const used = Math.max(row.last_used_day ?? -1, before?.lastUsedDay ?? -1)
  return {
    row,
    scopes: JSON.parse(row.scopes) as string[],
    lastUsedDay: used < 0 ? undefined : used,
    known: before?.known,
  }
}

/** What it may now: no more than its person, where it is somebody's; nothing where they are gone. */
export function scopesOf(entry: Entry, person: Person | undefined): readonly string[] {
  if (entry.row.person === null) return entry.scopes
  return person === undefined || person.isDisabled ? [] : intersect(entry.scopes, person.scopes)
}

/** Who holds it. Made once for each change of its person. */
export function holderOf(entry: Entry, person: Person | undefined): Holder {
  if (entry.known && entry.known.person === person) return entry.known.holder
  const { id, name, expires_at: expiresMs } = entry.row
  const holder: Holder = {
    id,
    name,
    scopes: scopesOf(entry, person),
    credential: id,
    ...(person && { person: person.id, role: person.role }),
    ...(expiresMs !== null && { expiresMs }),
  }
  entry.known = { person, holder }
  return holder
}
