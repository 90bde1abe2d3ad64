import { z } from 'zod'
import type { AuditDetails } from '../../kernel/audit.ts'
import type { People } from '../../kernel/people.ts'
import type { ChainReport, TrailEntry, TrailFilter, TrailReport } from '../../kernel/trail.ts'

const Text = z.string().min(1).max(200)

/** What entries have to match, as callers write it. */
export const FILTER = {
  caller: Text.optional().describe('Id or name of whoever called'),
  person: Text.optional().describe('Name or id of a person: what they did, by whatever token or login'),
  operation: Text.optional().describe('service.verb_noun; mqtt.* is all of a service'),
  provider: Text.optional().describe('The service or MCP server that was asked'),
  effect: z.enum(['read', 'write', 'destructive', 'event']).optional(),
  outcome: Text.optional().describe('ok, the code of a fault, or "failed" for every fault'),
  address: Text.optional(),
  request_id: Text.optional().describe('That call, and those made for its sake'),
  from: z.iso.datetime({ offset: true }).optional(),
  to: z.iso.datetime({ offset: true }).optional().describe('Before that moment'),
  text: Text.optional().describe('Somewhere in names, ids, address or arguments'),
}

type Given = z.output<z.ZodObject<typeof FILTER>>

export const filterOf = (
  { request_id: requestId, from, to, person, ...given }: Given,
  people: Pick<People, 'named'>,
): TrailFilter => ({
  ...(Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as TrailFilter),
  ...(requestId !== undefined && { requestId }),
  // Who is not there any more is found by id: entries have it for ever.
  ...(person !== undefined && { person: people.named(person)?.id ?? person }),
  ...rangeOf({ from, to }),
})

export const rangeOf = ({ from, to }: Pick<Given, 'from' | 'to'>): Pick<TrailFilter, 'fromMs' | 'toMs'> => ({
  ...(from !== undefined && { fromMs: Date.parse(from) }),
  ...(to !== undefined && { toMs: Date.parse(to) }),
})

export const Entry = z.object({
  at: z.iso.datetime(),
  operation: z.string().describe('For what was no call: what happened, login.failed'),
  outcome: z.string(),
  effect: z.string(),
  caller: z.string(),
  caller_name: z.string().optional(),
  person: z.string().optional(),
  role: z.string().optional(),
  credential: z.string().optional(),
  via: z.string(),
  address: z.string().optional(),
  provider: z.string(),
  ms: z.number(),
  request_id: z.string().optional(),
  trace_id: z.string().optional(),
  within: z.string().optional().describe('The call for whose sake it was made'),
  approved_by: z.string().optional(),
  count: z.number().optional().describe('So many alike, which are counted and not kept one by one'),
  arguments: z.unknown().optional().describe('Without what is secret'),
  seq: z.number().optional().describe('Its place in the chain'),
  chain: z.string().optional(),
})

export const describeEntry = (entry: TrailEntry): z.input<typeof Entry> => ({
  at: new Date(entry.atMs).toISOString(),
  operation: entry.operation,
  outcome: entry.outcome,
  effect: entry.effect,
  ...describeCaller(entry),
  provider: entry.provider,
  ms: entry.durationMs,
  ...(entry.requestId !== '' && { request_id: entry.requestId }),
  ...(entry.traceId !== undefined && { trace_id: entry.traceId }),
  ...describeDetails(entry.details),
  ...(entry.seq !== undefined && { seq: entry.seq }),
  ...(entry.chain !== undefined && { chain: entry.chain }),
})

const describeCaller = ({ callerId, callerName, person, role, credential, via, address }: TrailEntry) => ({
  caller: callerId,
  ...(callerName !== undefined && { caller_name: callerName }),
  ...(person !== undefined && { person }),
  ...(role !== undefined && { role }),
  ...(credential !== undefined && { credential }),
  via,
  ...(address !== undefined && { address }),
})

const describeDetails = ({ within, approvedBy, count, arguments: given }: AuditDetails = {}) => ({
  ...(within !== undefined && { within }),
  ...(approvedBy !== undefined && { approved_by: approvedBy }),
  ...(count !== undefined && { count }),
  ...(given !== undefined && { arguments: given }),
})

const Problem = z.object({
  is: z.enum(['changed', 'removed', 'inserted', 'reordered', 'cut_off', 'replaced', 'unknown_key', 'anchor']),
  seq: z.number(),
  to_seq: z.number().optional(),
})

export const Report = z.object({
  is_sound: z.boolean(),
  chains: z.array(
    z.object({
      chain: z.string(),
      is_own: z.boolean().describe('Of this hub; the end of another hub’s chain cannot be known here'),
      is_foreign: z.boolean().describe('Signed with keys that are not here: nothing can be said of it'),
      entries: z.number(),
      first_seq: z.number().optional(),
      last_seq: z.number().optional(),
      last_mac: z.string().optional().describe('Kept elsewhere, it shows later whether all up to here is still there'),
      pruned_seq: z.number().describe('Everything up to here was removed because of its age, or of its size'),
      unnoted: z.number().describe('Entries after the end that is noted outside the database: normal after a crash'),
      problems: z.array(Problem),
      problem_count: z.number(),
    }),
  ),
  before_chain: z.number().describe('Entries from before there was a chain: nothing can be said of them'),
  strays: z.number().describe('Entries that stand in no chain, though there was one'),
})

export const describeReport = ({ isSound, chains, beforeChain, strays }: TrailReport): z.input<typeof Report> => ({
  is_sound: isSound,
  chains: chains.map(describeChain),
  before_chain: beforeChain,
  strays,
})

const describeChain = (report: ChainReport): z.input<typeof Report>['chains'][number] => ({
  chain: report.chain,
  is_own: report.isOwn,
  is_foreign: report.isForeign,
  entries: report.entries,
  ...(report.firstSeq !== undefined && { first_seq: report.firstSeq }),
  ...(report.lastSeq !== undefined && { last_seq: report.lastSeq }),
  ...(report.lastMac !== undefined && { last_mac: report.lastMac }),
  pruned_seq: report.prunedSeq,
  unnoted: report.unnoted,
  problems: report.problems.map(({ is, seq, toSeq }) => ({ is, seq, ...(toSeq !== undefined && { to_seq: toSeq }) })),
  problem_count: report.problemCount,
})
