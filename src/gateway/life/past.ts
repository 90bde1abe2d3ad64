import type { StatusReport } from '../../kernel/status.ts'
import type { LifeState } from './state.ts'

/** What lies behind the present state: "down since 14:02", not since the latest of many attempts. */
export interface Past {
  /** The next state; each once, in order. */
  note(state: LifeState): void
  /** The state as one of the four statuses that everything in the hub has. */
  report(state: LifeState): StatusReport
}

export function createPast(): Past {
  let hasRun = false
  /** Since when and why nobody can use it. */
  let outage: { readonly sinceMs: number; readonly reason: string } | undefined

  return {
    note(state) {
      if (state.is === 'ready' || state.is === 'degraded') hasRun = true
      if (state.is === 'starting') return
      const isOut = state.is === 'backing_off' || state.is === 'failed' || state.is === 'needs_login'
      outage = isOut ? { sinceMs: outage?.sinceMs ?? state.sinceMs, reason: state.reason } : undefined
    },
    report(state) {
      const { sinceMs } = state
      switch (state.is) {
        case 'ready':
          return { status: 'available', sinceMs }
        case 'degraded':
          return { status: 'degraded', sinceMs, reason: state.reason }
        case 'starting':
          if (!outage) return { status: 'unavailable', sinceMs, reason: 'it is starting' }
          return { status: 'unavailable', sinceMs: outage.sinceMs, reason: `${outage.reason}; it is starting again` }
        case 'stopped':
          if (!state.wakes) return { status: 'unavailable', sinceMs, reason: state.reason }
          return { status: hasRun ? 'available' : 'unknown', sinceMs, reason: `${state.reason}; a call starts it` }
        case 'backing_off':
        case 'failed':
        case 'needs_login':
          return { status: 'unavailable', sinceMs: outage?.sinceMs ?? sinceMs, reason: state.reason }
      }
    },
  }
}
