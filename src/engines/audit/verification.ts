import { sql } from 'kysely'
import type { ChainReport, TrailFilter, TrailReport } from '../../kernel/trail.ts'
import { headOf, isGenuine } from './anchor.ts'
import { linkOf, type AnchorRow, type AuditTable } from './audit-table.ts'
import { ChainCheck } from './chain-check.ts'
import type { ChainSigner, Head } from './chain.ts'

export interface VerificationOptions {
  readonly table: AuditTable
  readonly signer: ChainSigner
  /** Where the hub's own chains end, as it is known outside the database. */
  readonly heads: readonly Head[]
  readonly range: Pick<TrailFilter, 'fromMs' | 'toMs'>
  readonly signal: AbortSignal
  readonly onProgress?: (done: number) => void
}

/** Entries that are read at once: a few milliseconds, in which nothing else happens on SQLite. */
const READ_AT_ONCE = 500
const MOST_ATTEMPTS = 3

/** Checks every chain, and that nothing stands outside of them. */
export async function verify(options: VerificationOptions): Promise<TrailReport> {
  const { table, signal } = options
  const anchors = await table.chains()
  const chains: ChainReport[] = []
  let done = 0
  const own = options.heads.filter(({ chain }) => !anchors.some((anchor) => anchor.chain === chain))
  for (const anchor of anchors) {
    signal.throwIfAborted()
    chains.push(await verifyStill(anchor, { ...options, onRead: (count) => options.onProgress?.((done += count)) }))
  }
  // A chain of its own that the database does not know at all.
  for (const { chain, seq } of own.filter((head) => head.seq > 0)) chains.push(goneReport(chain, seq))
  const { beforeChain, strays } = await outside(table, anchors)
  const isSound = strays === 0 && chains.every(({ problemCount }) => problemCount === 0)
  return { isSound, chains, beforeChain, strays }
}

interface ChainOptions extends VerificationOptions {
  readonly onRead: (count: number) => void
}

/** Pruning meanwhile takes away what was about to be read: then it begins anew. */
async function verifyStill(anchor: AnchorRow, options: ChainOptions): Promise<ChainReport> {
  for (let at = anchor, count = 1; ; count++) {
    const report = await verifyChain(at, options)
    const now = (await options.table.chains()).find(({ chain }) => chain === anchor.chain)
    if (report.problemCount === 0 || !now || now.pruned_seq === at.pruned_seq || count === MOST_ATTEMPTS) return report
    at = now
  }
}

async function verifyChain(anchor: AnchorRow, options: ChainOptions): Promise<ChainReport> {
  const { table, signer, heads } = options
  const { chain, pruned_seq: prunedSeq } = anchor
  const noted = heads.find((head) => head.chain === chain)
  const range = await seqRange(table, anchor, options.range)
  const check = new ChainCheck(signer, range.after, range.upTo === undefined ? noted : undefined)
  const upTo = range.upTo ?? (await table.tail(chain))?.seq ?? prunedSeq
  const read = await readInto(check, { chain, after: range.after.seq, upTo }, options)
  const findings = check.end()
  const there = await countOf(table, chain, upTo, range.isPart ? range.after.seq : undefined)
  const isAnchored = isGenuine(signer, anchor)
  // Two at one place, where the index that forbids it was removed; or at places that are none.
  const extra = there - read
  // Where no other hub can be, a chain that nobody here signed is one that somebody signed anew.
  const isMadeUp = findings.isForeign && !table.isShared
  const added = [
    ...(isMadeUp ? [{ is: 'unknown_key', seq: findings.firstSeq ?? prunedSeq } as const] : []),
    ...(isAnchored || findings.isForeign ? [] : [{ is: 'anchor', seq: prunedSeq } as const]),
    ...(extra > 0 ? [{ is: 'inserted', seq: range.after.seq } as const] : []),
  ]
  return {
    chain,
    isOwn: noted !== undefined,
    prunedSeq,
    ...findings,
    problems: [...added, ...findings.problems],
    problemCount: findings.problemCount + added.length,
  }
}

interface Places {
  readonly chain: string
  readonly after: number
  readonly upTo: number
}

async function readInto(check: ChainCheck, { chain, after, upTo }: Places, options: ChainOptions): Promise<number> {
  const { table, signal, onRead } = options
  let read = 0
  for (let last = after; ;) {
    signal.throwIfAborted()
    const rows = await table.db
      .selectFrom('audit')
      .selectAll()
      .where('chain', '=', chain)
      .where('seq', '>', last)
      .where('seq', '<=', upTo)
      .orderBy('seq')
      .limit(READ_AT_ONCE)
      .execute()
    for (const row of rows) check.add(linkOf(row))
    read += rows.length
    onRead(rows.length)
    if (rows.length < READ_AT_ONCE) return read
    last = rows.at(-1)?.seq ?? upTo
    await new Promise(setImmediate)
  }
}

/** Where the check begins and ends: at the first entry of that time, and the last before the other. */
async function seqRange(
  { db }: AuditTable,
  anchor: AnchorRow,
  { fromMs, toMs }: VerificationOptions['range'],
): Promise<{ after: Pick<Head, 'seq' | 'mac'>; isPart: boolean; upTo?: number }> {
  const { chain } = anchor
  const edge = (order: 'asc' | 'desc') =>
    db.selectFrom('audit').select('seq').where('chain', '=', chain).orderBy('at_ms', order).limit(1)
  const first = fromMs === undefined ? undefined : await edge('asc').where('at_ms', '>=', fromMs).executeTakeFirst()
  const last = toMs === undefined ? undefined : await edge('desc').where('at_ms', '<', toMs).executeTakeFirst()
  const before = await db
    .selectFrom('audit')
    .select(['seq', 'mac'])
    .where('chain', '=', chain)
    .where('seq', '<', first?.seq ?? 0)
    .orderBy('seq', 'desc')
    .limit(1)
    .executeTakeFirst()
  return {
    isPart: before !== undefined,
    after: before ? { seq: before.seq ?? 0, mac: before.mac ?? '' } : headOf(anchor),
    ...(toMs !== undefined && { upTo: last?.seq ?? anchor.pruned_seq }),
  }
}

async function countOf({ db }: AuditTable, chain: string, upTo: number, after: number | undefined): Promise<number> {
  const counted = db
    .selectFrom('audit')
    .select(({ fn }) => fn.countAll<number>().as('n'))
    .where('chain', '=', chain)
  const all = await counted.where((is) => is.or([is('seq', '<=', upTo), is('seq', 'is', null)])).executeTakeFirst()
  // What stands before a range is another verification's; before the anchor nothing may stand.
  const earlier = after === undefined ? undefined : await counted.where('seq', '<=', after).executeTakeFirst()
  return (all?.n ?? 0) - (earlier?.n ?? 0)
}

/** Entries of no chain: those from before there was one, and those that somebody put there. */
async function outside(
  { db }: AuditTable,
  anchors: readonly AnchorRow[],
): Promise<{ beforeChain: number; strays: number }> {
  const startedMs = Math.min(...anchors.map(({ started_ms: ms }) => ms))
  const counted = db.selectFrom('audit').select(({ fn }) => fn.countAll<number>().as('n'))
  const without = counted.where('chain', 'is', null)
  const all = await without.executeTakeFirst()
  const late = Number.isFinite(startedMs) ? await without.where('at_ms', '>', startedMs).executeTakeFirst() : undefined
  const unknown = await counted
    .where('chain', 'is not', null)
    .where('chain', 'not in', sql<string>`(select chain from audit_chains)`)
    .executeTakeFirst()
  return { beforeChain: (all?.n ?? 0) - (late?.n ?? 0), strays: (late?.n ?? 0) + (unknown?.n ?? 0) }
}

const goneReport = (chain: string, seq: number): ChainReport => ({
  chain,
  isOwn: true,
  entries: 0,
  prunedSeq: 0,
  unnoted: 0,
  isForeign: false,
  problems: [{ is: 'cut_off', seq: 1, toSeq: seq }],
  problemCount: 1,
})
