import type { Clock } from '../../kernel/clock.ts'
import { Fault, type FaultCode } from '../../kernel/fault.ts'
import type { Invoke } from '../../kernel/invoke.ts'
import { verdictOf, wasNotSent } from '../../kernel/resilience/blame.ts'
import type { CallContext } from '../../kernel/tool.ts'
import { readAnswer } from './answer.ts'
import { ownerOf, type Candidate } from './candidates.ts'
import type { Capability } from './definition.ts'

/** One candidate that was asked or passed over. */
export interface Tried {
  readonly provider: string
  readonly tool: string
  readonly outcome: 'ok' | 'skipped' | FaultCode
  readonly ms: number
  readonly reason?: string
}

export interface Execution {
  readonly result: unknown
  readonly answered_by: string
  readonly tool: string
  /** Why that one, in words. */
  readonly why: string
  readonly tried: readonly Tried[]
}

export interface ExecuteOptions {
  readonly capability: Capability
  readonly input: Readonly<Record<string, unknown>>
  /** The best first. */
  readonly candidates: readonly Candidate[]
  readonly invoke: Invoke
  readonly clock: Clock
  readonly context: CallContext
  /** For all attempts together. */
  readonly limitMs: number
  /** It was done by `to`, though somebody else is preferred. */
  onFallback(to: string): void
}

/** One that can be asked. */
type Askable = Exclude<Candidate, { is: 'missing' }>

/** Refused at the door, before anything ran. */
const REFUSED: ReadonlySet<FaultCode> = new Set([
  'forbidden',
  'invalid_input',
  'rate_limited',
  'unauthenticated',
  'unknown_operation',
])

/**
 * Asks one candidate after the other until one has done it. Who is known to be down is passed over, unless all are. After a
 * failure the next one is asked where that can do no harm: what only reads, what may be repeated, and what certainly did
 * not happen. Throws Fault that says who was tried and what they said.
 */
export async function execute(options: ExecuteOptions): Promise<Execution> {
  const { candidates, clock, context } = options
  const endMs = clock.monotonic() + options.limitMs
  const tried: Tried[] = []
  const queue = queueOf(candidates, tried)
  for (const [at, candidate] of queue.entries()) {
    const startMs = clock.monotonic()
    const isLast = at === queue.length - 1
    const note = (outcome: Tried['outcome'], reason?: string) =>
      tried.push({
        provider: ownerOf(candidate),
        tool: candidate.entry.tool.name,
        outcome,
        ms: Math.round((clock.monotonic() - startMs) * 1000) / 1000,
        ...(reason !== undefined && { reason }),
      })
    try {
      const result = await ask(options, candidate, { restMs: endMs - startMs, isLast })
      note('ok')
      const why = whyThis(candidate, tried)
      if (candidates.some((other) => isPreferred(options.capability, other, candidate)))
        options.onFallback(ownerOf(candidate))
      return { result, answered_by: ownerOf(candidate), tool: candidate.entry.tool.name, why, tried }
    } catch (error) {
      if (!(error instanceof Fault) || context.signal.aborted) throw error
      note(error.code, error.message)
      const end = endOf(options.capability, candidate, error, { isLast, isLate: clock.monotonic() >= endMs })
      if (end !== undefined) throw together(options.capability, candidate, error, { tried, end })
    }
  }
  throw nobody(options.capability, tried)
}

/** By the capability's own order, whatever state they are in. */
const isPreferred = ({ providers }: Capability, one: Candidate, other: Candidate): boolean =>
  providers.indexOf(one.provider) < providers.indexOf(other.provider)

/** Who will be asked, in order; the rest is noted as skipped. Where all are down, the first may be about to come back. */
function queueOf(candidates: readonly Candidate[], tried: Tried[]): readonly Askable[] {
  const up = candidates.filter((candidate) => candidate.is === 'up')
  const queue = up.length > 0 ? up : candidates.filter((candidate) => candidate.is === 'down').slice(0, 1)
  const asked = new Set<Candidate>(queue)
  for (const candidate of candidates) {
    if (candidate.is === 'up' || asked.has(candidate)) continue
    tried.push({
      provider: ownerOf(candidate),
      tool: candidate.provider.tool,
      outcome: 'skipped',
      ms: 0,
      reason: candidate.why,
    })
  }
  return queue
}

async function ask(
  { capability, input, invoke, clock, context }: ExecuteOptions,
  candidate: Askable,
  { restMs, isLast }: { restMs: number; isLast: boolean },
): Promise<unknown> {
  const { provider, entry } = candidate
  const now = new Date(clock.now()).toISOString()
  // Half of what is left: when it does not answer, there is time to ask somebody else. It takes all where nobody may be asked.
  const shareMs = isLast || !isRepeatable(capability, candidate) ? restMs : restMs / 2
  const attempt = attemptOf(candidate, clock)
  try {
    // Without the client's own request: what it wrote is for this operation, not for the tool behind it.
    const output = await invoke({
      operation: entry.tool.name,
      input: provider.arguments({ input, now }),
      caller: context.caller,
      signal: context.signal,
      timeoutMs: Math.max(1, Math.min(shareMs, provider.timeoutMs ?? Infinity)),
      emit: (progress) => context.emit(progress),
      ...(!isLast && { retry: false }),
      within: context.requestId,
      ...(context.span && { trace: context.span.traceparent }),
    })
    const result = readAnswer(output)
    const complaint = provider.error?.({ input, result, now })
    if (complaint !== undefined && complaint !== null && complaint !== false && complaint !== '')
      throw new Fault('upstream_failed', `${entry.provider.id}: ${said(complaint)}`)
    attempt.succeeded()
    return provider.result === undefined ? result.value : provider.result({ input, result, now })
  } catch (error) {
    attempt.failed(error)
    throw error
  }
}

/** The candidate's breaker, told how the attempt ended. One that is open is asked all the same when it is its turn. */
function attemptOf(candidate: Askable, clock: Clock) {
  const startMs = clock.monotonic()
  const breaker = candidate.is === 'up' ? candidate.breaker : undefined
  const ticket = breaker?.begin() ?? 0
  return {
    succeeded: () => breaker?.succeeded(ticket, clock.monotonic()),
    failed(error: unknown) {
      const nowMs = clock.monotonic()
      const verdict = verdictOf(error, nowMs - startMs)
      if (verdict === 'failure') breaker?.failed(ticket, nowMs, error instanceof Error ? error.message : '')
      else if (verdict === 'answer') breaker?.succeeded(ticket, nowMs)
      else breaker?.dropped(ticket)
    },
  }
}

/** Why nobody else is asked, as the end of a message; undefined: somebody is. */
function endOf(
  capability: Capability,
  candidate: Candidate,
  fault: Fault,
  { isLast, isLate }: { isLast: boolean; isLate: boolean },
): string | undefined {
  if (isLast) return ''
  if (!isHarmless(capability, candidate, fault)) return ' It may have happened all the same, so nobody else was asked.'
  return isLate ? ' There was no time left to ask anybody else.' : undefined
}

/** Whether asking somebody else after this cannot do a thing twice. */
const isHarmless = (capability: Capability, candidate: Candidate, fault: Fault): boolean =>
  REFUSED.has(fault.code) || wasNotSent(fault) || isRepeatable(capability, candidate)

const isRepeatable = (capability: Capability, candidate: Candidate): boolean =>
  capability.effect === 'read' || (candidate.is !== 'missing' && candidate.entry.tool.idempotent)

function whyThis(candidate: Askable, tried: readonly Tried[]): string {
  const before = tried.filter(({ outcome }) => outcome !== 'ok')
  const own =
    candidate.is === 'up' && candidate.why === undefined ? 'it is well' : `nobody is better (${candidate.why})`
  if (before.length === 0)
    return candidate.is === 'up' && candidate.why === undefined ? 'preferred, and it is well' : own
  const others = before.map(({ provider, outcome }) => `${provider} ${outcome === 'skipped' ? 'is down' : 'failed'}`)
  return `${own}; ${others.join(', ')}`
}

function together(
  capability: Capability,
  candidate: Candidate,
  fault: Fault,
  { tried, end }: { tried: readonly Tried[]; end: string },
): Fault {
  const asked = tried.filter(({ outcome }) => outcome !== 'skipped')
  const says = asked.map(({ reason }) => reason).join(' ')
  return new Fault(fault.code, `${capability.name} failed. ${says}${end}`, {
    ...(fault.hint !== undefined && { hint: fault.hint }),
    ...((!fault.retryable || !isHarmless(capability, candidate, fault)) && { retryable: false }),
    ...(fault.retryAfterMs !== undefined && { retryAfterMs: fault.retryAfterMs }),
    details: { capability: capability.name, tried },
    cause: fault,
  })
}

const nobody = ({ name }: Capability, tried: readonly Tried[]): Fault =>
  new Fault('unavailable', `Nobody can do ${name} now: ${tried.map(({ reason }) => reason).join('; ')}.`, {
    hint: 'list_services shows what is there.',
    details: { capability: name, tried },
  })

const said = (complaint: unknown) => (typeof complaint === 'string' ? complaint : JSON.stringify(complaint))
