/** When a payload says that it was made. */
export interface Timestamp {
  /** Wall-clock milliseconds, by the clock of whoever made it. */
  readonly atMs: number
  readonly field: string
  /** It is given in whole seconds. */
  readonly isCoarse: boolean
}

/** Members that say when a message was made, by the families that have one; compared in lower case. */
const FIELDS = new Set([
  'timestamp',
  'ts',
  'time',
  'datetime',
  'date_time',
  'sent_at',
  'created_at',
  'last_seen',
  'unixtime',
])
/** What is longer is not parsed: a look at the time must cost little. */
const LONGEST_BYTES = 16_384
/** What is further away is no time of sending. */
const PLAUSIBLE_MS = 86_400_000

/** A time without its zone says nothing, so it is not taken; Tasmota's `Time` is one. */
const ISO_WITH_ZONE = /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?\s?(?:Z|[+-]\d\d:?\d\d)$/

export function timestampOf(payload: Buffer, nowMs: number): Timestamp | undefined {
  if (payload.length > LONGEST_BYTES || payload[0] !== 0x7b) return undefined
  const members = parsed(payload)
  for (const [field, value] of Object.entries(members)) {
    if (!FIELDS.has(field.toLowerCase())) continue
    const time = typeof value === 'number' ? ofNumber(value) : typeof value === 'string' ? ofText(value) : undefined
    if (time && Math.abs(nowMs - time.atMs) < PLAUSIBLE_MS) return { ...time, field }
  }
  return undefined
}

function parsed(payload: Buffer): object {
  try {
    return Object(JSON.parse(payload.toString())) as object
  } catch {
    return {}
  }
}

/** Seconds or milliseconds since 1970: no plausible time is both. */
function ofNumber(value: number): Omit<Timestamp, 'field'> {
  return value < 1e11 ? { atMs: value * 1000, isCoarse: Number.isInteger(value) } : { atMs: value, isCoarse: false }
}

function ofText(text: string): Omit<Timestamp, 'field'> | undefined {
  if (!ISO_WITH_ZONE.test(text)) return undefined
  const atMs = Date.parse(text.replace(',', '.').replace(/^(\S+) (?=\d)/, '$1T'))
  return Number.isNaN(atMs) ? undefined : { atMs, isCoarse: !/[.,]\d/.test(text) }
}
