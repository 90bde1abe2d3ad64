import type { AuditEntry } from '../../kernel/audit.ts'
import type { Clock } from '../../kernel/clock.ts'
import { isEndless } from '../../kernel/fault.ts'

/** Lets nobody fill the disk with what anybody can cause without end: refusals, and events that are failures. */
export interface FloodGuard {
  /** Whether the entry is to be kept as it is. Otherwise it is counted. */
  takes(entry: AuditEntry): boolean
  /** Hands over what was counted. */
  close(): void
}

const WINDOW_MS = 60_000
/** Of one kind from one address, and of all together, in full in each window. */
const FULL_OF_ONE = 5
const FULL_IN_ALL = 30
/** Kinds and addresses that are counted apart; more of them are counted together, by kind. */
const MOST_COUNTED = 30

interface Counted {
  readonly first: AuditEntry
  seen: number
  full: number
}

/** `keep` gets, at the end of each minute, one entry for each kind and address that had more. */
export function createFloodGuard(clock: Clock, keep: (entry: AuditEntry) => void): FloodGuard {
  let counted = new Map<string, Counted>()
  let fullInAll = 0
  let cancel: (() => void) | undefined

  const end = () => {
    cancel?.()
    cancel = undefined
    const ended = counted
    counted = new Map()
    fullInAll = 0
    for (const { first, seen, full } of ended.values()) if (seen > full) keep(together(first, seen - full))
  }

  return {
    takes(entry) {
      if (!isCheap(entry)) return true
      cancel ??= clock.after(WINDOW_MS, end)
      const kind = kindOf(entry)
      const own = `${kind} ${entry.address ?? entry.callerId}`
      const isApart = counted.has(own) || counted.size < MOST_COUNTED
      const key = isApart ? own : kind
      const one = counted.get(key) ?? { first: isApart ? entry : withoutAddress(entry), seen: 0, full: 0 }
      counted.set(key, one)
      one.seen++
      if (one.full >= FULL_OF_ONE || fullInAll >= FULL_IN_ALL) return false
      one.full++
      fullInAll++
      return true
    },
    close: end,
  }
}

const isCheap = ({ outcome, effect }: AuditEntry): boolean =>
  isEndless(outcome) || (effect === 'event' && outcome !== 'ok')

const kindOf = ({ effect, operation, outcome }: AuditEntry): string => (effect === 'event' ? operation : outcome)

function withoutAddress({ address: _, ...entry }: AuditEntry): AuditEntry {
  return { ...entry, callerId: 'several', callerName: 'several' }
}

/** What was called in each is not said: whoever floods chooses it. */
function together({ details: _, traceId: __, ...first }: AuditEntry, count: number): AuditEntry {
  const isEvent = first.effect === 'event'
  return {
    ...first,
    requestId: '',
    durationMs: 0,
    ...(!isEvent && { operation: 'calls.refused', provider: 'hub', effect: 'event' }),
    details: { count },
  }
}
