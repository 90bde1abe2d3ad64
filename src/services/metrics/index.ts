import { service, type Service } from '../../kernel/service.ts'
import { metricValue } from './metric-value.ts'
import { getPerformance, getSystemMetrics, getUsage } from './operations.ts'
import { defineMetricAlert, listMetricAlerts, removeMetricAlert } from './rule-operations.ts'
import { openRuleTable } from './rule-table.ts'
import { watchRules } from './rules.ts'
import { createSystemMeter } from './system.ts'
import { openUsageTable } from './usage-table.ts'
import { followUsage } from './usage.ts'

export interface MetricsServiceOptions {
  /** The folder whose disk matters. */
  readonly folder: string
  /** How long it is kept who used what. */
  readonly retentionDays: number
}

export const metricsService = ({ folder, retentionDays }: MetricsServiceOptions): Service =>
  service({
    name: 'metrics',
    summary: 'What the hub does in figures: its machine, how fast calls are, who uses what, and alerts on those.',
    needs: ['hub', 'store'],
    operations: [getSystemMetrics, getPerformance, getUsage, defineMetricAlert, listMetricAlerts, removeMetricAlert],
    async start({ hub, store, events, clock, log }) {
      const { performance } = hub
      const usageTable = await openUsageTable(store)
      const ruleTable = await openRuleTable(store)
      const saved = await ruleTable.all()
      const system = createSystemMeter({ clock, folder })
      const usage = followUsage({ performance, table: usageTable, clock, log, retentionDays })
      const value = (rule: Parameters<typeof metricValue>[0]) => metricValue(rule, { performance, system })
      const rules = watchRules({ table: ruleTable, saved, events, clock, log, value })
      return {
        deps: { hub, system, usage, rules },
        async stop() {
          rules.close()
          system.stop()
          await usage.close()
        },
      }
    },
  })
