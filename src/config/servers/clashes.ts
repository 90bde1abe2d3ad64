import { refused, serverOf, type Outcome } from './outcome.ts'

/** Of two that would have the same id, the second is refused; so is one that is called like a part of the hub. */
export function withoutClashes(outcomes: readonly Outcome[], reserved: readonly string[]): Outcome[] {
  const taken = new Map<string, { readonly name: string; readonly line: Outcome['line'] }>()
  return outcomes.map((outcome) => {
    const { id, name } = serverOf(outcome)
    const refuse = (text: string): Outcome => {
      const ownId = freeId(id, taken)
      taken.set(ownId, { name, line: outcome.line })
      return refused(outcome, text, ownId)
    }
    const other = taken.get(id)
    if (other) {
      const where = `${other.line.source}:${other.line.line}`
      return refuse(`${name} gives the same id (${id}) as ${other.name} in ${where}; rename one of them`)
    }
    if (reserved.includes(id)) return refuse(`${name} is the name of a part of Alicia; give the server another`)
    taken.set(id, { name, line: outcome.line })
    return outcome
  })
}

function freeId(id: string, taken: ReadonlyMap<string, unknown>): string {
  let number = 2
  while (taken.has(`${id}-${number}`)) number += 1
  return `${id}-${number}`
}
