import { randomBytes } from 'node:crypto'
import { mayUse, type Caller } from '../../kernel/caller.ts'
import type { Clock } from '../../kernel/clock.ts'
import { Fault } from '../../kernel/fault.ts'
import { hashToken, type Holder } from '../../kernel/identity.ts'
import type { Log } from '../../kernel/log.ts'
import type { TokenRow, TokenTable } from './store.ts'

/** A token as people see it. */
export interface TokenInfo {
  readonly name: string
  readonly scopes: readonly string[]
  /** Wall-clock milliseconds; absent: never. */
  readonly createdMs: number
  readonly expiresMs?: number
  /** Wall-clock milliseconds of the day's start (UTC); absent: never used. */
  readonly lastUsedMs?: number
}

export interface NewToken {
  name: string
  scopes: readonly string[]
  expiresInDays?: number
}

export interface Tokens {
  /**
   * It ends with the token of its maker, if that one ends: else a day's token would be as good as one for ever. Throws
   * Fault `forbidden` for a scope that `maker` lacks, `conflict` when the name is taken.
   */
  create(maker: Caller, wanted: NewToken): Promise<TokenInfo & { token: string }>
  list(): TokenInfo[]
  /** Throws Fault `not_found`, `forbidden` for a token that may more than `caller`. */
  revoke(caller: Caller, name: string): Promise<void>
  /** Who holds the token of this hash; synchronous, since every call asks. Undefined too once it has expired. */
  holder(hash: string): Holder | undefined
  /** Waits for what is still being written. */
  close(): Promise<void>
}

export interface TokensOptions {
  table: TokenTable
  clock: Clock
  log: Log
}

const DAY_MS = 86_400_000

/** The prefix lets a scanner recognise a token that ended up where it should not be. */
const PREFIX = 'alicia_'

export async function openTokens({ table, clock, log }: TokensOptions): Promise<Tokens> {
  const rows = await table.all()
  const byHash = new Map(rows.map((row) => [row.hash, entryOf(row)]))
  const writing = new Set<Promise<void>>()
  const named = (name: string) => [...byHash.values()].find(({ info }) => info.name === name)

  const expiryOf = (maker: Caller) => [...byHash.values()].find(({ holder }) => holder.id === maker.id)?.info.expiresMs

  /** One write a day for each token in use, not one a call. If it fails, the next day's use writes again. */
  const noteUse = (entry: Entry) => {
    const day = Math.floor(clock.now() / DAY_MS)
    if (entry.info.lastUsedMs === day * DAY_MS) return
    entry.info = { ...entry.info, lastUsedMs: day * DAY_MS }
    const write = table
      .setLastUsedDay(entry.holder.id, day)
      .catch((error: unknown) => log.warn("the day of a token's last use was not kept", { error }))
      .finally(() => writing.delete(write))
    writing.add(write)
  }

  return {
    async create(maker, { name, scopes, expiresInDays }) {
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
        created_at: nowMs,
        expires_at: earliest(expiresInDays === undefined ? undefined : nowMs + expiresInDays * DAY_MS, expiryOf(maker)),
        last_used_day: null,
      }
      await table.insert(row).catch((error: unknown) => {
        // Another call, or another hub on this database, was quicker.
        throw error instanceof Fault && error.code === 'conflict' ? taken(name) : error
      })
      const entry = entryOf(row)
      byHash.set(row.hash, entry)
      return { ...entry.info, token }
    },
    list: () => [...byHash.values()].map(({ info }) => info),
    async revoke(caller, name) {
      const entry = named(name)
      if (!entry)
        throw new Fault('not_found', `There is no token called ${name}.`, {
          hint: 'list_tokens shows those there are.',
        })
      refuseMoreThan(caller, entry.holder.scopes, 'cannot end a token that may more than it')
      // First where it lasts: a token that is gone from memory alone would be back after a restart.
      await table.remove(entry.holder.id)
      byHash.delete(entry.hash)
    },
    holder(hash) {
      const entry = byHash.get(hash)
      if (!entry || (entry.info.expiresMs ?? Number.POSITIVE_INFINITY) <= clock.now()) return undefined
      noteUse(entry)
      return entry.holder
    },
    async close() {
      await Promise.all(writing)
    },
  }
}

interface Entry {
  readonly hash: string
  readonly holder: Holder
  info: TokenInfo
}

function entryOf(row: TokenRow): Entry {
  const scopes = JSON.parse(row.scopes) as string[]
  return {
    hash: row.hash,
    holder: { id: row.id, name: row.name, scopes },
    info: {
      name: row.name,
      scopes,
      createdMs: row.created_at,
      ...(row.expires_at !== null && { expiresMs: row.expires_at }),
      ...(row.last_used_day !== null && { lastUsedMs: row.last_used_day * DAY_MS }),
    },
  }
}

/** Nobody hands on more than they have, or ends it: else `tokens:write` would be as good as everything. */
function refuseMoreThan(caller: Caller, scopes: readonly string[], refusal: string): void {
  const lacking = scopes.filter((scope) => !mayUse(caller.scopes, scope))
  if (lacking.length === 0) return
  throw new Fault('forbidden', `${caller.name} ${refusal}: ${lacking.join(', ')}.`, {
    hint: `It has: ${caller.scopes.join(', ')}.`,
    details: { scopes: lacking },
  })
}

/** Null where there is none. */
function earliest(...timesMs: readonly (number | undefined)[]): number | null {
  const known = timesMs.filter((ms) => ms !== undefined)
  return known.length === 0 ? null : Math.min(...known)
}

const taken = (name: string) =>
  new Fault('conflict', `There is already a token called ${name}.`, {
    hint: 'Choose another name, or revoke that one.',
  })
