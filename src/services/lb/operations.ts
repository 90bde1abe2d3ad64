import { z } from 'zod'
import { mayUse, type Caller } from '../../kernel/caller.ts'
import type { Clock } from '../../kernel/clock.ts'
import { Fault } from '../../kernel/fault.ts'
import { RelayedResult } from '../../kernel/mcp/relayed.ts'
import { operation } from '../../kernel/operation.ts'
import type { Gateway, Hub, ServerReport } from '../../kernel/ports.ts'
import {
  backendOf,
  BackendShape,
  balanceOf,
  BalanceShape,
  processBackends,
  processBalance,
  StrategyShape,
} from './backends.ts'

/** What every operation of this service works on. */
export interface Deps {
  readonly hub: Hub
  readonly clock: Clock
}

export const getBalance = operation<Deps>()({
  name: 'lb.get_balance',
  summary:
    'How calls are spread over the replicas of each MCP server, and over the processes of services that run beside the hub.',
  scope: 'lb:read',
  effect: 'read',
  route: { method: 'GET', path: '/lb/status' },
  input: z.object({}),
  output: z.object({ servers: z.array(BalanceShape) }),
  handler: async (_, { hub }) => ({
    servers: [...(hub.gateway()?.servers() ?? []).map(balanceOf), ...hub.processes().map(processBalance)],
  }),
})

export const listBackends = operation<Deps>()({
  name: 'lb.list_backends',
  summary: 'Every replica of every MCP server and every process of a service: health, weight, load, latency, breaker.',
  scope: 'lb:read',
  effect: 'read',
  route: { method: 'GET', path: '/lb/services' },
  input: z.object({ server: z.string().max(200).optional().describe('Only of this MCP server or service') }),
  output: z.object({ backends: z.array(BackendShape) }),
  async handler({ server }, { hub }) {
    const beside = hub.processes().filter(({ name }) => server === undefined || name === server)
    const servers = server !== undefined && beside.length > 0 ? [] : serversOf(hub, server)
    return {
      backends: [
        ...servers.flatMap(({ id, replicas }) => replicas.map((replica) => backendOf(id, replica))),
        ...beside.flatMap(processBackends),
      ],
    }
  },
})

export const configureBalance = operation<Deps>()({
  name: 'lb.configure_balance',
  summary: 'Changes how calls are spread over the replicas of an MCP server: at once, and for good.',
  description:
    'round_robin: each in turn. weighted: in proportion to the weights. least_loaded: where the fewest calls run. ' +
    'It lasts until the configuration of that server says something else than now.',
  scope: 'lb:write',
  effect: 'write',
  idempotent: true,
  route: { method: 'PUT', path: '/lb/config' },
  input: z.object({
    server: z.string().min(1).max(200),
    strategy: StrategyShape.optional(),
    weights: z
      .record(z.string(), z.number().positive().max(1000))
      .optional()
      .describe('By the name of the replica, as list_backends has it; others keep theirs'),
  }),
  output: z.object({ balance: BalanceShape, backends: z.array(BackendShape) }),
  async handler({ server, strategy, weights }, { hub }) {
    if (strategy === undefined && weights === undefined)
      throw new Fault('invalid_input', 'Say what to change: `strategy`, `weights` or both.')
    if (hub.processes().some(({ name }) => name === server)) throw balanceFixed(server)
    const gateway = gatewayOf(hub)
    await gateway.setBalance(server, {
      ...(strategy !== undefined && { strategy }),
      ...(weights !== undefined && { weights }),
    })
    const report = find(gateway, server)
    return {
      balance: balanceOf(report),
      backends: report.replicas.map((replica) => backendOf(report.id, replica)),
    }
  },
})

const balanceFixed = (service: string) =>
  new Fault(
    'conflict',
    `${service} is a service that runs beside the hub: how its calls are spread cannot be changed.`,
    {
      hint: 'Each goes to the process with the least to do; `list_backends` shows them.',
    },
  )

/** As long as a tool may take that says nothing else, and a while for those who are asked after it. */
const ROUTE_MS = 120_000

export const routeRequest = operation<Deps>()({
  name: 'lb.route_request',
  summary: 'Sends one request to whoever serves it best, and to another when that fails.',
  description:
    'A tool of an MCP server goes to one of its replicas; a capability to the first of its tools that works. ' +
    'The caller needs the scope of what is called. What may have happened already is not done again.',
  scope: 'lb:use',
  effect: 'destructive',
  passesOn: true,
  openWorld: true,
  timeoutMs: ROUTE_MS,
  route: { method: 'POST', path: '/lb/route' },
  input: z.object({
    target: z.string().min(1).max(200).describe('A tool, an operation, a capability; or an MCP server, with `tool`'),
    tool: z.string().min(1).max(200).optional().describe('The tool, where `target` is a server'),
    arguments: z.record(z.string(), z.unknown()).default({}),
  }),
  output: z.object({
    result: z.unknown(),
    answered_by: z.string().describe('The service or MCP server'),
    tool: z.string(),
    ms: z.number(),
    tried: z.array(z.unknown()).optional().describe('Of a capability: who was asked, and how that went'),
  }),
  async handler({ target, tool, arguments: input }, { hub, clock, caller, signal, emit, span }) {
    const startMs = clock.monotonic()
    const call = {
      caller,
      signal,
      emit,
      ...(span && { trace: span.traceparent }),
    }
    const entry = entryOf(hub, tool === undefined ? target : `${target}.${tool}`)
    if (!entry && tool !== undefined) throw noTool(target, tool)
    const output = entry
      ? await hub.invoke({ ...call, operation: entry.tool.name, input })
      : await hub
          .invoke({ ...call, operation: CAPABILITY, input: { capability: target, arguments: input } })
          .catch((fault: unknown) => {
            throw isServerAlone(hub, caller, target, fault) ? toolMissing(target) : fault
          })
    const ms = Math.round((clock.monotonic() - startMs) * 1000) / 1000
    if (entry) {
      const result = output instanceof RelayedResult ? output.value : output
      return { result, answered_by: entry.provider.id, tool: entry.tool.name, ms }
    }
    const { result, answered_by, tool: by, tried } = output as Executed
    return { result, answered_by, tool: by, ms, tried }
  },
})

const CAPABILITY = 'capabilities.execute_capability'

/** What executing a capability says, of which this passes on a part. */
interface Executed {
  readonly result: unknown
  readonly answered_by: string
  readonly tool: string
  readonly tried: unknown[]
}

/** It was meant as a server, of which this caller may know, and is no capability. */
const isServerAlone = (hub: Hub, { scopes }: Caller, target: string, fault: unknown): boolean =>
  fault instanceof Fault &&
  fault.code === 'not_found' &&
  mayUse(scopes, `mcp:${target}`) &&
  (hub.gateway()?.servers() ?? []).some(({ id }) => id === target)

const noTool = (server: string, tool: string) =>
  new Fault('not_found', `${JSON.stringify(server)} has no tool ${JSON.stringify(tool)}.`, {
    hint: 'List the tools to see what there is.',
  })

const toolMissing = (server: string) =>
  new Fault('invalid_input', `${server} is an MCP server: say which of its tools is asked for.`, {
    hint: `{"target": "${server}", "tool": "…", "arguments": {…}}`,
  })

/** Undefined: it is no tool, so it may be a capability. */
function entryOf({ registry }: Hub, name: string) {
  try {
    return registry.find(name)
  } catch (error) {
    if (error instanceof Fault && error.code === 'unknown_operation') return undefined
    throw error
  }
}

function gatewayOf(hub: Hub): Gateway {
  const gateway = hub.gateway()
  if (gateway) return gateway
  throw new Fault('unavailable', 'MCP servers cannot be run at the moment.', { hint: 'list_services says why.' })
}

/** Throws Fault `not_found` for a name that is none. */
function serversOf(hub: Hub, name: string | undefined): readonly ServerReport[] {
  return name === undefined ? (hub.gateway()?.servers() ?? []) : [find(gatewayOf(hub), name)]
}

function find(gateway: Gateway, name: string): ServerReport {
  const server = gateway.servers().find((one) => one.id === name || one.name === name)
  if (server) return server
  throw new Fault('not_found', `There is no MCP server called ${JSON.stringify(name.slice(0, 100))}.`, {
    hint: 'get_balance says which there are.',
  })
}
