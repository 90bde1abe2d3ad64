import { z } from 'zod'
import { operation } from '../../kernel/operation.ts'
import { SEVERITIES, type Alert } from './alert-table.ts'
import { time, type Deps } from './shapes.ts'

const AlertShape = z.object({
  id: z.string(),
  about: z.string().describe('The service, MCP server or metric'),
  severity: z.enum(SEVERITIES),
  message: z.string(),
  raised_by: z.string().describe('`health`, `metrics`, or who raised it by hand'),
  raised_at: z.iso.datetime(),
  resolved_at: z.iso.datetime().optional(),
})

export const listAlerts = operation<Deps>()({
  name: 'health.list_alerts',
  summary: 'What is wrong at the moment, the oldest first; on request also what was.',
  scope: 'health:read',
  effect: 'read',
  route: { method: 'GET', path: '/health/alerts' },
  input: z.object({
    past: z.int().min(0).max(500).default(0).describe('Also so many that are over, the latest first'),
  }),
  output: z.object({ alerts: z.array(AlertShape), past: z.array(AlertShape) }),
  handler: async ({ past }, { alerts }) => ({
    alerts: alerts.active().map(shown),
    past: past === 0 ? [] : (await alerts.past(past)).map(shown),
  }),
})

export const raiseAlert = operation<Deps>()({
  name: 'health.raise_alert',
  summary: 'Raises an alert by hand, which lasts until somebody resolves it.',
  scope: 'health:write',
  effect: 'write',
  idempotent: true,
  route: { method: 'POST', path: '/health/alert' },
  input: z.object({
    about: z.string().min(1).max(200).describe('What it is about: a service, a room, anything'),
    message: z.string().min(1).max(2000),
    severity: z.enum(SEVERITIES).default('warning'),
  }),
  output: AlertShape,
  handler: async ({ about, message, severity }, { alerts, caller }) =>
    shown(await alerts.raise({ key: `${caller.id} ${about} ${message}`, about, message, severity, by: caller.name })),
})

export const resolveAlert = operation<Deps>()({
  name: 'health.resolve_alert',
  summary: 'Ends an alert. One that the hub raised comes back while its cause lasts.',
  scope: 'health:write',
  effect: 'write',
  route: { method: 'DELETE', path: '/health/alerts/{id}' },
  input: z.object({ id: z.string().min(1).max(100) }),
  output: AlertShape,
  handler: async ({ id }, { alerts }) => shown(await alerts.resolve(id)),
})

export const shown = ({
  id,
  about,
  severity,
  message,
  by,
  raisedMs,
  resolvedMs,
}: Alert): z.input<typeof AlertShape> => ({
  id,
  about,
  severity,
  message,
  raised_by: by,
  raised_at: time(raisedMs),
  ...(resolvedMs !== undefined && { resolved_at: time(resolvedMs) }),
})
