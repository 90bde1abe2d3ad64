import { nearest } from '../../kernel/nearest.ts'
import { didYouMean } from '../explain.ts'
import { fingerprintOf } from './fingerprint.ts'
import { refused, serverOf, type Outcome } from './outcome.ts'

/** `needs` as ids, whether the file names servers by name or id, and a warning for each that is nothing. */
export function withKnownNeeds(outcomes: readonly Outcome[], reserved: readonly string[]): Outcome[] {
  const ids = new Map(outcomes.map(serverOf).map(({ name, id }) => [name, id]))
  const known = new Set([...ids.values(), ...reserved])
  return outcomes.map((outcome) => {
    if (!('definition' in outcome) || outcome.definition.needs.length === 0) return outcome
    const { fingerprint: _, ...definition } = outcome.definition
    const needs = definition.needs.map((need) => ids.get(need) ?? need)
    const strangers = needs.filter((need) => !known.has(need))
    const warnings = strangers.map((need) => ({
      ...outcome.line,
      text: `${definition.name} needs ${need}, which is neither a server nor a part of Alicia${didYouMean(nearest(need, known))}`,
    }))
    const changed = { ...definition, needs }
    return {
      ...outcome,
      warnings: [...outcome.warnings, ...warnings],
      definition: { ...changed, fingerprint: fingerprintOf(changed) },
    }
  })
}

/** Servers that need themselves, by way of others too, are refused: none of them could start first. */
export function withoutCycles(outcomes: readonly Outcome[]): Outcome[] {
  const needsOf = new Map(
    outcomes.flatMap((outcome) =>
      'definition' in outcome ? [[outcome.definition.id, outcome.definition.needs] as const] : [],
    ),
  )
  return outcomes.map((outcome) => {
    const { id } = serverOf(outcome)
    const way = wayBack(id, needsOf)
    return way ? refused(outcome, `it needs itself: ${[...way, id].join(' → ')}`) : outcome
  })
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
