import { systemClock } from './kernel/clock.ts'
import { NO_PROFILES } from './kernel/mcp/profile.ts'
import { createSight } from './kernel/reach.ts'
import type { Service } from './kernel/service.ts'
import { approvalsService, type WaitingCalls } from './services/approvals/index.ts'
import { audit } from './services/audit/index.ts'
import { capabilitiesService } from './services/capabilities/index.ts'
import { catalogService, createKeptResults, type CatalogOptions } from './services/catalog/index.ts'
import { demo } from './services/demo/index.ts'
import { gateway } from './services/gateway/index.ts'
import { healthService } from './services/health/index.ts'
import { lb } from './services/lb/index.ts'
import { metricsService } from './services/metrics/index.ts'
import { mqttService } from './services/mqtt/index.ts'
import { DEFAULT_LIMITS } from './services/mqtt/limits.ts'
import { orchestrator } from './services/orchestrator/index.ts'
import { peopleService, type PeopleServiceOptions } from './services/people/index.ts'
import { security } from './services/security/index.ts'
import { tokens } from './services/tokens/index.ts'

/** What the configuration says about services. */
export interface ServiceChoice {
  readonly demo: boolean
  /** The data folder. */
  readonly data: string
  readonly limits: { readonly mqttSessions: number; readonly healthDays: number; readonly auditDays: number }
}

/** What services need that changes while the hub runs. */
export interface Changing {
  /** `capabilities` of `mcp.json`; another array after each change. */
  capabilities(): readonly unknown[]
  /** Calls that wait for somebody's yes; absent where none can. */
  approvals?(): WaitingCalls
  /** Absent where no MCP client is served: nothing is listed there. */
  readonly catalog?: CatalogOptions
  /** Absent where no hub runs, and so nobody lives. */
  readonly people?: PeopleServiceOptions
}

/** The services that the configuration asks for. A new one is a folder in `services/` and a line here. */
export function servicesFor({ demo: wantsDemo, data, limits }: ServiceChoice, changing: Changing): readonly Service[] {
  const mqtt = mqttService({ ...DEFAULT_LIMITS, sessions: limits.mqttSessions })
  const health = healthService({ retentionDays: limits.healthDays })
  const metrics = metricsService({ folder: data, retentionDays: limits.healthDays })
  return [
    health,
    metrics,
    orchestrator,
    lb,
    gateway,
    capabilitiesService(changing.capabilities),
    catalogService(changing.catalog ?? NO_LISTS),
    mqtt,
    approvalsService({ calls: changing.approvals ?? noneWaits, retentionDays: limits.auditDays }),
    ...(changing.people ? [peopleService(changing.people)] : []),
    tokens,
    audit,
    security,
    ...(wantsDemo ? [demo] : []),
  ]
}

const NO_LISTS: CatalogOptions = {
  profiles: NO_PROFILES,
  sight: createSight(),
  listing: (_, entries) => ({ mode: 'all', entries }),
  sent: () => [],
  kept: createKeptResults(systemClock),
}

const noneWaits = (): never => {
  throw new TypeError('No call waits where there is no hub.')
}

const NOBODY: PeopleServiceOptions = {
  origin: () => '',
  open: () => Promise.reject(new TypeError('People live where a hub runs.')),
}

/** All of them, for documentation. */
export const services = servicesFor(
  { demo: true, data: '.', limits: { mqttSessions: DEFAULT_LIMITS.sessions, healthDays: 30, auditDays: 30 } },
  { capabilities: () => [], people: NOBODY },
)
