/** Numbers that the seed alone decides. */
export interface Random {
  /** A whole number, 0 ≤ n < below. */
  below(below: number): number
  pick<T>(from: readonly [T, ...T[]]): T
  pick<T>(from: readonly T[]): T | undefined
  /** True once in so many times. */
  oneIn(times: number): boolean
}

/** xorshift32 (Marsaglia 2003, "Xorshift RNGs"): good enough to choose mutations by. */
export function createRandom(seed: number): Random {
  // Zero is its one fixed point; the multiplication tells neighbouring seeds apart.
  let state = Math.imul(seed, 0x9e3779b1) >>> 0 || 1
  const below = (limit: number): number => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return Math.floor(((state >>> 0) / 0x1_0000_0000) * limit)
  }
  function pick<T>(from: readonly [T, ...T[]]): T
  function pick<T>(from: readonly T[]): T | undefined
  function pick<T>(from: readonly T[]): T | undefined {
    return from[below(from.length)]
  }
  return { below, pick, oneIn: (times) => below(times) === 0 }
}
