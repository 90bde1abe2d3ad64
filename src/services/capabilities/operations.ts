import { z } from 'zod'
import type { Clock } from '../../kernel/clock.ts'
import type { Events } from '../../kernel/events.ts'
import { Fault } from '../../kernel/fault.ts'
import { nearest } from '../../kernel/nearest.ts'
import { operation } from '../../kernel/operation.ts'
import type { Hub } from '../../kernel/ports.ts'
import type { Candidates } from './candidates.ts'
import { ownerOf, type Candidate } from './candidates.ts'
import type { Catalog } from './catalog.ts'
import type { Capability } from './definition.ts'
import { diagnose } from './diagnosis.ts'
import { execute } from './execute.ts'
import { presented } from './presented.ts'
import { servedBy, usageOf } from './served.ts'
import { subjectOf } from './subject.ts'

export interface Deps {
  readonly hub: Hub
  readonly catalog: Catalog
  readonly candidates: Candidates
  readonly clock: Clock
  readonly events: Pick<Events, 'emit'>
}

const Name = z.string().min(1).max(100)

const Health = z.enum(['well', 'not_well', 'down', 'missing'])

const Option = z.object({
  provider: z.string(),
  tool: z.string(),
  health: Health,
  reason: z.string().optional(),
})

const Tried = z.object({
  provider: z.string(),
  tool: z.string(),
  outcome: z.string().describe('ok, skipped, or the code of the fault'),
  ms: z.number(),
  reason: z.string().optional(),
})

export const listCapabilities = operation<Deps>()({
  name: 'capabilities.list_capabilities',
  summary: 'What can be done here whichever server does it, with its arguments and who would do it now.',
  scope: 'capabilities:read',
  effect: 'read',
  input: z.object({ name: z.string().max(100).optional().describe('Part of a name or description') }),
  output: z.object({
    capabilities: z.array(
      z.object({
        name: z.string(),
        description: z.string(),
        arguments: z.record(z.string(), z.string()).describe('Type and meaning by name; ? after the type: optional'),
        providers: z.array(z.string()).describe('The best first; who is down is not in it'),
      }),
    ),
  }),
  async handler({ name = '' }, { catalog, candidates }) {
    const wanted = name.toLowerCase()
    return {
      capabilities: catalog
        .list()
        .filter((one) => `${one.name} ${one.description}`.toLowerCase().includes(wanted))
        .map((capability) => ({
          name: capability.name,
          description: capability.description,
          arguments: argumentsOf(capability),
          providers: candidates
            .of(capability)
            .filter(({ is }) => is === 'up')
            .map(ownerOf),
        })),
    }
  },
})

export const executeCapability = operation<Deps>()({
  name: 'capabilities.execute_capability',
  summary: 'Does something by whoever does it best now, and by another one when that fails.',
  description:
    'list_capabilities has names and arguments. The caller needs the scope of the tool that does it. What may have happened already is not tried again elsewhere.',
  scope: 'capabilities:use',
  effect: 'destructive',
  passesOn: true,
  openWorld: true,
  timeoutMs: ({ timeout_seconds }) => timeout_seconds * 1000,
  input: z.object({
    capability: Name,
    arguments: z.record(z.string(), z.unknown()).default({}),
    providers: z.array(Name).min(1).max(20).optional().describe('Only these'),
    timeout_seconds: z.number().min(0.1).max(600).default(60).describe('For all attempts together'),
  }),
  output: z.object({
    result: z.unknown(),
    answered_by: z.string(),
    tool: z.string(),
    why: z.string().describe('Why that one'),
    tried: z.array(Tried).describe('In the order they were asked, those that were passed over included'),
  }),
  async handler({ capability: name, arguments: raw, providers, timeout_seconds }, context) {
    const { hub, catalog, candidates, clock, events } = context
    const capability = catalog.find(name)
    const execution = await execute({
      capability,
      input: capability.parse(raw),
      candidates: candidates.of(capability, providers),
      invoke: hub.invoke,
      clock,
      context,
      limitMs: timeout_seconds * 1000,
      onFallback: (to) => events.emit('capability.fell_back', { capability: capability.name, to }),
    })
    return presented(execution, context.peer)
  },
})

export const recommendProvider = operation<Deps>()({
  name: 'capabilities.recommend_provider',
  summary: 'Who would do something best now, why, and who else could. Asks nobody.',
  scope: 'capabilities:read',
  effect: 'read',
  input: z.object({ capability: Name }),
  output: z.object({
    capability: z.string(),
    recommended: z.string().optional().describe('Absent: nobody can do it now'),
    why: z.string(),
    options: z.array(Option).describe('The best first'),
  }),
  async handler({ capability: name }, { catalog, candidates }) {
    const options = candidates.of(catalog.find(name))
    const [best] = options
    const health = best ? describeOption(best) : undefined
    const why =
      health?.health === 'well' ? 'It is well, and the first in order of preference of those that are.' : health?.reason
    return {
      capability: name,
      ...(best?.is === 'up' && { recommended: ownerOf(best) }),
      why: why ?? 'Nobody offers it.',
      options: options.map(describeOption),
    }
  },
})

export const diagnoseService = operation<Deps>()({
  name: 'capabilities.diagnose_service',
  summary: 'How one service or server is, in plain words: status, errors, time, what it can do, what to do about it.',
  scope: 'capabilities:read',
  effect: 'read',
  input: z.object({ name: Name }),
  output: z.object({
    name: z.string(),
    kind: z.string().describe('service, upstream, bus, part of the hub, or the kind of server it was recognised as'),
    status: z.enum(['available', 'degraded', 'unavailable', 'unknown']),
    since: z.iso.datetime(),
    reason: z.string().optional(),
    calls: z.int(),
    errors: z.int(),
    last_call_ms: z.number().optional(),
    capabilities: z.array(z.string()),
    recommendations: z.array(z.string()),
  }),
  async handler({ name }, { hub, catalog, candidates }) {
    const subject = subjectOf(name, hub)
    if (!subject) throw noService(name, hub)
    const { provider } = subject
    const { own, others } = provider ? servedBy(provider, catalog, candidates) : { own: [], others: [] }
    return {
      name,
      kind: (provider && catalog.kindOf(provider)) ?? subject.kind,
      capabilities: own.map((capability) => capability.name),
      ...asOutput(diagnose(subject, usageOf(provider?.tools ?? [], hub.registry), own, others)),
    }
  },
})

function noService(name: string, hub: Hub): Fault {
  const meant = nearest(
    name,
    hub.parts().map((part) => part.name),
  )
  return new Fault('not_found', `There is no service or server called ${JSON.stringify(name)}.`, {
    hint: meant === undefined ? 'list_services shows what is there.' : `Did you mean ${meant}?`,
  })
}

export const servicesForCapability = operation<Deps>()({
  name: 'capabilities.services_for_capability',
  summary: 'Every server and service that can do something, the best first, with its health.',
  scope: 'capabilities:read',
  effect: 'read',
  input: z.object({ capability: Name }),
  output: z.object({ services: z.array(Option) }),
  handler: async ({ capability }, { catalog, candidates }) => ({
    services: candidates.of(catalog.find(capability)).map(describeOption),
  }),
})

function describeOption(candidate: Candidate): z.input<typeof Option> {
  const health = candidate.is === 'up' ? (candidate.why === undefined ? 'well' : 'not_well') : candidate.is
  return {
    provider: ownerOf(candidate),
    tool: candidate.provider.tool,
    health,
    ...(candidate.why !== undefined && { reason: candidate.why }),
  }
}

function argumentsOf({ input }: Capability): Record<string, string> {
  const words = Object.entries(input).map(([name, { type, optional, default: given, description }]) => {
    const mark = optional || given !== undefined ? '?' : ''
    return [name, `${type}${mark}${description === undefined ? '' : `: ${description}`}`] as const
  })
  return Object.fromEntries(words)
}

/** Lists that are only read here are the caller's to change. */
const asOutput = ({ recommendations, ...rest }: ReturnType<typeof diagnose>) => ({
  ...rest,
  recommendations: [...recommendations],
})
