import type { Via } from './caller.ts'
import type { FaultCode } from './fault.ts'
import type { Role } from './role.ts'
import type { Effect } from './tool.ts'

/** Who did what, from where, with what outcome. Texts from outside may stand in it as they came: the engine makes them harmless. */
export interface AuditEntry {
  /** Empty where something happened that was no call. */
  readonly requestId: string
  /** Wall-clock milliseconds of the call's start. */
  readonly atMs: number
  readonly callerId: string
  /** As it was known then. */
  readonly callerName?: string | undefined
  readonly person?: string | undefined
  readonly credential?: string | undefined
  readonly role?: Role | undefined
  readonly via: Via
  readonly address?: string | undefined
  /** For what was no call: its kind, `login.failed`. */
  readonly operation: string
  readonly provider: string
  readonly effect: Effect | 'event'
  readonly outcome: 'ok' | FaultCode
  readonly durationMs: number
  /** The trace (W3C) that the call belongs to: 32 hex digits. */
  readonly traceId?: string | undefined
  readonly details?: AuditDetails | undefined
}

export interface AuditDetails {
  /** The request id of the call for whose sake this one was made: whom a capability tried has that of the capability. */
  readonly within?: string
  /** The id of whoever allowed a call that had to wait for that. */
  readonly approvedBy?: string
  /** So many of the kind, one entry for all. Absent: one. */
  readonly count?: number
  /** What a redaction (`redact.ts`) left of the arguments, or of what an event has to say. */
  readonly arguments?: unknown
}

export interface Audit {
  /** Resolves when the entry would survive a crash of the process. */
  record(entry: AuditEntry): Promise<void>
}

/** Keeps nothing; for tests and tools. */
export const noAudit: Audit = { record: () => Promise.resolve() }

/**
 * Something that matters for security and is no call through the one door: a login that failed at the broker, a refresh token
 * shown twice, a connection that was refused. Emitted as `security.noted`; what nobody asked for more than a few times a minute is
 * kept in full, the rest counted.
 */
export interface SecurityEvent {
  /** `login.failed`, `token.reused`: what it is about, and what happened. */
  readonly kind: `${string}.${string}`
  readonly outcome: 'ok' | FaultCode
  readonly via: Via
  /** The peer's. */
  readonly address?: string
  /** Whom it is about, as far as that is known; a name that somebody claims is a `name` and no `id`. */
  readonly who?: {
    readonly id?: string
    readonly name?: string
    readonly person?: string
    readonly credential?: string
    readonly role?: Role
  }
  readonly requestId?: string
  /** Redacted before it is kept. */
  readonly details?: Readonly<Record<string, unknown>>
}
