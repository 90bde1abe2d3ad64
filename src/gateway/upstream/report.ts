import type { ServerDefinition } from '../../kernel/mcp/server-definition.ts'
import type { ReplicaReport, ServerReport } from '../../kernel/ports.ts'
import type { Group } from '../../kernel/resilience/group.ts'
import type { MemberStatus } from '../../kernel/resilience/group-status.ts'
import type { Connection } from '../connection/connection.ts'
import type { LifeState } from '../life/state.ts'
import type { Instance } from './instance.ts'
import type { Lists } from './listed.ts'

export interface Reported {
  readonly definition: ServerDefinition
  readonly group: Group<Connection>
  readonly instances: readonly Instance[]
  readonly lists: Lists
  readonly tools: number
  readonly held: number
  readonly interactive: boolean
}

/** From the state that serves best to the one that serves least: that of several replicas is the best one's. */
const ORDER: readonly LifeState['is'][] = [
  'ready',
  'degraded',
  'starting',
  'stopped',
  'backing_off',
  'needs_login',
  'failed',
]

export function serverReport(reported: Reported): ServerReport {
  const { definition, group, instances, lists } = reported
  const { strategy, failovers, members } = group.status()
  const [best] = instances.map(({ life }) => life.state).sort((a, b) => ORDER.indexOf(a.is) - ORDER.indexOf(b.is))
  const connection = instances.map((instance) => instance.current()).find((current) => current !== undefined)
  const [waitsFor] = instances.flatMap(({ life }) => life.waitsFor ?? [])
  const probesMs = instances.flatMap(({ life }) => life.probedAtMs ?? [])
  const name = serverOf(connection?.serverInfo ?? lists.serverInfo)
  return {
    ...group.report(),
    id: definition.id,
    name: definition.name,
    state: best?.is ?? 'stopped',
    reached: instances.map(({ reached }) => reached).join(', '),
    needs: definition.needs,
    ...(waitsFor !== undefined && { waitsFor }),
    profiles: definition.profiles,
    sharing: reported.interactive || definition.sharing === 'per_client' ? 'per_client' : 'shared',
    connections: instances.reduce((sum, { relay }) => sum + relay.leases(), 0),
    tools: reported.tools,
    prompts: lists.prompts.length,
    resources: lists.resources.length,
    held: reported.held,
    restarts: instances.reduce((sum, { restarts }) => sum + restarts, 0),
    ...(connection && { revision: connection.revision }),
    ...(name && { server: name }),
    ...(probesMs.length > 0 && { probedAtMs: Math.max(...probesMs) }),
    ...(best?.is === 'backing_off' && { nextAttemptAtMs: best.nextAtMs }),
    balance: strategy,
    failovers,
    replicas: replicaReports(members, instances),
  }
}

function serverOf({ name, version }: Readonly<Record<string, unknown>>): ServerReport['server'] {
  if (typeof name !== 'string' && typeof version !== 'string') return undefined
  return { ...(typeof name === 'string' && { name }), ...(typeof version === 'string' && { version }) }
}

function replicaReports(members: readonly MemberStatus[], instances: readonly Instance[]): ReplicaReport[] {
  const reached = new Map(instances.map((instance) => [instance.id, instance.reached]))
  return members.map(({ id, status, sinceMs, reason, weight, running, latencyMs, breaker, avoided }) => {
    const why = reason ?? avoided
    return {
      name: id,
      reached: reached.get(id) ?? '',
      status,
      sinceMs,
      ...(why !== undefined && { reason: why }),
      weight,
      running,
      ...(latencyMs !== undefined && { latencyMs }),
      breaker,
    }
  })
}
