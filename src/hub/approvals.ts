import { startApprovalNews } from '../adapters/mqtt/approval-news.ts'
import type { Config } from '../config.ts'
import type { Clock } from '../kernel/clock.ts'
import type { Events } from '../kernel/events.ts'
import type { Part } from '../kernel/lifecycle.ts'
import type { RootLog } from '../kernel/log.ts'
import type { Registry } from '../kernel/registry.ts'
import type { RoleTable } from '../kernel/role.ts'
import type { Tenure } from '../kernel/tenure.ts'
import { createWaitingCalls, type WaitingCalls } from '../services/approvals/index.ts'
import { redactionOf } from './audit.ts'

export interface ApprovalsOptions {
  readonly config: Pick<Config, 'limits' | 'audit'>
  readonly roles: RoleTable
  readonly registry: Registry
  readonly events: Events
  readonly tenure: Tenure
  readonly clock: Clock
  readonly log: RootLog
}

/** What the one door asks where a caller does not decide alone; the service `approvals` has its operations. */
export function createApprovals({
  config,
  roles,
  registry,
  events,
  tenure,
  clock,
  log,
}: ApprovalsOptions): WaitingCalls {
  return createWaitingCalls({
    registry,
    events,
    tenure,
    clock,
    redact: redactionOf(config, log),
    decidesAlone: (role) => roles[role].decidesAlone,
    waitMs: config.limits.approvalSeconds * 1000,
  })
}

/** Calls that wait, for phones and automations at the broker. */
export const approvalNewsPart = (
  calls: WaitingCalls,
  { events, log }: { readonly events: Events; readonly log: RootLog },
): Part => ({
  name: 'approval-news',
  needs: ['bus', 'people'],
  async start({ bus, people }) {
    if (!bus || !people) throw new TypeError('News of approvals start after the bus and the people.')
    const nameOf = (id: string) => people.get(id)?.name
    return startApprovalNews({ bus, events, log, list: () => calls.list(), nameOf })
  },
})
