import type * as fc from 'fast-check'

/** One parser that sees bytes from outside, and what must hold whatever those are. */
export interface Target {
  /** `<area>/<parser>`: `http/forwarded`. */
  readonly name: string
  /** From the repository's root: the files whose coverage leads the search. */
  readonly covers: readonly string[]
  /** Inputs as they really come. An input of several parts has U+001E between them: see `partsOf`. */
  readonly seeds: readonly (string | Uint8Array)[]
  /** Inputs of the right structure, most of them valid. */
  readonly generate?: fc.Arbitrary<string | Uint8Array>
  /** What no mutation would find by itself: keywords, magic numbers. */
  readonly tokens?: readonly string[]
  /** Mutated inputs are cut to this. Absent: 65536. */
  readonly longestBytes?: number
  /** Throws where a property does not hold. What is not a documented error of the parser is a finding too. */
  check(input: Buffer): void | Promise<void>
}
