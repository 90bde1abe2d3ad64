import type { Provider, Registry } from '../../kernel/registry.ts'
import { ownerOf, type Candidates } from './candidates.ts'
import type { Catalog } from './catalog.ts'
import type { Capability } from './definition.ts'
import type { Usage } from './diagnosis.ts'

/** What a provider can do, and who else is up and can do some of it. */
export function servedBy(
  provider: Provider,
  catalog: Catalog,
  candidates: Candidates,
): { own: readonly Capability[]; others: readonly string[] } {
  const own: Capability[] = []
  const others = new Set<string>()
  for (const capability of catalog.list()) {
    const able = candidates.of(capability)
    if (!able.some((candidate) => ownerOf(candidate) === provider.id)) continue
    own.push(capability)
    for (const candidate of able)
      if (candidate.is === 'up' && ownerOf(candidate) !== provider.id) others.add(ownerOf(candidate))
  }
  return { own, others: [...others].sort() }
}

/** How the calls of all its tools went since the hub started. */
export function usageOf(tools: Provider['tools'], registry: Registry): Usage {
  const all = tools.map(({ name }) => registry.find(name).statistics)
  const latest = all.reduce<(typeof all)[number] | undefined>(
    (a, b) => ((b.lastAtMs ?? -1) > (a?.lastAtMs ?? -1) ? b : a),
    undefined,
  )
  return {
    calls: all.reduce((sum, { calls }) => sum + calls, 0),
    errors: all.reduce((sum, { errors }) => sum + errors, 0),
    lastMs: latest?.lastMs,
  }
}
