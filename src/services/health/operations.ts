import { z } from 'zod'
import { operation } from '../../kernel/operation.ts'
import type { Hub } from '../../kernel/ports.ts'
import type { Entry } from '../../kernel/registry.ts'
import { worst } from './status.ts'

interface Deps {
  hub: Hub
  now: () => number
}

const Status = z.enum(['available', 'degraded', 'unavailable', 'unknown'])

const Since = z.iso.datetime().describe('When this status began')

const Part = z.object({
  name: z.string(),
  status: Status,
  since: Since,
  reason: z.string().optional().describe('Why it is not available'),
})

export const getHealth = operation<Deps>()({
  name: 'health.get_health',
  summary: 'Whether this hub is up, and each of its parts.',
  scope: null,
  effect: 'read',
  route: { method: 'GET', path: '/health' },
  input: z.object({}),
  output: z.object({
    status: Status.describe('Of the hub as a whole: degraded while a part is unavailable'),
    uptime_seconds: z.number().nonnegative(),
    version: z.string(),
    parts: z.record(z.string(), Status).describe('Status by name of engine, service or adapter'),
  }),
  async handler(_, { hub, now }) {
    const parts = hub.parts()
    return {
      status: worst(parts.map(({ status }) => status)),
      uptime_seconds: Math.round((now() - hub.startedMs) / 1000),
      version: hub.version,
      parts: Object.fromEntries(parts.map(({ name, status }) => [name, status])),
    }
  },
})

export const listServices = operation<Deps>()({
  name: 'health.list_services',
  summary: 'Every part of the hub with its status, since when and why, what it needs, and how its calls went.',
  description: 'Look here when a call fails as unavailable: it names the cause.',
  scope: 'health:read',
  effect: 'read',
  route: { method: 'GET', path: '/health/services' },
  input: z.object({
    status: Status.optional().describe('Only parts with this status'),
  }),
  output: z.object({
    services: z.array(
      Part.extend({
        needs: z.array(z.string()).describe('Parts that must run for this one to run'),
        operations: z.int().describe('How many operations it offers'),
        calls: z.int().describe('Calls since the hub started'),
        errors: z.int().describe('Calls of these that failed'),
        last_call_ms: z.number().optional().describe('How long the latest call took, in milliseconds'),
      }),
    ),
  }),
  async handler({ status }, { hub }) {
    const entries = Map.groupBy(hub.registry.list(), ({ provider }) => provider.id)
    const services = hub
      .parts()
      .filter((part) => status === undefined || part.status === status)
      .map(({ name, status: own, sinceMs, reason, needs }) => ({
        name,
        status: own,
        since: new Date(sinceMs).toISOString(),
        ...(reason !== undefined && { reason }),
        needs: [...needs],
        ...statisticsOf(entries.get(name) ?? []),
      }))
    return { services }
  },
})

function statisticsOf(entries: readonly Entry[]) {
  const latest = entries
    .map(({ statistics }) => statistics)
    .reduce<Entry['statistics'] | undefined>((a, b) => ((b.lastAtMs ?? -1) > (a?.lastAtMs ?? -1) ? b : a), undefined)
  return {
    operations: entries.length,
    calls: entries.reduce((sum, { statistics }) => sum + statistics.calls, 0),
    errors: entries.reduce((sum, { statistics }) => sum + statistics.errors, 0),
    ...(latest?.lastMs !== undefined && { last_call_ms: Math.round(latest.lastMs * 1000) / 1000 }),
  }
}
