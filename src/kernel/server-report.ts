import type { Strategy } from './resilience/balance.ts'
import type { StatusReport } from './status.ts'

/** How one upstream server is doing. */
export interface ServerReport extends StatusReport {
  readonly id: string
  /** As its user wrote it. */
  readonly name: string
  readonly state: 'stopped' | 'starting' | 'ready' | 'degraded' | 'backing_off' | 'failed' | 'needs_login'
  /** `stdio: npx -y …`, or the address without credentials. */
  readonly reached: string
  readonly needs: readonly string[]
  /** What it needs and is down, "mosquitto is down since 14:02": it can be used again when that can. */
  readonly waitsFor?: string
  readonly profiles: readonly string[]
  readonly sharing: 'shared' | 'per_client'
  /** Connections besides the shared one. */
  readonly connections: number
  readonly tools: number
  readonly prompts: number
  readonly resources: number
  readonly held: number
  /** Since the hub started. */
  readonly restarts: number
  readonly revision?: string
  readonly server?: { readonly name?: string; readonly version?: string }
  /** Of the process group; stdio servers that run only. */
  readonly memoryMegabytes?: number
  /** The same; user and system time since its processes started. */
  readonly cpuSeconds?: number
  /** Wall-clock milliseconds of the next attempt, while it is backing off. */
  readonly nextAttemptAtMs?: number
  /** Wall-clock milliseconds of the latest time that the hub asked it by itself how it is, as it does while nobody calls it. */
  readonly probedAtMs?: number
  /** How calls are spread over the replicas. */
  readonly balance: Strategy
  /** Calls that were passed on to another replica, since the hub started. */
  readonly failovers: number
  readonly replicas: readonly ReplicaReport[]
}

/** One of several equal servers, as the balancer sees it. */
export interface ReplicaReport extends StatusReport {
  readonly name: string
  readonly reached: string
  readonly weight: number
  /** Calls running now. */
  readonly running: number
  /** Smoothed; absent before the first answer. */
  readonly latencyMs?: number
  readonly breaker: 'closed' | 'open' | 'half_open'
}
