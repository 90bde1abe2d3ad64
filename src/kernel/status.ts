/** How well something works: a service, an engine, an upstream server. */
export type Status = 'available' | 'degraded' | 'unavailable' | 'unknown'

/** A status with what a person needs to understand it. */
export interface StatusReport {
  status: Status
  /** Wall-clock milliseconds since which it is so. */
  sinceMs: number
  /** Why, in words; absent while all is well. */
  reason?: string
}

/** The same of a part of the hub, with the parts that must run for it to run. */
export interface PartReport extends StatusReport {
  readonly name: string
  readonly needs: readonly string[]
}
