import type { Clock } from '../../kernel/clock.ts'
import type { Log } from '../../kernel/log.ts'
import { headOf, nextAnchor } from './anchor.ts'
import type { AnchorRow, AuditTable } from './audit-table.ts'
import type { ChainSigner, Head } from './chain.ts'

export interface PruningOptions {
  signer: ChainSigner
  clock: Clock
  log: Log
  retentionDays: number
  mostBytes: number
}

const DAY_MS = 86_400_000
const HOUR_MS = 3_600_000
/** So many are gone within a few milliseconds, in which nothing else happens on SQLite. */
export const PRUNED_AT_ONCE = 2000

/** Removes the entries that are too old or too many, now and every hour; returns what ends that. */
export function startPruning(table: AuditTable, options: PruningOptions): () => Promise<void> {
  const { clock, log, retentionDays, mostBytes } = options
  const stop = new AbortController()
  let running = Promise.resolve()
  let cancel = () => {}

  /** Between two slices others get their turn. */
  const all = async (slice: () => Promise<boolean>) => {
    while (!stop.signal.aborted && (await slice())) await new Promise(setImmediate)
  }
  const prune = async () => {
    const beforeMs = clock.now() - retentionDays * DAY_MS
    try {
      await all(() => pruneUnchained(table, beforeMs))
      for (const { chain } of await table.chains()) await all(() => pruneChain(table, chain, { ...options, beforeMs }))
      if (mostBytes < Infinity) await all(() => pruneLargest(table, options))
    } catch (error) {
      log.warn('old entries of the audit could not be removed', { error })
    }
  }
  const hourly = () => {
    running = running.then(prune)
    cancel = clock.after(HOUR_MS, hourly)
  }

  hourly()
  return async () => {
    stop.abort()
    cancel()
    await running
  }
}

/** Entries that are older than the chain. Whether there are more. */
async function pruneUnchained({ db }: AuditTable, beforeMs: number): Promise<boolean> {
  const old = db.selectFrom('audit').select('at_ms').where('at_ms', '<', beforeMs).where('chain', 'is', null)
  const last = await old.orderBy('at_ms').offset(PRUNED_AT_ONCE).limit(1).executeTakeFirst()
  await db
    .deleteFrom('audit')
    .where('chain', 'is', null)
    .where('at_ms', last ? '<=' : '<', last?.at_ms ?? beforeMs)
    .execute()
  return last !== undefined
}

interface ChainLimits extends Pick<PruningOptions, 'signer' | 'clock'> {
  readonly beforeMs: number
}

/** Some from the beginning of the chain, up to the first that is not too old. Whether there are more. */
async function pruneChain(
  table: AuditTable,
  chain: string,
  { beforeMs, signer, clock }: ChainLimits,
): Promise<boolean> {
  const anchor = (await table.chains()).find((row) => row.chain === chain)
  if (!anchor) return false
  const slice = table.db
    .selectFrom('audit')
    .select(['seq', 'bytes', 'mac', 'at_ms'])
    .where('chain', '=', chain)
    .orderBy('seq')
    .limit(PRUNED_AT_ONCE)
  const rows = await slice.execute()
  const young = rows.findIndex(({ at_ms: atMs }) => atMs >= beforeMs)
  const last = rows.at(young === -1 ? rows.length - 1 : young - 1)
  if (young === 0 || !last) return false
  const head: Head = { chain, seq: last.seq ?? 0, bytes: last.bytes ?? 0, mac: last.mac ?? '' }
  await cut(table, nextAnchor(signer, anchor, head, clock.now()))
  return young === -1 && rows.length === PRUNED_AT_ONCE
}

/** Some from the chain that takes most room, as long as all of them together take too much. Whether they still do. */
async function pruneLargest(table: AuditTable, { signer, clock, mostBytes }: PruningOptions): Promise<boolean> {
  const sizes = await Promise.all(
    (await table.chains()).map(async (anchor) => {
      const tail = await table.tail(anchor.chain)
      return { anchor, bytes: (tail?.bytes ?? anchor.pruned_bytes) - anchor.pruned_bytes }
    }),
  )
  const over = sizes.reduce((sum, { bytes }) => sum + bytes, 0) - mostBytes
  const [largest] = sizes.sort((a, b) => b.bytes - a.bytes)
  if (over <= 0 || !largest) return false
  const { anchor } = largest
  const rows = await table.db
    .selectFrom('audit')
    .select(['seq', 'bytes', 'mac'])
    .where('chain', '=', anchor.chain)
    .orderBy('seq')
    .limit(PRUNED_AT_ONCE)
    .execute()
  const enough = rows.find(({ bytes }) => (bytes ?? 0) - anchor.pruned_bytes >= over) ?? rows.at(-1)
  if (!enough) return false
  const head: Head = { chain: anchor.chain, seq: enough.seq ?? 0, bytes: enough.bytes ?? 0, mac: enough.mac ?? '' }
  await cut(table, nextAnchor(signer, anchor, head, clock.now()))
  return true
}

/** Removes what the anchor says is gone, and notes the anchor: both or none. */
async function cut({ db }: AuditTable, anchor: AnchorRow): Promise<void> {
  const { chain, signature, ...pruned } = anchor
  await db.transaction().execute(async (transaction) => {
    await transaction
      .updateTable('audit_chains')
      .set({ ...pruned, signature })
      .where('chain', '=', chain)
      // Two hubs on one database may prune at once.
      .where('pruned_seq', '<', pruned.pruned_seq)
      .execute()
    await transaction.deleteFrom('audit').where('chain', '=', chain).where('seq', '<=', headOf(anchor).seq).execute()
  })
}
