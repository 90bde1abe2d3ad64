import { service, type Service } from '../../kernel/service.ts'
import { listAlerts, raiseAlert, resolveAlert } from './alert-operations.ts'
import { openAlertTable } from './alert-table.ts'
import { openAlerts } from './alerts.ts'
import { openHealthHistory } from './history.ts'
import { checkAll, checkService, getHealth, getService, listServices } from './operations.ts'
import { announceChanges, offers } from './resource.ts'
import { watchHealth } from './watch.ts'

/** `retentionDays`: how long changes of status, latencies and alerts are kept. */
export const healthService = ({ retentionDays }: { readonly retentionDays: number }): Service =>
  service({
    name: 'health',
    summary: 'How the hub, its parts and the MCP servers behind it are doing, and were.',
    needs: ['hub', 'store'],
    operations: [getHealth, listServices, getService, checkService, checkAll, listAlerts, raiseAlert, resolveAlert],
    offers,
    async start({ hub, store, events, clock, log }) {
      const history = await openHealthHistory({ store, clock, log, retentionDays })
      const alerts = await openAlerts({ table: await openAlertTable(store), events, clock, log, retentionDays })
      const endWatch = watchHealth({ hub, events, clock, history, alerts })
      const endAnnouncements = announceChanges(events)
      return {
        deps: { hub, store, clock, history, alerts, checkedMs: new Map() },
        async stop() {
          endAnnouncements()
          endWatch()
          await alerts.close()
          await history.close()
        },
      }
    },
  })
