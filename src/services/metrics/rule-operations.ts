import { z } from 'zod'
import { Fault } from '../../kernel/fault.ts'
import { operation } from '../../kernel/operation.ts'
import { isOfSystem } from './metric-value.ts'
import type { Deps } from './operations.ts'
import { METRICS } from './rule-table.ts'
import type { RuleState } from './rules.ts'

const RuleShape = z.object({
  id: z.string(),
  metric: z.enum(METRICS),
  operation: z.string().optional(),
  provider: z.string().optional(),
  above: z.number().optional(),
  below: z.number().optional(),
  for_seconds: z.int(),
  value: z.number().optional().describe('At the latest look; absent: there is none'),
  active: z.boolean().describe('Whether it is so now; list_alerts has the alert'),
})

export const defineMetricAlert = operation<Deps>()({
  name: 'metrics.define_metric_alert',
  summary: 'Has an alert raised whenever a metric is above or below a limit for a while.',
  scope: 'metrics:write',
  effect: 'write',
  route: { method: 'POST', path: '/metrics/alert' },
  input: z.object({
    metric: z.enum(METRICS).describe('Those of calls are over the last minute'),
    operation: z.string().min(1).max(200).optional().describe('Only calls of this operation'),
    provider: z.string().min(1).max(200).optional().describe('Only calls of this service or MCP server'),
    above: z.number().optional().describe('Either this limit'),
    below: z.number().optional().describe('or this one'),
    for_seconds: z.int().min(0).max(86_400).default(60).describe('How long it must be so'),
  }),
  output: RuleShape,
  async handler({ metric, operation, provider, above, below, for_seconds: forSeconds }, { rules }) {
    const limit = above ?? below
    if (limit === undefined || (above !== undefined && below !== undefined))
      throw new Fault('invalid_input', 'An alert has one limit: either `above` or `below`.')
    if (isOfSystem(metric) && (operation !== undefined || provider !== undefined))
      throw new Fault('invalid_input', `${metric} is the hub's, not that of an operation or provider.`)
    return shown(
      await rules.add({
        metric,
        ...(operation !== undefined && { operation }),
        ...(provider !== undefined && { provider }),
        when: above === undefined ? 'below' : 'above',
        limit,
        forSeconds,
      }),
    )
  },
})

export const listMetricAlerts = operation<Deps>()({
  name: 'metrics.list_metric_alerts',
  summary: 'The alerts that are defined on metrics, with the value of each now.',
  scope: 'metrics:read',
  effect: 'read',
  route: { method: 'GET', path: '/metrics/alerts' },
  input: z.object({}),
  output: z.object({ alerts: z.array(RuleShape) }),
  handler: async (_, { rules }) => ({ alerts: rules.list().map(shown) }),
})

export const removeMetricAlert = operation<Deps>()({
  name: 'metrics.remove_metric_alert',
  summary: 'Removes an alert on a metric; what it raised is over.',
  scope: 'metrics:write',
  effect: 'destructive',
  route: { method: 'DELETE', path: '/metrics/alerts/{id}' },
  input: z.object({ id: z.string().min(1).max(100) }),
  output: RuleShape,
  handler: async ({ id }, { rules }) => shown(await rules.remove(id)),
})

const shown = ({ rule, value, isOn }: RuleState): z.input<typeof RuleShape> => ({
  id: rule.id,
  metric: rule.metric,
  ...(rule.operation !== undefined && { operation: rule.operation }),
  ...(rule.provider !== undefined && { provider: rule.provider }),
  [rule.when]: rule.limit,
  for_seconds: rule.forSeconds,
  ...(value !== undefined && { value: Math.round(value * 1000) / 1000 }),
  active: isOn,
})
