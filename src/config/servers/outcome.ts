import type { ServerDefinition } from '../../kernel/mcp/server-definition.ts'
import type { Problem } from '../problem.ts'
import { fingerprintOf } from './fingerprint.ts'

/** A server that stands in a file and cannot be run as it is written there. */
export interface UnusableServer {
  /** Like that of a definition; unlike all others even where two names give the same one. */
  readonly id: string
  readonly name: string
  /** False: nobody misses it. */
  readonly enabled: boolean
  /** `missing`: a variable, secret or file that can still come; `wrong`: the file has to be changed. */
  readonly is: 'missing' | 'wrong'
  /** Names file, line and what is wanted, never a value. */
  readonly problem: Problem
  /** Changes with the problem. */
  readonly fingerprint: string
}

/** What became of one server of a file. */
export type Outcome = {
  readonly line: Required<Pick<Problem, 'source' | 'line'>>
  readonly value: unknown
  readonly warnings: readonly Problem[]
} & ({ readonly definition: ServerDefinition } | { readonly unusable: UnusableServer })

/** With its fingerprint. */
export const unusable = (server: Omit<UnusableServer, 'fingerprint'>): UnusableServer => ({
  ...server,
  // A line number alone is no change.
  fingerprint: fingerprintOf({ ...server, problem: server.problem.text }),
})

export const serverOf = (outcome: Outcome) => ('definition' in outcome ? outcome.definition : outcome.unusable)

/** The same server, refused by what stands around it. */
export function refused(outcome: Outcome, text: string, id = serverOf(outcome).id): Outcome {
  const { line, value, warnings } = outcome
  const { name, enabled } = serverOf(outcome)
  return { line, value, warnings, unusable: unusable({ id, name, enabled, is: 'wrong', problem: { ...line, text } }) }
}
