import type { Clock } from '../../kernel/clock.ts'
import type { Events } from '../../kernel/events.ts'
import { Fault } from '../../kernel/fault.ts'
import type { Entry, Registry } from '../../kernel/registry.ts'
import { Breaker } from '../../kernel/resilience/breaker.ts'
import type { Capability, CapabilityProvider } from './definition.ts'

/** One tool that could do it, and how it is now. */
export type Candidate =
  | { readonly is: 'missing'; readonly provider: CapabilityProvider; readonly why: string }
  | { readonly is: 'down'; readonly provider: CapabilityProvider; readonly entry: Entry; readonly why: string }
  /** `why` is set where it is not at its best. */
  | {
      readonly is: 'up'
      readonly provider: CapabilityProvider
      readonly entry: Entry
      readonly breaker: Breaker
      readonly why: string | undefined
    }

export interface Candidates {
  /** Everybody that could do it, the best first: well, then not so well, then down; by preference among equals. */
  of(capability: Capability, only?: readonly string[]): readonly Candidate[]
  stop(): void
}

/** Looks, and asks nobody: what a provider says of itself, and how its tool's calls went here. */
export function createCandidates(registry: Registry, events: Events, clock: Clock): Candidates {
  // By full name; as many as there are tools in capabilities.
  const breakers = new Map<string, Breaker>()
  // What is not there costs the registry a search for what was meant: once is enough.
  const entries = new Map<string, Entry | undefined>()
  const stop = events.on('tools.changed', () => entries.clear())

  const entryOf = (name: string): Entry | undefined => {
    if (!entries.has(name)) entries.set(name, findEntry(registry, name))
    return entries.get(name)
  }

  const breakerOf = ({ tool }: Entry): Breaker => {
    const known = breakers.get(tool.name)
    if (known) return known
    const breaker = new Breaker(clock)
    breakers.set(tool.name, breaker)
    return breaker
  }

  const look = (provider: CapabilityProvider): Candidate => {
    const entry = entryOf(provider.tool)
    if (!entry) return { is: 'missing', provider, why: `there is no tool called ${provider.tool} now` }
    const { status, reason, sinceMs } = entry.provider.report()
    const since = () => `${status} since ${new Date(sinceMs).toISOString()}: ${reason ?? 'no reason known'}`
    if (status === 'unavailable') return { is: 'down', provider, entry, why: since() }
    const breaker = breakerOf(entry)
    if (!breaker.admits() && breaker.state.is !== 'closed')
      return { is: 'up', provider, entry, breaker, why: breaker.state.reason }
    return { is: 'up', provider, entry, breaker, why: status === 'degraded' ? since() : undefined }
  }

  /** By the tool's name, or the provider's. */
  const isOneOf =
    (only: readonly string[]) =>
    ({ tool }: CapabilityProvider) => {
      const entry = entryOf(tool)
      return [tool, entry?.name, entry?.provider.id].some((name) => name !== undefined && only.includes(name))
    }

  return {
    of(capability, only) {
      const named = only === undefined ? capability.providers : capability.providers.filter(isOneOf(only))
      if (named.length === 0)
        throw new Fault('not_found', `None of ${(only ?? []).join(', ').slice(0, 200)} can do ${capability.name}.`, {
          hint: `These can: ${capability.providers.map(({ tool }) => tool).join(', ')}.`,
        })
      // Sorting keeps the order of equals, which is that of preference.
      return named.map(look).sort((a, b) => rankOf(a) - rankOf(b))
    },
    stop,
  }
}

function rankOf(candidate: Candidate): number {
  if (candidate.is === 'up') return candidate.why === undefined ? 0 : 1
  return candidate.is === 'down' ? 2 : 3
}

function findEntry(registry: Registry, name: string): Entry | undefined {
  try {
    return registry.find(name)
  } catch (error) {
    if (error instanceof Fault && error.code === 'unknown_operation') return undefined
    throw error
  }
}

/** Whom a candidate belongs to, for people. */
export const ownerOf = (candidate: Candidate): string =>
  candidate.is === 'missing'
    ? (candidate.provider.tool.split('.', 1)[0] ?? candidate.provider.tool)
    : candidate.entry.provider.id
