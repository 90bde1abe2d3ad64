import type { FaultCode } from './fault.ts'
import type { Effect } from './tool.ts'
import type { Via } from './caller.ts'

/** Who did what, from where, with what outcome. Never an argument: those can hold secrets. */
export interface AuditEntry {
  readonly requestId: string
  /** Wall-clock milliseconds of the call's start. */
  readonly atMs: number
  readonly callerId: string
  readonly via: Via
  readonly address?: string
  readonly operation: string
  readonly provider: string
  readonly effect: Effect
  readonly outcome: 'ok' | FaultCode
  readonly durationMs: number
}

export interface Audit {
  /** Resolves when the entry would survive a crash of the process. */
  record(entry: AuditEntry): Promise<void>
}

/** Keeps nothing; for tests and tools. */
export const noAudit: Audit = { record: () => Promise.resolve() }
