import type { Status } from '../../kernel/status.ts'
import type { Capability } from './definition.ts'
import { wayBack, type Subject } from './subject.ts'

/** How a provider is, and what could be done about it. */
export interface Diagnosis {
  readonly status: Status
  readonly since: string
  readonly reason?: string
  readonly calls: number
  readonly errors: number
  readonly last_call_ms?: number
  readonly recommendations: readonly string[]
}

/** Latest calls of its tools, from the registry's entries. */
export interface Usage {
  readonly calls: number
  readonly errors: number
  readonly lastMs: number | undefined
}

/** Share of calls, and milliseconds, from which on it is worth a word. */
const MANY_ERRORS = 0.1
const SLOW_MS = 5000
const FEW_CALLS = 10

export function diagnose(
  subject: Subject,
  usage: Usage,
  own: readonly Capability[],
  others: readonly string[],
): Diagnosis {
  const { status, sinceMs, reason } = subject.report
  const { calls, errors, lastMs } = usage
  return {
    status,
    since: new Date(sinceMs).toISOString(),
    ...(reason !== undefined && { reason }),
    calls,
    errors,
    ...(lastMs !== undefined && { last_call_ms: Math.round(lastMs * 1000) / 1000 }),
    recommendations: recommend(subject, status, usage, { own, others }),
  }
}

function recommend(
  subject: Subject,
  status: Status,
  { calls, errors, lastMs }: Usage,
  { own, others }: { own: readonly Capability[]; others: readonly string[] },
): string[] {
  const advice: string[] = []
  if (status === 'unavailable') advice.push(wayBack(subject))
  if (status === 'degraded') advice.push('It works, but not well: prefer another where there is one.')
  if (status === 'unknown') advice.push('Nobody has needed it yet: the first call starts it, and may take longer.')
  if (calls >= FEW_CALLS && errors / calls >= MANY_ERRORS)
    advice.push(`${Math.round((errors / calls) * 100)} % of its calls failed: look at what they have in common.`)
  if (lastMs !== undefined && lastMs >= SLOW_MS)
    advice.push(`Its latest call took ${Math.round(lastMs / 1000)} s: give it more time, or ask for less at once.`)
  if (own.length > 0 && status !== 'available' && status !== 'unknown')
    advice.push(
      others.length > 0
        ? `Meanwhile execute_capability asks ${others.join(', ')} for what it shares with it.`
        : 'Nobody else does what it does: a second server of its kind would.',
    )
  return advice.length > 0 ? advice : ['All is well.']
}
