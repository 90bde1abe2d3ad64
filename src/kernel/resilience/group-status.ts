import type { Status, StatusReport } from '../status.ts'
import type { Strategy } from './balance.ts'
import type { BreakerState } from './breaker.ts'
import type { GroupMember } from './member.ts'

export interface MemberStatus extends StatusReport {
  readonly id: string
  readonly weight: number
  /** Calls that run, and that wait for a place. */
  readonly running: number
  readonly waiting: number
  /** Since it is in the group. */
  readonly calls: number
  readonly failures: number
  /** Average of the latest calls; absent: it never answered. */
  readonly latencyMs?: number
  readonly breaker: BreakerState['is']
  /** Why it is passed over though it is up: what its breaker or the comparison with its siblings says. */
  readonly avoided?: string
}

export interface GroupStatus {
  readonly name: string
  readonly strategy: Strategy
  /** Calls that another member was asked for too. */
  readonly failovers: number
  readonly members: readonly MemberStatus[]
}

export const memberStatuses = <C>(members: readonly GroupMember<C>[]): MemberStatus[] =>
  members.map((state) => memberStatus(state))

/** The group as one: down when all are, degraded when some are. */
export function groupReport<C>(members: readonly GroupMember<C>[], nowMs: number): StatusReport {
  const [first, ...more] = members.map((state) => memberReport(state))
  if (!first) return { status: 'unavailable', sinceMs: nowMs, reason: 'nobody is there' }
  if (more.length === 0) return first
  const reports = [first, ...more]
  const isBad = ({ status }: StatusReport) => status === 'unavailable' || status === 'degraded'
  const bad = reports.filter(isBad)
  if (bad.length === 0) return reports.find(({ status }) => status === 'available') ?? first
  const status: Status = reports.every(({ status }) => status === 'unavailable') ? 'unavailable' : 'degraded'
  const why = reports.flatMap((report, at) =>
    isBad(report) ? [`${members[at]?.member.id}: ${report.reason ?? 'no reason known'}`] : [],
  )
  return {
    status,
    sinceMs: sinceOf(status, bad),
    reason: `${bad.length} of ${reports.length}: ${why.join('; ')}`,
  }
}

/** It served until the last of them was down, and it was whole until the first was not. */
function sinceOf(status: Status, bad: readonly StatusReport[]): number {
  const times = bad.map(({ sinceMs }) => sinceMs)
  return status === 'unavailable' ? Math.max(...times) : Math.min(...times)
}

/** Its own word, unless its breaker knows worse. */
function memberReport<C>(state: GroupMember<C>): StatusReport {
  // It may be a new one: then its breaker knows nothing yet.
  state.current()
  const { member, breaker } = state
  const own = member.report()
  if (breaker.state.is === 'closed' || own.status === 'unavailable') return own
  const { sinceMs, reason } = breaker.state
  return { status: breaker.admits() ? 'degraded' : 'unavailable', sinceMs, reason }
}

function memberStatus<C>(state: GroupMember<C>): MemberStatus {
  const report = memberReport(state)
  const { member, breaker, bulkhead, ejection } = state
  const avoided =
    breaker.state.is !== 'closed' ? breaker.state.reason : ejection.is === 'ejected' ? ejection.reason : undefined
  return {
    id: member.id,
    ...report,
    weight: state.weight,
    running: bulkhead.running,
    waiting: bulkhead.waiting,
    calls: state.totalCalls,
    failures: state.totalFailures,
    ...(state.latencyMs > 0 && { latencyMs: state.latencyMs }),
    breaker: breaker.state.is,
    ...(avoided !== undefined && { avoided }),
  }
}
