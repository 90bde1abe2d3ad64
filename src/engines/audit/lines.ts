import { z } from 'zod'
import { Fault } from '../../kernel/fault.ts'
import type { TrailLine } from '../../kernel/trail.ts'
import { isGenuine } from './anchor.ts'
import { linkOf, type AnchorRow, type AuditTable } from './audit-table.ts'
import { ChainCheck } from './chain-check.ts'
import type { ChainSigner, Head } from './chain.ts'
import { COLUMNS, type AuditRow } from './columns.ts'
import type { ChainReport, TrailReport } from '../../kernel/trail.ts'

/** The lines of an export. Of an entry the columns are checked as far as their sort: what stands in them is signed. */
const Line = z.discriminatedUnion('line', [
  z.object({
    line: z.literal('chain'),
    chain: z.string(),
    started_ms: z.number(),
    pruned_seq: z.int(),
    pruned_bytes: z.number(),
    pruned_mac: z.string(),
    pruned_ms: z.number(),
    signature: z.string(),
  }),
  z
    .object({ line: z.literal('entry'), chain: z.string(), seq: z.number(), bytes: z.number(), mac: z.string() })
    .catchall(z.union([z.string(), z.number(), z.null()])),
  // Signed, or whoever cuts an export off could say that it ends there.
  z.object({
    line: z.literal('end'),
    chain: z.string(),
    seq: z.number(),
    mac: z.string(),
    signature: z.string().optional(),
  }),
])
type Line = z.infer<typeof Line>
type End = Extract<Line, { line: 'end' }>

/** The chains with their entries, from a place on. The last line of each chain says where it ends, as known outside the database. */
export async function lines(
  { table, signer, heads }: LinesSource,
  from: string | undefined,
  most: number,
): Promise<{ lines: TrailLine[]; next?: string }> {
  const anchors = await table.chains()
  const place = from === undefined ? firstPlace(anchors) : placeOf(from)
  const at = anchors.findIndex(({ chain }) => chain === place?.chain)
  const anchor = anchors[at]
  if (!place || !anchor) return { lines: [] }
  const made: TrailLine[] = place.seq === undefined ? [{ line: 'chain', ...anchor }] : []
  const rows = await table.db
    .selectFrom('audit')
    .selectAll()
    .where('chain', '=', anchor.chain)
    .where('seq', '>', place.seq ?? anchor.pruned_seq)
    .orderBy('seq')
    .limit(most)
    .execute()
  made.push(...rows.map((row) => ({ line: 'entry', ...row })))
  if (rows.length === most) return { lines: made, next: `${anchor.chain}.${rows.at(-1)?.seq}` }
  const head = heads.find(({ chain }) => chain === anchor.chain)
  if (head) made.push(endOf(signer, head))
  const following = anchors[at + 1]
  return { lines: made, ...(following && { next: following.chain }) }
}

export interface LinesSource {
  readonly table: AuditTable
  readonly signer: ChainSigner
  /** Where the hub's own chains end, as it is known outside the database. */
  readonly heads: readonly Head[]
}

const endOf = (signer: ChainSigner, { chain, seq, mac }: Head): TrailLine => ({
  line: 'end',
  chain,
  seq,
  mac,
  signature: signer.sign('end', chain, seq, mac),
})

const isSignedEnd = (signer: ChainSigner, { chain, seq, mac, signature = '' }: End): boolean =>
  signer.isSigned(signature, 'end', chain, seq, mac)

interface LinePlace {
  readonly chain: string
  /** The last one that was given; absent: the chain itself was not yet. */
  readonly seq?: number
}

const firstPlace = ([first]: readonly AnchorRow[]): LinePlace | undefined => first && { chain: first.chain }

const PLACE = /^([0-9a-f]{1,32})(?:\.(\d{1,15}))?$/

function placeOf(text: string): LinePlace {
  const [, chain, seq] = PLACE.exec(text) ?? []
  if (chain === undefined)
    throw new Fault('invalid_input', 'The place is none that an export gave.', { hint: 'Begin anew without one.' })
  return { chain, ...(seq !== undefined && { seq: Number(seq) }) }
}

/** Verifies an export, line by line. Throws Fault `invalid_input` for a line that is none, with its number. */
export async function verifyLines(signer: ChainSigner, source: AsyncIterable<string>): Promise<TrailReport> {
  const chains: ChainReport[] = []
  let reading: { anchor: AnchorRow; check: ChainCheck; end?: End } | undefined
  let strays = 0
  let number = 0
  const finish = () => {
    if (reading) chains.push(reportOf(signer, reading))
    reading = undefined
  }
  for await (const text of source) {
    number++
    if (text.trim() === '') continue
    const line = parseLine(text, number)
    if (line.line === 'chain') {
      finish()
      reading = { anchor: line, check: new ChainCheck(signer, { seq: line.pruned_seq, mac: line.pruned_mac }) }
    } else if (!reading || reading.anchor.chain !== line.chain) strays++
    else if (line.line === 'end') reading.end = line
    else reading.check.add(linkOf(rowOf(line)))
  }
  finish()
  const told = chains.some(({ isForeign }) => !isForeign) ? chains : chains.map(withoutKey)
  return {
    isSound: strays === 0 && told.every(({ problemCount }) => problemCount === 0),
    chains: told,
    beforeChain: 0,
    strays,
  }
}

/** Where nothing at all is signed with a key that is here, it is no export of this hub, or none any more. */
const withoutKey = (report: ChainReport): ChainReport => ({
  ...report,
  problems: [{ is: 'unknown_key', seq: report.firstSeq ?? report.prunedSeq }, ...report.problems],
  problemCount: report.problemCount + 1,
})

function reportOf(
  signer: ChainSigner,
  { anchor, check, end }: { anchor: AnchorRow; check: ChainCheck; end?: End },
): ChainReport {
  const findings = check.end()
  const problems = [...findings.problems]
  const last = findings.lastSeq ?? anchor.pruned_seq
  if (end && !isSignedEnd(signer, end)) problems.push({ is: 'replaced', seq: end.seq })
  else if (end && end.seq > last) problems.push({ is: 'cut_off', seq: last + 1, toSeq: end.seq })
  if (!findings.isForeign && !isGenuine(signer, anchor)) problems.unshift({ is: 'anchor', seq: anchor.pruned_seq })
  return {
    chain: anchor.chain,
    isOwn: end !== undefined,
    prunedSeq: anchor.pruned_seq,
    ...findings,
    problems,
    problemCount: findings.problemCount + problems.length - findings.problems.length,
  }
}

/** In the order in which a mac covers them, whatever the order in the line. */
const rowOf = (line: Extract<Line, { line: 'entry' }>): AuditRow =>
  Object.fromEntries(COLUMNS.map((column) => [column, line[column] ?? null])) as unknown as AuditRow

function parseLine(text: string, number: number): Line {
  const line = Line.safeParse(jsonOf(text))
  if (line.success) return line.data
  throw new Fault('invalid_input', `Line ${number} is not one of an export of the audit.`)
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
