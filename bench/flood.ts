import { startChild, type Child } from './child.ts'

export interface FloodJob {
  readonly port: number
  /** Whole HTTP requests, one after the other. */
  readonly requests: readonly string[]
  readonly perSecond: number
  readonly durationMs: number
}

export interface FloodResult {
  /** How many answers had which status. */
  readonly statuses: Readonly<Record<string, number>>
  /** Answers. */
  readonly perSecond: number
}

export const startFlood = (): Promise<Child<FloodJob, FloodResult>> =>
  startChild(new URL('./flood.child.ts', import.meta.url))
