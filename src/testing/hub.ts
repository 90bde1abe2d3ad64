import type { Approvals } from '../kernel/approval.ts'
import { noAudit, type Audit } from '../kernel/audit.ts'
import type { CallLimits } from '../kernel/call-limits.ts'
import type { Caller } from '../kernel/caller.ts'
import { systemClock, type Clock } from '../kernel/clock.ts'
import { createEvents, type Events } from '../kernel/events.ts'
import { openDoor, type Door } from '../kernel/invoke.ts'
import { createLifecycle } from '../kernel/lifecycle.ts'
import { silentLog, type Log } from '../kernel/log.ts'
import { createMetrics, type Metrics } from '../kernel/metrics.ts'
import type { Hub } from '../kernel/ports.ts'
import { createPolicy, type PolicyOptions } from '../kernel/policy.ts'
import type { ArgumentKeeping } from '../kernel/recorder.ts'
import { createRegistry, type Registry } from '../kernel/registry.ts'
import type { Tool } from '../kernel/tool.ts'
import type { Tracer } from '../kernel/trace.ts'

export const owner: Caller = { id: 'owner', name: 'owner', scopes: ['*'], via: 'internal' }

export const callerWith = (...scopes: string[]): Caller => ({ id: 'guest', name: 'guest', scopes, via: 'internal' })

export interface TestDoor extends Door {
  registry: Registry
  events: Events
  metrics: Metrics
  quotaOf: CallLimits['quotaOf']
}

export interface TestDoorOptions {
  clock?: Clock
  audit?: Audit
  keepArguments?: ArgumentKeeping
  log?: Log
  tracer?: Tracer
  /** Made from the registry and events of the door. */
  approvals?: (around: Pick<TestDoor, 'registry' | 'events'>) => Approvals
}

/** The kernel around some tools, with every result checked against its schema; no engine, no socket. */
export function testDoor(tools: readonly Tool[], options: Partial<PolicyOptions> & TestDoorOptions = {}): TestDoor {
  const clock = options.clock ?? systemClock
  const events = createEvents((error) => {
    throw error
  })
  const registry = createRegistry(events)
  const services = Map.groupBy(tools, (tool) => tool.name.split('.')[0] ?? '')
  for (const [id, own] of services)
    registry.add({ id, kind: 'service', tools: own, report: () => ({ status: 'available', sinceMs: 0 }) })
  const policy = createPolicy({ callsPerMinute: 1_000_000, timeoutMs: 30_000, ...options })
  const metrics = createMetrics({ clock })
  const door = openDoor({
    registry,
    policy,
    metrics,
    audit: options.audit ?? noAudit,
    ...(options.keepArguments && { keepArguments: options.keepArguments }),
    clock,
    log: options.log ?? silentLog,
    ...(options.tracer && { tracer: options.tracer }),
    ...(options.approvals && { approvals: options.approvals({ registry, events }) }),
    checkOutput: true,
  })
  return { ...door, registry, events, metrics, quotaOf: policy.limits.quotaOf }
}

/** A hub that is nothing but that door: no parts, no other servers. */
export function testHub({ invoke, registry, metrics }: TestDoor, more: Partial<Hub> = {}): Hub {
  return {
    invoke,
    registry,
    parts: () => [],
    version: '1.2.3',
    startedMs: 0,
    uptimeMs: () => 0,
    metrics: () => metrics.exposition(),
    performance: metrics.performance,
    control: createLifecycle([], {
      clock: systemClock,
      events: createEvents(() => undefined),
      log: silentLog,
      startTimeoutMs: 1000,
      stopTimeoutMs: 1000,
    }).control,
    gateway: () => undefined,
    processes: () => [],
    ...more,
  }
}
