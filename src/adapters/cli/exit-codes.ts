import { Fault, type FaultCode } from '../../kernel/fault.ts'

/** What the process ends with. Scripts rely on these: numbers are only ever added. */
export const EXITS = {
  ok: { code: 0, means: 'Done.' },
  failed: { code: 1, means: 'The operation was refused or failed; a check of `doctor` failed; the hub did not start.' },
  usage: { code: 2, means: 'A wrong flag or argument, a wrong configuration, invalid input of the operation.' },
  denied: { code: 3, means: 'The access token is missing or not valid, or lacks the scope.' },
  unreachable: { code: 4, means: 'No hub is running there, or it went away.' },
  unknown: { code: 5, means: 'There is no operation of that name.' },
  timeout: { code: 6, means: 'The deadline passed before there was an answer.' },
  internal: { code: 70, means: 'A defect of Alicia.' },
  interrupted: { code: 130, means: 'Interrupted (Ctrl-C); the call was cancelled.' },
  terminated: { code: 143, means: 'Ended by a second signal before it had stopped.' },
} as const

export type Exit = keyof typeof EXITS

/** Total on purpose: a new kind of fault does not compile until it has its exit code. */
export const EXIT_OF_FAULT: Readonly<Record<FaultCode, Exit>> = {
  invalid_request: 'usage',
  invalid_input: 'usage',
  unauthenticated: 'denied',
  forbidden: 'denied',
  unknown_operation: 'unknown',
  not_found: 'failed',
  method_not_allowed: 'failed',
  conflict: 'failed',
  too_large: 'failed',
  unsupported_media: 'failed',
  rate_limited: 'failed',
  cancelled: 'interrupted',
  internal: 'internal',
  upstream_failed: 'failed',
  unavailable: 'failed',
  stopping: 'failed',
  timeout: 'timeout',
  storage_failed: 'failed',
}

/** A fault of this program's own that has an exit code of its own: there is no hub to answer. */
export class HubUnreachable extends Fault {
  constructor(message: string, hint: string, cause?: unknown) {
    super('unavailable', message, { hint, cause })
  }
}

export function exitOf(error: unknown): Exit {
  if (error instanceof HubUnreachable) return 'unreachable'
  return error instanceof Fault ? EXIT_OF_FAULT[error.code] : 'internal'
}
