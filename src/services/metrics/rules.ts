import type { Clock } from '../../kernel/clock.ts'
import type { Events } from '../../kernel/events.ts'
import { Fault } from '../../kernel/fault.ts'
import type { Log } from '../../kernel/log.ts'
import type { Rule, RuleTable } from './rule-table.ts'

export interface RulesOptions {
  readonly table: Pick<RuleTable, 'insert' | 'remove'>
  /** Those of before. */
  readonly saved: readonly Rule[]
  readonly events: Events
  readonly clock: Clock
  readonly log: Log
  /** The metric now; undefined: there is none, as of an operation that nobody called. */
  value(rule: Rule): Promise<number | undefined>
}

/** A rule with how things are. */
export interface RuleState {
  readonly rule: Rule
  /** At the latest look. */
  readonly value: number | undefined
  readonly isOn: boolean
}

/** Alerts on metrics; `health` keeps what they raise. */
export interface Rules {
  list(): readonly RuleState[]
  /** Throws Fault `conflict` when there are too many. */
  add(rule: Omit<Rule, 'id'>): Promise<RuleState>
  /** Throws Fault `not_found`. */
  remove(id: string): Promise<RuleState>
  close(): void
}

const LOOK_MS = 10_000
const MOST_RULES = 100

interface Watched {
  readonly rule: Rule
  value: number | undefined
  /** Monotonic milliseconds; undefined: all is well. */
  sinceMs: number | undefined
  isOn: boolean
}

export function watchRules({ table, saved, events, clock, log, value }: RulesOptions): Rules {
  const watched = new Map(saved.map((rule) => [rule.id, fresh(rule)]))
  let isClosed = false

  const tell = ({ rule, value = 0, isOn }: Watched) =>
    events.emit('alarm.changed', {
      by: 'metrics',
      key: rule.id,
      about: aboutOf(rule),
      message: says(rule, value),
      isOn,
    })

  const look = async (one: Watched) => {
    const { rule } = one
    one.value = await value(rule)
    const isBad = one.value !== undefined && (rule.when === 'above' ? one.value > rule.limit : one.value < rule.limit)
    one.sinceMs = isBad ? (one.sinceMs ?? clock.monotonic()) : undefined
    one.isOn = one.sinceMs !== undefined && clock.monotonic() - one.sinceMs >= rule.forSeconds * 1000
    // Every time: whoever keeps alerts may have come later.
    if (watched.get(rule.id) === one && !isClosed) tell(one)
  }

  const lookAtAll = async () => {
    for (const one of watched.values())
      await look(one).catch((error: unknown) => log.warn('a metric could not be read', { rule: one.rule.id, error }))
    if (!isClosed) cancel = clock.after(LOOK_MS, () => void lookAtAll())
  }
  let cancel = clock.after(LOOK_MS, () => void lookAtAll())

  return {
    list: () => [...watched.values()],
    async add(rule) {
      if (watched.size >= MOST_RULES)
        throw new Fault('conflict', `There are ${MOST_RULES} alerts on metrics already.`, { hint: 'Remove some.' })
      const made = fresh({ ...rule, id: crypto.randomUUID() })
      await table.insert(made.rule)
      watched.set(made.rule.id, made)
      await look(made)
      return made
    },
    async remove(id) {
      const one = watched.get(id)
      if (!one) throw new Fault('not_found', `There is no alert on metrics ${JSON.stringify(id.slice(0, 100))}.`)
      await table.remove(id)
      watched.delete(id)
      tell({ ...one, isOn: false })
      return one
    },
    close() {
      isClosed = true
      cancel()
    },
  }
}

const fresh = (rule: Rule): Watched => ({ rule, value: undefined, sinceMs: undefined, isOn: false })

const aboutOf = ({ operation, provider, metric }: Rule) => operation ?? provider ?? metric

function says({ metric, operation, provider, when, limit, forSeconds }: Rule, value: number): string {
  const subject = operation ?? provider
  const whose = subject === undefined ? '' : ` of ${subject}`
  const long = forSeconds === 0 ? '' : ` for ${forSeconds} s`
  return `${metric}${whose} is ${when} ${limit}${long}: ${Math.round(value * 100) / 100}`
}
