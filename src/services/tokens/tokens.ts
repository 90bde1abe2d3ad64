import { randomBytes } from 'node:crypto'
import type { Caller } from '../../kernel/caller.ts'
import type { Clock } from '../../kernel/clock.ts'
import type { Events } from '../../kernel/events.ts'
import { Fault } from '../../kernel/fault.ts'
import { hashToken, type Holder } from '../../kernel/identity.ts'
import type { Log } from '../../kernel/log.ts'
import type { People, Person } from '../../kernel/people.ts'
import type { Store } from '../../kernel/ports.ts'
import { openSharedCopy } from '../../kernel/shared-copy.ts'
import { DAY_MS, entryOf, holderOf, scopesOf, type Entry } from './entry.ts'
import { ownerOf, refuseMoreThan, sees } from './rights.ts'
import { MIGRATIONS, type TokenRow, type TokenTables } from './table.ts'

/** A token as people see it. */
export interface TokenInfo {
  readonly name: string
  /** What it may now. */
  readonly scopes: readonly string[]
  /** The name of whom it is. Absent: nobody's in particular. */
  readonly person?: string
  /** Wall-clock milliseconds; absent: never. */
  readonly createdMs: number
  readonly expiresMs?: number
  /** Wall-clock milliseconds of the day's start (UTC); absent: never used. */
  readonly lastUsedMs?: number
}

export interface NewToken {
  readonly name: string
  readonly scopes: readonly string[]
  readonly expiresInDays?: number
  /** The name of whom it is for. Absent: the person that makes it, if it is one. */
  readonly person?: string
}

export interface Tokens {
  /**
   * It ends with the token of its maker, if that one ends: else a day's token would be as good as one for ever. Throws
   * Fault `forbidden` for a scope that `maker` lacks, `conflict` when the name is taken.
   */
  create(maker: Caller, wanted: NewToken): Promise<TokenInfo & { token: string }>
  /** Those that concern the caller. */
  list(caller: Caller): TokenInfo[]
  /**
   * With those that it made, and those that they made; resolves to the names of these. Throws Fault `not_found`, `forbidden` for a
   * token that may more than `caller`.
   */
  revoke(caller: Caller, name: string): Promise<readonly string[]>
  /** Who holds the token of this hash; synchronous, since every call asks. Undefined too once it has expired. */
  holder(hash: string): Holder | undefined
  /** Waits for what is still being written. */
  close(): Promise<void>
}

export interface TokensOptions {
  readonly store: Store
  readonly people: People
  readonly events: Events
  readonly clock: Clock
  readonly log: Log
}

/** The prefix lets a scanner recognise a token that ended up where it should not be. */
const PREFIX = 'alicia_'

/** The tokens of the database, in memory too. */
export async function openTokens({ store, people, events, clock, log }: TokensOptions): Promise<Tokens> {
  await store.migrate('tokens', MIGRATIONS)
  const db = store.as<TokenTables>()
  let byHash = new Map<string, Entry>()
  const writing = new Set<Promise<unknown>>()

  const copy = await openSharedCopy({
    store,
    topic: 'tokens',
    clock,
    log,
    async load() {
      const rows = await db.selectFrom('tokens').selectAll().orderBy('created_at').execute()
      const before = byHash
      byHash = new Map(rows.map((row) => [row.hash, entryOf(row, before.get(row.hash))]))
      for (const [hash, { row }] of before) if (!byHash.has(hash)) events.emit('access.ended', { credential: row.id })
    },
  })

  const write = (work: Promise<unknown>, what: string) => {
    const written = work.catch((error: unknown) => log.warn(what, { error })).finally(() => writing.delete(written))
    writing.add(written)
  }

  /** One write a day for each token in use, not one a call. If it fails, the next day's use writes again. */
  const noteUse = (entry: Entry) => {
    const day = Math.floor(clock.now() / DAY_MS)
    if (entry.lastUsedDay === day) return
    entry.lastUsedDay = day
    write(
      db.updateTable('tokens').set({ last_used_day: day }).where('id', '=', entry.row.id).execute(),
      "the day of a token's last use was not kept",
    )
  }

  // Nobody else gets their names, and nothing would ever let them in again.
  const stopListening = people.onChange((id) => {
    if (people.get(id) || ![...byHash.values()].some(({ row }) => row.person === id)) return
    const remove = copy.change<TokenTables, unknown>((db) => db.deleteFrom('tokens').where('person', '=', id).execute())
    write(remove, 'the tokens of somebody who is gone could not be removed')
  })

  const personOf = ({ row }: Entry): Person | undefined => (row.person === null ? undefined : people.get(row.person))
  const named = (name: string) => [...byHash.values()].find(({ row }) => row.name === name)
  const infoOf = (entry: Entry): TokenInfo => describe(entry, personOf(entry))

  const expiryOf = (maker: Caller) => [...byHash.values()].find(({ row }) => row.id === maker.id)?.row.expires_at

  /** Those that this one made, and those that they made. */
  const madeBy = (id: string): Entry[] => {
    const made = [...byHash.values()].filter(({ row }) => row.created_by === id)
    return [...made, ...made.flatMap(({ row }) => madeBy(row.id))]
  }

  return {
    async create(maker, { name, scopes, expiresInDays, person: forWhom }) {
      const person = ownerOf(people, maker, forWhom)
      refuseMoreThan(maker, scopes, 'cannot give what it lacks')
      if (named(name)) throw taken(name)
      const token = `${PREFIX}${randomBytes(32).toString('base64url')}`
      const nowMs = clock.now()
      const row: TokenRow = {
        id: `token-${randomBytes(9).toString('base64url')}`,
        name,
        hash: hashToken(token),
        scopes: JSON.stringify([...new Set(scopes)]),
        created_by: maker.id,
        person: person?.id ?? null,
        created_at: nowMs,
        expires_at: earliest(expiresInDays === undefined ? null : nowMs + expiresInDays * DAY_MS, expiryOf(maker)),
        last_used_day: null,
      }
      await copy
        .change<TokenTables, unknown>((db) => db.insertInto('tokens').values(row).execute())
        .catch((error: unknown) => {
          // Another call, or another hub on this database, was quicker.
          throw error instanceof Fault && error.code === 'conflict' ? taken(name) : error
        })
      return { ...infoOf(entryOf(row, undefined)), token }
    },
    list: (caller) => [...byHash.values()].filter(({ row }) => sees(caller, row)).map(infoOf),
    async revoke(caller, name) {
      const entry = named(name)
      if (!entry || !sees(caller, entry.row))
        throw new Fault('not_found', `There is no token called ${name}.`, {
          hint: 'list_tokens shows those there are.',
        })
      refuseMoreThan(caller, scopesOf(entry, personOf(entry)), 'cannot end a token that may more than it')
      const made = madeBy(entry.row.id)
      const ids = [entry, ...made].map(({ row }) => row.id)
      await copy.change<TokenTables, unknown>((db) => db.deleteFrom('tokens').where('id', 'in', ids).execute())
      return made.map(({ row }) => row.name)
    },
    holder(hash) {
      const entry = byHash.get(hash)
      if (!entry || (entry.row.expires_at ?? Number.POSITIVE_INFINITY) <= clock.now()) return undefined
      const person = personOf(entry)
      if (entry.row.person !== null && (person === undefined || person.isDisabled)) return undefined
      noteUse(entry)
      return holderOf(entry, person)
    },
    async close() {
      stopListening()
      await Promise.all(writing)
      await copy.stop()
    },
  }
}

const describe = (entry: Entry, person: Person | undefined): TokenInfo => ({
  name: entry.row.name,
  scopes: scopesOf(entry, person),
  createdMs: entry.row.created_at,
  ...(person && { person: person.name }),
  ...(entry.row.expires_at !== null && { expiresMs: entry.row.expires_at }),
  ...(entry.lastUsedDay !== undefined && { lastUsedMs: entry.lastUsedDay * DAY_MS }),
})

/** Null where there is none. */
function earliest(...timesMs: readonly (number | null | undefined)[]): number | null {
  const known = timesMs.filter((ms) => ms !== undefined && ms !== null)
  return known.length === 0 ? null : Math.min(...known)
}

const taken = (name: string) =>
  new Fault('conflict', `There is already a token called ${name}.`, {
    hint: 'Choose another name, or revoke that one.',
  })
