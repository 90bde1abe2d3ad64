import type { Cause } from './cause.ts'

/** Where an upstream is in its life. `sinceMs` is wall-clock milliseconds. */
export type LifeState = Down | Starting | Up | BackingOff

/** Nothing runs, and nothing will by itself. */
export type Down =
  | {
      readonly is: 'stopped'
      readonly sinceMs: number
      readonly reason: string
      /** Whether a call starts it; not when a person stopped it. */
      readonly wakes: boolean
    }
  | (Cause & { readonly is: 'failed'; readonly sinceMs: number; readonly attempts: number })
  | (Cause & { readonly is: 'needs_login'; readonly sinceMs: number })

export interface Starting {
  readonly is: 'starting'
  readonly sinceMs: number
  /** 1 for the first in a row. */
  readonly attempt: number
  /** Why it is started anew, where nobody asked for it and it did not break. */
  readonly reason?: string
}

export type Up =
  | { readonly is: 'ready'; readonly sinceMs: number }
  | { readonly is: 'degraded'; readonly sinceMs: number; readonly reason: string }

export interface BackingOff extends Cause {
  readonly is: 'backing_off'
  readonly sinceMs: number
  /** Attempts in a row that failed. */
  readonly attempts: number
  /** Wall-clock milliseconds of the next one. */
  readonly nextAtMs: number
}
