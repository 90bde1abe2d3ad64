import { z } from 'zod'
import type { Caller } from '../src/kernel/caller.ts'
import { createEvents, type Events } from '../src/kernel/events.ts'
import { noAudit } from '../src/kernel/audit.ts'
import { systemClock } from '../src/kernel/clock.ts'
import { openDoor, type Invoke } from '../src/kernel/invoke.ts'
import { silentLog } from '../src/kernel/log.ts'
import { createMetrics } from '../src/kernel/metrics.ts'
import { operation } from '../src/kernel/operation.ts'
import { createPolicy } from '../src/kernel/policy.ts'
import { createRegistry, type Registry } from '../src/kernel/registry.ts'

export const CALLER: Caller = { id: 'owner', name: 'owner', scopes: ['*'], via: 'internal' }

/** Answers at once: what is measured is the way there and back. */
export const ping = operation()({
  name: 'bench.ping',
  summary: 'Answers.',
  scope: 'bench:read',
  effect: 'read',
  input: z.object({ session_id: z.string().optional() }),
  output: z.object({ pong: z.literal(true), time: z.string() }),
  handler: async () => ({ pong: true as const, time: new Date().toISOString() }),
}).bind({})

export interface BenchDoor {
  readonly invoke: Invoke
  readonly registry: Registry
  readonly events: Events
}

/** The kernel, with a service that answers or with none. */
export function benchDoor(content: 'service' | 'nothing'): BenchDoor {
  const events = createEvents(() => undefined)
  const registry = createRegistry(events)
  if (content === 'service')
    registry.add({
      id: 'bench',
      kind: 'service',
      tools: [ping],
      report: () => ({ status: 'available', sinceMs: 0 }),
    })
  const policy = createPolicy({ callsPerMinute: Number.POSITIVE_INFINITY, timeoutMs: 30_000 })
  const metrics = createMetrics({ clock: systemClock })
  const { invoke } = openDoor({
    registry,
    policy,
    metrics,
    audit: noAudit,
    clock: systemClock,
    log: silentLog,
    checkOutput: false,
  })
  return { invoke, registry, events }
}

/** An entry that is written at the end: when it is on disk, all before it are. */
export const LAST = {
  requestId: 'last',
  atMs: 0,
  callerId: 'owner',
  via: 'internal',
  operation: 'bench.ping',
  provider: 'bench',
  effect: 'write',
  outcome: 'ok',
  durationMs: 0,
} as const
