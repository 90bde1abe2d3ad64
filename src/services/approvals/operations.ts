import { z } from 'zod'
import type { Clock } from '../../kernel/clock.ts'
import type { Events } from '../../kernel/events.ts'
import { operation } from '../../kernel/operation.ts'
import { visibleText } from '../../kernel/visible-text.ts'
import type { WaitingCall } from '../../kernel/waiting-call.ts'
import type { Allowance } from './allowances.ts'
import { changeOf } from './change.ts'
import type { Decision, DecisionTable } from './decision.ts'
import type { WaitingCalls } from './waiting.ts'

/** What every operation of this service works on. */
export interface Deps {
  readonly calls: WaitingCalls
  readonly decisions: DecisionTable
  readonly events: Pick<Events, 'on'>
  readonly clock: Clock
  /** The name of a person, by id. */
  nameOf(person: string): string | undefined
}

const iso = (ms: number) => new Date(ms).toISOString()
const At = z.iso.datetime()

const CallShape = z.object({
  id: z.string(),
  operation: z.string(),
  summary: z.string(),
  provider: z.string().describe('The service or MCP server that would do it'),
  caller: z
    .object({
      id: z.string(),
      name: z.string(),
      person: z.string().optional().describe('Whose token or login it is'),
      role: z.string().optional(),
      via: z.string(),
      address: z.string().optional(),
    })
    .describe('Who asks'),
  arguments: z.unknown().describe('Without secrets; what people do not see is spelt out'),
  fingerprint: z.string().describe('Of the operation, its description and all arguments'),
  asked_at: At,
  until: At,
})

type NameOf = (person: string) => string | undefined

const shownCall = (
  { askedMs, untilMs, caller: { person: id, ...caller }, ...call }: WaitingCall,
  nameOf: NameOf,
): z.input<typeof CallShape> => ({
  ...call,
  caller: { ...caller, ...(id !== undefined && { person: nameOf(id) ?? id }) },
  asked_at: iso(askedMs),
  until: iso(untilMs),
})

const AllowanceShape = z.object({
  id: z.string().describe('deny_call with it ends this'),
  operation: z.string(),
  caller: z.string(),
  approved_by: z.string(),
  until: At,
})

const shownAllowance = ({ id, operation: name, caller, approver, untilMs }: Allowance) => ({
  id,
  operation: name,
  caller: caller.name,
  approved_by: approver.name,
  until: iso(untilMs),
})

/** A proxy that sees nothing for a minute cuts off. */
const LONGEST_WAIT_S = 50

export const listApprovals = operation<Deps>()({
  name: 'approvals.list_approvals',
  summary: 'Calls that wait until somebody allows them, and what an earlier yes still allows.',
  scope: 'approvals:read',
  effect: 'read',
  timeoutMs: ({ wait_seconds: seconds }) => seconds * 1000 + 10_000,
  input: z.object({
    after: z.int().optional().describe('`version` of the answer before; with it, wait_seconds counts.'),
    wait_seconds: z
      .number()
      .min(0)
      .max(LONGEST_WAIT_S)
      .default(0)
      .describe(`Answer when something changed since then, or after that long (0 to ${LONGEST_WAIT_S}, default 0).`),
  }),
  output: z.object({ version: z.int(), waiting: z.array(CallShape), allowed: z.array(AllowanceShape) }),
  async handler({ after, wait_seconds: seconds }, { calls, events, clock, nameOf, signal }) {
    if (seconds > 0 && after === calls.version()) await changeOf(events, clock, seconds * 1000, signal)
    return {
      version: calls.version(),
      waiting: calls.list().map((call) => shownCall(call, nameOf)),
      allowed: calls.allowances().map(shownAllowance),
    }
  },
})

const Id = z.string().min(1).max(20).describe('As list_approvals has it: 4F2K')

export const approveCall = operation<Deps>()({
  name: 'approvals.approve_call',
  summary: 'Lets a call go on that waits. For a person who has read what it does, not for a model.',
  scope: 'approvals:write',
  effect: 'write',
  // What the call says of itself could ask a model for its yes.
  forModels: false,
  input: z.object({
    id: Id,
    fingerprint: z
      .string()
      .max(100)
      .optional()
      .describe('As it was shown: another call is then not allowed by mistake.'),
    for_minutes: z
      .int()
      .min(0)
      .max(60)
      .default(0)
      .describe('Also allow the same caller the same operation, for so long (0 to 60, default 0).'),
  }),
  output: z.object({ id: z.string(), approved: z.string().describe('The operation'), until: At.optional() }),
  async handler({ id, fingerprint, for_minutes: minutes }, { calls, decisions, clock, caller }) {
    const forMs = minutes * 60_000
    const word = { approver: caller, yes: true, forMs, ...(fingerprint !== undefined && { fingerprint }) }
    const call = await calls.decide(id, word, (decision) => decisions.insert(decision))
    return {
      id: call.id,
      approved: call.operation,
      ...(forMs > 0 && { until: iso(clock.now() + forMs) }),
    }
  },
})

export const denyCall = operation<Deps>()({
  name: 'approvals.deny_call',
  summary: 'Refuses a call that waits, or ends what an earlier yes still allows.',
  scope: 'approvals:write',
  effect: 'write',
  forModels: false,
  input: z.object({
    id: Id,
    reason: z
      .string()
      .trim()
      .max(300)
      .transform(visibleText)
      .optional()
      .describe('Told to the caller: what to do instead.'),
  }),
  output: z.object({ id: z.string(), denied: z.string().describe('The operation') }),
  async handler({ id, reason }, { calls, decisions, caller }) {
    if (calls.allowances().some((allowance) => allowance.id === id.toUpperCase())) {
      const ended = calls.endAllowance(id, caller)
      return { id: ended.id, denied: ended.operation }
    }
    const word = { approver: caller, yes: false, forMs: 0, ...(reason !== undefined && reason !== '' && { reason }) }
    const call = await calls.decide(id, word, (decision) => decisions.insert(decision))
    return { id: call.id, denied: call.operation }
  },
})

export const listDecisions = operation<Deps>()({
  name: 'approvals.list_decisions',
  summary: 'What became of calls that waited: who decided what and when, and what they were shown. The latest first.',
  scope: 'approvals:read',
  effect: 'read',
  input: z.object({
    limit: z.int().min(1).max(200).default(20).describe('At most so many (1 to 200, default 20).'),
    before: z.iso.datetime({ offset: true }).optional().describe('Only from before this moment.'),
  }),
  output: z.object({
    decisions: z.array(
      z.object({
        decision: z.enum(['approved', 'denied', 'expired']),
        at: At,
        by: z.string().optional().describe('Absent: nobody, its time was up'),
        via: z.string().optional(),
        reason: z.string().optional(),
        minutes: z.number().optional().describe('How long the yes held'),
        call: CallShape,
      }),
    ),
  }),
  async handler({ limit, before }, { decisions, nameOf }) {
    const beforeMs = before === undefined ? Number.MAX_SAFE_INTEGER : Date.parse(before)
    return { decisions: (await decisions.latest(limit, beforeMs)).map((one) => shownDecision(one, nameOf)) }
  },
})

const shownDecision = ({ call, change, atMs, by, reason, forMs }: Decision, nameOf: NameOf) => ({
  decision: change,
  at: iso(atMs),
  ...(by !== undefined && { by: by.name, via: by.via }),
  ...(reason !== undefined && { reason }),
  ...(forMs > 0 && { minutes: forMs / 60_000 }),
  call: shownCall(call, nameOf),
})
