import type { ServerDefinition } from '../../kernel/mcp/server-definition.ts'
import { nearest } from '../../kernel/nearest.ts'
import { didYouMean } from '../explain.ts'
import type { Problem } from '../problem.ts'
import { fingerprintOf } from './definition.ts'

interface Known {
  /** Ids by name. */
  readonly known: ReadonlyMap<string, string>
  readonly reserved: readonly string[]
  readonly line: Pick<Problem, 'source' | 'line'>
}

/** `needs` as ids, whether the file names servers by name or id, and a warning for each that is nothing. */
export function withKnownNeeds(server: ServerDefinition, { known, reserved, line }: Known) {
  if (server.needs.length === 0) return { definition: server, warnings: [] }
  const ids = new Set([...known.values(), ...reserved])
  const needs = server.needs.map((need) => known.get(need) ?? need)
  const warnings = needs
    .filter((need) => !ids.has(need))
    .map((need): Problem => ({
      ...line,
      text: `${server.name} needs ${need}, which is neither a server nor a part of Alicia${didYouMean(nearest(need, ids))}`,
    }))
  const { fingerprint: _, ...rest } = { ...server, needs }
  return { definition: { ...rest, fingerprint: fingerprintOf(rest) }, warnings }
}

/** Servers that need themselves by way of others: by id, the circle in words. */
export function cyclesIn(servers: readonly ServerDefinition[]): Map<string, string> {
  const needsOf = new Map(servers.map(({ id, needs }) => [id, needs]))
  const cycles = new Map<string, string>()
  for (const { id } of servers) {
    const way = wayBack(id, needsOf)
    if (way) cycles.set(id, `it needs itself: ${[...way, id].join(' → ')}`)
  }
  return cycles
}

/** The shortest way from a server through its needs to itself: breadth first. */
function wayBack(start: string, needsOf: ReadonlyMap<string, readonly string[]>): string[] | undefined {
  const seen = new Set<string>()
  let ways = [[start]]
  while (ways.length > 0) {
    const next: string[][] = []
    for (const way of ways)
      for (const need of needsOf.get(way.at(-1) ?? '') ?? []) {
        if (need === start) return way
        if (seen.has(need)) continue
        seen.add(need)
        next.push([...way, need])
      }
    ways = next
  }
  return undefined
}
