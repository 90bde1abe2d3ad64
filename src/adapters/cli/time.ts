import { Fault } from '../../kernel/fault.ts'

const UNITS_MS = { m: 60_000, h: 3_600_000, d: 86_400_000 } as const

/** A time as people type it: a date, a date with time (here, where no zone is given), or how long ago. ISO 8601 in UTC. */
export function timeOf(flag: string, text: string, nowMs: number): string {
  const [, count, unit] = /^(\d{1,6})([mhd])$/.exec(text) ?? []
  const ms =
    count === undefined
      ? /^\d{4}-\d\d-\d\d/.test(text)
        ? Date.parse(/^[\d-]{10}$/.test(text) ? `${text}T00:00` : text)
        : Number.NaN
      : nowMs - Number(count) * UNITS_MS[unit as keyof typeof UNITS_MS]
  if (Number.isNaN(ms) || ms < 0)
    throw new Fault('invalid_input', `${flag} must be a time: 2026-01-31, 2026-01-31T18:00, or 30m, 2h, 7d ago.`)
  return new Date(ms).toISOString()
}
