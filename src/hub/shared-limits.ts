import { shareLimits } from '../engines/limits/shared-limits.ts'
import type { CallLimits } from '../kernel/call-limits.ts'
import type { Clock } from '../kernel/clock.ts'
import type { Part } from '../kernel/lifecycle.ts'
import type { Log } from '../kernel/log.ts'

/** Hubs on one PostgreSQL share what callers may do; on SQLite there is one hub. */
export const sharedLimitsPart = (limits: CallLimits, clock: Clock, log: Log): Part => ({
  name: 'limits',
  needs: ['store'],
  async start({ store }) {
    if (!store) throw new TypeError('Limits are shared after the store runs.')
    const { stop } = await shareLimits({ store, limits, clock, log })
    return { stop }
  },
})
