import type { Target } from '../target.ts'

/** An input for which something does not hold. */
export interface Finding {
  readonly input: Buffer
  /** What of it to compare others with: the same kind is the same defect, as far as can be told. */
  readonly kind: string
  readonly error: unknown
}

/** Milliseconds for one input of at most 64 KiB: what needs more could hold up everybody else. */
const SLOW_MS = 500

/** Runs one input; undefined: everything holds. */
export async function findingOf(target: Target, input: Buffer): Promise<Finding | undefined> {
  const startMs = performance.now()
  const error = await errorOf(target, input)
  if (error !== undefined) return { input, kind: kindOf(error), error }
  const ms = performance.now() - startMs
  if (ms <= SLOW_MS || !(await isSlow(target, input))) return undefined
  return { input, kind: 'slow', error: new Error(`It took ${Math.round(ms)} ms for ${input.length} bytes.`) }
}

async function errorOf(target: Target, input: Buffer): Promise<unknown> {
  // Whoever changes what it was given would change what others hold.
  const given = Buffer.from(input)
  try {
    const waiting = target.check(given)
    if (waiting) await waiting
  } catch (error) {
    removePollution()
    return error ?? new TypeError('It threw nothing at all.')
  }
  if (!given.equals(input)) return new TypeError('The input was changed.')
  const added = removePollution()
  return added.length > 0 ? new TypeError(`A prototype was given ${added.map(String).join(', ')}.`) : undefined
}

/** Twice more: the machine may have been busy with something else. */
async function isSlow(target: Target, input: Buffer): Promise<boolean> {
  for (let left = 2; left > 0; left--) {
    const startMs = performance.now()
    await errorOf(target, input)
    if (performance.now() - startMs <= SLOW_MS) return false
  }
  return true
}

/** The error's class and the place where it was thrown; its message may quote the input. */
function kindOf(error: unknown): string {
  if (!(error instanceof Error)) return typeof error
  const place = error.stack?.split('\n').find((line) => /\/(?:src|fuzz\/targets)\//.test(line)) ?? ''
  return `${error.name} ${/(?:src|fuzz)\/[^)]*/.exec(place)?.[0] ?? ''}`
}

const PROTOTYPES = [Object.prototype, Array.prototype, Function.prototype, String.prototype, Number.prototype]
const clean = PROTOTYPES.map((prototype) => new Set(Reflect.ownKeys(prototype)))

/** What prototypes have that they did not have, taken back: whatever runs later would be wrong with it. */
function removePollution(): PropertyKey[] {
  return PROTOTYPES.flatMap((prototype, at) => {
    const keys = Reflect.ownKeys(prototype)
    if (keys.length === clean[at]?.size) return []
    const added = keys.filter((key) => !clean[at]?.has(key))
    for (const key of added) Reflect.deleteProperty(prototype, key)
    return added
  })
}
