import * as fc from 'fast-check'
import type { Target } from '../target.ts'
import { mutate, stretch } from './mutate.ts'
import type { Random } from './random.ts'

const LONGEST_BYTES = 65_536
/** Made at a time: fast-check takes a while to begin. */
const SAMPLES = 64

/** Where inputs come from: from scratch by structure, and by changing those that are known. */
export interface Inputs {
  /** All that others are made from. */
  readonly known: Buffer[]
  next(): Buffer
}

export function createInputs(
  { seeds, generate, tokens = [], longestBytes = LONGEST_BYTES }: Target,
  random: Random,
): Inputs {
  const known = seeds.map((seed) => Buffer.from(seed as string))
  const words = tokens.map((token) => Buffer.from(token))
  let samples: Buffer[] = []

  const made = (): Buffer | undefined => {
    if (!generate) return undefined
    if (samples.length === 0)
      samples = fc
        .sample(generate, { numRuns: SAMPLES, seed: random.below(0x7fffffff) })
        .map((sample) => Buffer.from(sample as string))
    return samples.pop()
  }

  return {
    known,
    next() {
      const material = { random, other: random.pick(known) ?? Buffer.alloc(0), tokens: words, longestBytes }
      const start = random.oneIn(4) || known.length === 0 ? made() : undefined
      if (start && random.oneIn(2)) return start.subarray(0, longestBytes)
      const input = start ?? chosen(known, random)
      return random.oneIn(40) ? stretch(input, material) : mutate(input, material)
    },
  }
}

/** Half of the time one of the latest, which reach what others do not. */
function chosen(known: readonly Buffer[], random: Random): Buffer {
  const from = random.oneIn(2) ? Math.max(0, known.length - 16) : 0
  return known[from + random.below(known.length - from)] ?? Buffer.alloc(0)
}
