import { z } from 'zod'
import { operation } from '../../kernel/operation.ts'
import type { StatusReport } from '../../kernel/status.ts'
import { nameOf, type Orchestration, type Target } from './orchestration.ts'

/** What every operation of this service works on. */
export interface Deps {
  readonly orchestration: Orchestration
}

/** A server may be downloaded at its first start, and so may those that it needs. */
const START_MS = 180_000

const StateShape = z.object({
  name: z.string(),
  kind: z
    .enum(['part', 'server', 'process'])
    .describe('`part` of this hub, another MCP `server` behind it, or a service that runs in a `process` of its own'),
  state: z.enum([
    'waiting',
    'starting',
    'running',
    'failed',
    'stopped',
    'ready',
    'degraded',
    'backing_off',
    'needs_login',
  ]),
  status: z.enum(['available', 'degraded', 'unavailable', 'unknown']),
  since: z.iso.datetime(),
  reason: z.string().optional(),
  restarts: z.int().optional().describe('Since the hub started; not known of a process of its own'),
  needs: z.array(z.string()),
  needed_by: z.array(z.string()).describe('What goes down with it'),
  essential: z.boolean().describe('The hub is of no use without it: it cannot be stopped'),
})

const input = z.object({ name: z.string().min(1).max(200).describe('As get_orchestration has it') })

export const getOrchestration = operation<Deps>()({
  name: 'orchestrator.get_orchestration',
  summary: 'Every service and MCP server: its state, its restarts, what it needs and what needs it.',
  scope: 'orchestrator:read',
  effect: 'read',
  route: { method: 'GET', path: '/orchestrator/status' },
  input: z.object({ name: z.string().max(200).optional().describe('Only this one') }),
  output: z.object({ services: z.array(StateShape) }),
  async handler({ name }, { orchestration }) {
    const targets = name === undefined ? orchestration.targets() : [orchestration.target(name)]
    return { services: targets.map((target) => shown(target, orchestration)) }
  },
})

export const startService = operation<Deps>()({
  name: 'orchestrator.start_service',
  summary: 'Starts a service or MCP server after what it needs, and waits until it is up.',
  scope: 'orchestrator:write',
  effect: 'write',
  idempotent: true,
  timeoutMs: START_MS,
  route: { method: 'POST', path: '/orchestrator/start' },
  input,
  output: StateShape,
  async handler({ name }, { orchestration, signal }) {
    await orchestration.start(name, signal)
    return shown(orchestration.target(name), orchestration)
  },
})

export const stopService = operation<Deps>()({
  name: 'orchestrator.stop_service',
  summary: 'Stops a service or MCP server, and first what needs it, until somebody starts it.',
  description: 'needed_by in get_orchestration says what goes down with it. Store, broker and HTTP cannot be stopped.',
  scope: 'orchestrator:write',
  effect: 'write',
  idempotent: true,
  route: { method: 'POST', path: '/orchestrator/stop' },
  input,
  output: StateShape,
  async handler({ name }, { orchestration }) {
    await orchestration.stop(name)
    return shown(orchestration.target(name), orchestration)
  },
})

export const restartService = operation<Deps>()({
  name: 'orchestrator.restart_service',
  summary: 'Stops a service or MCP server with what needs it, and starts all of that again in the right order.',
  scope: 'orchestrator:write',
  effect: 'write',
  timeoutMs: START_MS,
  route: { method: 'POST', path: '/orchestrator/restart' },
  input,
  output: StateShape,
  async handler({ name }, { orchestration, signal }) {
    await orchestration.restart(name, signal)
    return shown(orchestration.target(name), orchestration)
  },
})

function shown(target: Target, orchestration: Orchestration): z.input<typeof StateShape> {
  const name = nameOf(target)
  const [, ...neededBy] = orchestration.affected(name)
  const common = { name, needed_by: neededBy }
  if (target.is === 'server') {
    const { server } = target
    const { state, restarts, needs } = server
    return { ...common, kind: 'server', state, restarts, needs: [...needs], essential: false, ...statusOf(server) }
  }
  if (target.is === 'process') {
    const { part } = target
    const state = STATES[part.status]
    return { ...common, kind: 'process', state, needs: [...part.needs], essential: false, ...statusOf(part) }
  }
  const { part } = target
  const { state, restarts, needs, essential } = part
  return { ...common, kind: 'part', state, restarts, needs: [...needs], essential, ...statusOf(part) }
}

/** Of a process of its own: how it came to be away is for whoever runs it, the hub waits for it. */
const STATES = { available: 'running', degraded: 'degraded', unavailable: 'waiting', unknown: 'waiting' } as const

const statusOf = ({ status, sinceMs, reason }: StatusReport) => ({
  status,
  since: new Date(sinceMs).toISOString(),
  ...(reason !== undefined && { reason }),
})
