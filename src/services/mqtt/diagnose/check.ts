import { z } from 'zod'

/** One thing that was looked at, and what came of it. */
export const Check = z.object({
  check: z.string(),
  result: z.enum(['pass', 'warn', 'fail', 'skip']),
  ms: z.number().optional(),
  says: z.string(),
})

export type Check = z.output<typeof Check>

/** How bad the worst of them is. */
export const Verdict = z.enum(['pass', 'warn', 'fail'])

export const verdictOf = (checks: readonly Check[]): z.output<typeof Verdict> =>
  (['fail', 'warn'] as const).find((bad) => checks.some(({ result }) => result === bad)) ?? 'pass'

/** Milliseconds to hundredths. */
export const rounded = (ms: number) => Math.round(ms * 100) / 100
