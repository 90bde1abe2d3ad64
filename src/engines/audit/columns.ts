import type { AuditEntry } from '../../kernel/audit.ts'
import { visibleText } from '../../kernel/visible-text.ts'
import type { Values } from './chain.ts'

/** An entry as the database has it. What the chain adds is null in entries that are older than it. */
export interface AuditRow {
  at_ms: number
  request_id: string
  caller_id: string
  via: string
  address: string | null
  operation: string
  provider: string
  effect: string
  outcome: string
  duration_ms: number
  caller_name: string | null
  person: string | null
  credential: string | null
  role: string | null
  trace_id: string | null
  /** JSON of `AuditDetails`. */
  details: string | null
  chain: string | null
  seq: number | null
  bytes: number | null
  mac: string | null
}

/** The order in which a mac covers them: a new one is added at the end, with the form of the chain. */
export const VALUE_COLUMNS = [
  'at_ms',
  'request_id',
  'caller_id',
  'via',
  'address',
  'operation',
  'provider',
  'effect',
  'outcome',
  'duration_ms',
  'caller_name',
  'person',
  'credential',
  'role',
  'trace_id',
  'details',
] as const satisfies readonly (keyof AuditRow)[]

export const COLUMNS = [...VALUE_COLUMNS, 'chain', 'seq', 'bytes', 'mac'] as const

/** The entry as JSON, in the order of `VALUE_COLUMNS`: what a mac covers. */
export const textOf = (entry: AuditEntry): string => JSON.stringify(valuesOf(entry))

const valuesOf = (entry: AuditEntry): Values => [
  entry.atMs,
  storable(entry.requestId),
  storable(entry.callerId),
  entry.via,
  entry.address === undefined ? null : storable(entry.address),
  storable(entry.operation),
  storable(entry.provider),
  entry.effect,
  entry.outcome,
  // To the microsecond: more says nothing, and takes more room.
  Math.round(entry.durationMs * 1000) / 1000,
  entry.callerName === undefined ? null : storable(entry.callerName),
  entry.person === undefined ? null : storable(entry.person),
  entry.credential === undefined ? null : storable(entry.credential),
  entry.role ?? null,
  entry.traceId ?? null,
  entry.details === undefined ? null : JSON.stringify(entry.details),
]

const LONGEST_TEXT = 200
const ORDINARY = /^[\x20-\x7e]*$/

/** What comes from outside must not keep its entry out (PostgreSQL refuses NUL and half a surrogate pair), nor write into a terminal. */
function storable(text: string): string {
  if (text.length <= LONGEST_TEXT && ORDINARY.test(text)) return text
  return visibleText(text.slice(0, LONGEST_TEXT)).slice(0, LONGEST_TEXT).toWellFormed()
}
