import type { Target } from '../target.ts'
import { coverageOf } from './coverage.ts'
import { findingOf, type Finding } from './finding.ts'
import { createInputs } from './inputs.ts'
import { createRandom } from './random.ts'
import { shrink } from './shrink.ts'

export interface CampaignOptions {
  readonly seed: number
  /** Asked before each input: whether there is to be another, after so many. */
  goesOn(runs: number): boolean
  /** Whether inputs that reach something new are kept, and changed further: after `startCoverage`. It makes each run a millisecond longer. */
  readonly isGuided?: boolean
  /** Inputs of earlier campaigns. */
  readonly corpus?: readonly Buffer[]
  /** Told of each input before it runs, and of what comes of it. */
  readonly onRun?: (input: Buffer) => void
  readonly onKept?: (input: Buffer) => void
  readonly onFinding?: (finding: Finding) => void
}

export interface Outcome {
  readonly runs: number
  /** Inputs that others were made from at the end. */
  readonly known: number
  /** Characters of source that have run; 0 where that was not measured. */
  readonly reached: number
  /** The first of each kind, made small. */
  readonly findings: readonly Finding[]
}

/** Runs one target's seeds, then what is made of them. The same seed and number of runs give the same inputs. */
export async function runCampaign(target: Target, options: CampaignOptions): Promise<Outcome> {
  const coverage = options.isGuided ? coverageOf(target.covers) : undefined
  const { corpus = [], onRun, onKept, onFinding, goesOn } = options
  const inputs = createInputs(target, createRandom(options.seed))
  const findings = new Map<string, Finding>()
  let runs = 0

  const run = async (input: Buffer, isKnown: boolean) => {
    runs++
    onRun?.(input)
    const found = await findingOf(target, input)
    if (found && !findings.has(found.kind)) {
      const small = await shrink(target, found, onRun)
      findings.set(found.kind, small)
      onFinding?.(small)
    }
    if (!coverage?.isNew() || isKnown || found) return
    inputs.known.push(input)
    onKept?.(input)
  }

  for (const input of inputs.known.slice()) await run(input, true)
  for (const input of corpus) await run(input, false)
  while (goesOn(runs)) await run(inputs.next(), false)
  return { runs, known: inputs.known.length, reached: coverage?.reached() ?? 0, findings: [...findings.values()] }
}
