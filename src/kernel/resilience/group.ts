import type { Clock } from '../clock.ts'
import { Fault, type FaultCode } from '../fault.ts'
import type { StatusReport } from '../status.ts'
import { Balance, type Strategy } from './balance.ts'
import { verdictOf, wasNotSent } from './blame.ts'
import { DEFAULT_BREAKER, type BreakerOptions } from './breaker.ts'
import type { BulkheadLimits } from './bulkhead.ts'
import { nobodyFault, togetherFault } from './group-fault.ts'
import { groupReport, memberStatuses, type GroupStatus } from './group-status.ts'
import { hedge } from './hedge.ts'
import { GroupMember, type Member } from './member.ts'
import { DEFAULT_OUTLIER, OutlierWatch, type OutlierOptions } from './outlier.ts'
import { NEVER, rankOf, WELL, WORST, type Rank } from './rank.ts'
import { RetryBudget } from './retry-budget.ts'

export type { Member } from './member.ts'

export interface GroupOptions<C> {
  /** Who is asked, for faults: the upstream's id, the service's name. */
  readonly name: string
  readonly members: readonly Member<C>[]
  readonly strategy: Strategy
  /** Of each member. */
  readonly limits: BulkheadLimits
  /** A second member is asked when the first has not answered a read by then, in milliseconds; absent: never. */
  readonly hedgeAfterMs?: number
  readonly clock: Clock
  readonly breaker?: BreakerOptions
  readonly outlier?: OutlierOptions
}

/** What may be done to get a call answered. Make one for each tool, not one for each call. */
export interface CallKind {
  /** A read, or idempotent: after a failure another member is asked, though the first may have done it. */
  readonly repeatable: boolean
  /** A read: it may run on two members at once. */
  readonly hedged: boolean
}

export const ONCE: CallKind = { repeatable: false, hedged: false }

/** One member that was asked. */
export interface Attempt {
  readonly member: string
  readonly outcome: 'ok' | FaultCode
  readonly ms: number
  /** What it said, where it failed. */
  readonly reason?: string
}

export type Send<C, T> = (member: C, signal: AbortSignal) => Promise<T>

/** Whose call it is: a call's context says it. */
export interface CallFrom {
  readonly signal: AbortSignal
  /** Each caller has a fair share of a member that is busy; absent: nobody in particular. */
  readonly caller?: { readonly id: string }
}

/** Several equals behind one name: each call goes to the one that suits best, and to another when that fails. */
export interface Group<C> {
  /**
   * `send` must settle when its signal aborts. `tried` gets an entry for each member that was asked. Throws what the
   * member threw; Fault `unavailable` when none may be asked; where several failed, a Fault that tells of each.
   */
  run<T>(send: Send<C, T>, from: CallFrom, kind?: CallKind, tried?: Attempt[]): Promise<T>
  /** Takes effect with the next call. Throws Fault `not_found` for a weight of somebody who is not there. */
  configure(change: { strategy?: Strategy; weights?: Readonly<Record<string, number>> }): void
  /** Those that stay, by id and identity, keep what is known of them. */
  replace(members: readonly Member<C>[]): void
  status(): GroupStatus
  report(): StatusReport
}

export function createGroup<C>(options: GroupOptions<C>): Group<C> {
  return new BalancedGroup(options)
}

class BalancedGroup<C> implements Group<C> {
  readonly #options: GroupOptions<C>
  readonly #balance: Balance
  readonly #outliers: OutlierWatch
  readonly #budget: RetryBudget
  #members: readonly GroupMember<C>[] = []
  #failovers = 0

  constructor(options: GroupOptions<C>) {
    this.#options = options
    this.#balance = new Balance(options.strategy)
    this.#outliers = new OutlierWatch(options.clock.monotonic(), options.outlier ?? DEFAULT_OUTLIER)
    this.#budget = new RetryBudget(options.clock)
    this.replace(options.members)
  }

  run<T>(send: Send<C, T>, from: CallFrom, kind: CallKind = ONCE, tried?: Attempt[]): Promise<T> {
    const [first] = this.#members
    // With one member there is nothing to choose, and nobody else to ask.
    if (first && this.#members.length === 1 && tried === undefined)
      return first.call(send, from.signal, from.caller?.id)
    return this.#runAmong(send, from, kind, tried ?? [])
  }

  configure({ strategy, weights = {} }: { strategy?: Strategy; weights?: Readonly<Record<string, number>> }): void {
    const changes = Object.entries(weights).map(([id, weight]) => {
      const member = this.#members.find((candidate) => candidate.member.id === id)
      if (!member) throw new Fault('not_found', `${this.#options.name} has no ${JSON.stringify(id.slice(0, 100))}.`)
      return () => (member.weight = weight)
    })
    for (const change of changes) change()
    if (strategy !== undefined) this.#balance.strategy = strategy
  }

  replace(members: readonly Member<C>[]): void {
    const { clock, breaker = DEFAULT_BREAKER, limits } = this.#options
    const known = new Map(this.#members.map((state) => [state.member, state]))
    this.#members = members.map((member) => known.get(member) ?? new GroupMember(member, clock, { breaker, limits }))
  }

  status(): GroupStatus {
    const { name } = this.#options
    const { strategy } = this.#balance
    return { name, strategy, failovers: this.#failovers, members: memberStatuses(this.#members) }
  }

  report(): StatusReport {
    return groupReport(this.#members, this.#options.clock.now())
  }

  async #runAmong<T>(send: Send<C, T>, from: CallFrom, kind: CallKind, tried: Attempt[]): Promise<T> {
    const { signal } = from
    const asked = new Set<GroupMember<C>>()
    const errors: unknown[] = []
    this.#budget.earn(1)
    for (;;) {
      const member = this.#choose(asked, kind, WORST)
      if (!member)
        throw errors.length > 0
          ? togetherFault(this.#options.name, errors)
          : nobodyFault(this.#options.name, this.#members)
      asked.add(member)
      if (errors.length > 0) this.#failovers++
      try {
        return await this.#ask(member, { send, from, kind, tried, asked })
      } catch (error) {
        errors.push(error)
        if (signal.aborted || !this.#mayFailOver(error, kind)) throw error
      }
    }
  }

  #ask<T>(first: GroupMember<C>, call: RunningCall<C, T>): Promise<T> {
    const { hedgeAfterMs, clock } = this.#options
    const { kind, asked, from } = call
    const { signal } = from
    if (!kind.hedged || hedgeAfterMs === undefined || this.#members.length === asked.size)
      return this.#attempt(first, call, signal)
    const second = () => {
      const member = this.#choose(asked, kind, WELL)
      if (!member || !this.#budget.spend()) return undefined
      asked.add(member)
      this.#failovers++
      return (own: AbortSignal) => this.#attempt(member, call, own)
    }
    return hedge((own) => this.#attempt(first, call, own), second, { afterMs: hedgeAfterMs, clock, signal })
  }

  async #attempt<T>(member: GroupMember<C>, call: RunningCall<C, T>, signal: AbortSignal): Promise<T> {
    const { clock } = this.#options
    const startMs = clock.monotonic()
    let isTold = false
    const done = (outcome: Attempt['outcome'], reason?: string) => {
      if (isTold) return
      isTold = true
      call.tried.push({
        member: member.member.id,
        outcome,
        ms: clock.monotonic() - startMs,
        ...(reason !== undefined && { reason }),
      })
    }
    // At once: the answer of the one that was quicker does not wait until this one has stopped.
    if (signal !== call.from.signal)
      signal.addEventListener('abort', () => done(...stopped(signal.reason)), { once: true })
    try {
      const result = await member.call(call.send, signal, call.from.caller?.id)
      done('ok')
      return result
    } catch (error) {
      if (error instanceof Fault) done(error.code, error.message)
      else done('internal')
      throw error
    }
  }

  /** Whether another member may be asked after this; where the first may have done its part, it costs of the budget. */
  #mayFailOver(error: unknown, { repeatable }: CallKind): boolean {
    if (wasNotSent(error)) return true
    return repeatable && verdictOf(error, Number.POSITIVE_INFINITY) === 'failure' && this.#budget.spend()
  }

  #choose(asked: ReadonlySet<GroupMember<C>>, kind: CallKind, worst: Rank): GroupMember<C> | undefined {
    const members = this.#members
    if (members.length > 1) this.#outliers.look(this.#options.clock.monotonic(), members)
    let best = worst
    const ranks = members.map((member) => {
      const rank = asked.has(member) ? NEVER : rankOf(member, kind.repeatable)
      if (rank < best) best = rank
      return rank
    })
    for (const [at, member] of members.entries()) member.isOpen = ranks[at] === best
    return members[this.#balance.choose(members, asked.size > 0)]
  }
}

/** What is told of one that was stopped for another's sake, or because the caller went. */
const stopped = (reason: unknown): [Attempt['outcome'], string?] =>
  reason instanceof Fault ? [reason.code, reason.message] : ['cancelled']

interface RunningCall<C, T> {
  readonly send: Send<C, T>
  readonly from: CallFrom
  readonly kind: CallKind
  readonly tried: Attempt[]
  readonly asked: Set<GroupMember<C>>
}
