/**
 * Every way a call can fail, in one table: the code, its HTTP status (RFC 9110), its JSON-RPC number, and whether
 * the same call may succeed later without a change. JSON-RPC numbers of our own lie outside the range that JSON-RPC
 * and MCP reserve (-32768 to -32000; MCP 2026-07-28, basic, "Error Codes").
 */
export const FAULTS = {
  invalid_request: { status: 400, rpc: -32600, retryable: false, means: 'The message itself is malformed.' },
  invalid_input: { status: 400, rpc: -32602, retryable: false, means: 'An argument is missing, unknown or wrong.' },
  unauthenticated: { status: 401, rpc: -31401, retryable: false, means: 'No token, or one that is not valid.' },
  forbidden: {
    status: 403,
    rpc: -31403,
    retryable: false,
    means: 'The caller lacks the scope, or may not ask from there.',
  },
  unknown_operation: { status: 404, rpc: -32602, retryable: false, means: 'No operation or tool has that name.' },
  not_found: {
    status: 404,
    rpc: -31404,
    retryable: false,
    means: 'The thing that was named does not exist (any more).',
  },
  method_not_allowed: {
    status: 405,
    rpc: -31405,
    retryable: false,
    means: 'That path does not take that HTTP method.',
  },
  conflict: { status: 409, rpc: -31409, retryable: false, means: 'The state of the thing does not allow it now.' },
  too_large: { status: 413, rpc: -31413, retryable: false, means: 'The message or the result is over a limit.' },
  unsupported_media: {
    status: 415,
    rpc: -31415,
    retryable: false,
    means: 'The body is in a format that is not understood.',
  },
  rate_limited: { status: 429, rpc: -31429, retryable: true, means: 'The caller asked too often.' },
  cancelled: { status: 499, rpc: -31499, retryable: false, means: 'The caller withdrew the call.' },
  internal: {
    status: 500,
    rpc: -32603,
    retryable: false,
    means: 'A defect of Alicia; the reference finds it in the log.',
  },
  upstream_failed: {
    status: 502,
    rpc: -31502,
    retryable: false,
    means: 'The other side (a broker, a server) refused or broke.',
  },
  unavailable: { status: 503, rpc: -31503, retryable: true, means: 'What would answer is down at the moment.' },
  stopping: { status: 503, rpc: -31504, retryable: true, means: 'The hub is shutting down.' },
  timeout: { status: 504, rpc: -31505, retryable: true, means: 'The deadline passed before there was an answer.' },
  storage_failed: {
    status: 507,
    rpc: -31507,
    retryable: false,
    means: 'The data folder or database cannot be written.',
  },
} as const

export type FaultCode = keyof typeof FAULTS

export interface FaultOptions {
  /** What the reader can do about it, as one sentence. */
  hint?: string
  /** When the same call may be tried again, in milliseconds from now. */
  retryAfterMs?: number
  /** Though a retry helps with this code: here it could do a second time what was done already. */
  retryable?: false
  /** Machine-readable facts; never a secret. */
  details?: Record<string, unknown>
  cause?: unknown
}

/** The one error that handlers throw and adapters translate. The message says what failed; the hint what to do. */
export class Fault extends Error {
  override readonly name = 'Fault'
  readonly code: FaultCode
  readonly hint: string | undefined
  readonly retryAfterMs: number | undefined
  readonly details: Record<string, unknown> | undefined
  readonly retryable: boolean

  constructor(code: FaultCode, message: string, options: FaultOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.hint = options.hint
    this.retryAfterMs = options.retryAfterMs
    this.details = options.details
    this.retryable = options.retryable ?? FAULTS[code].retryable
  }

  get status(): number {
    return FAULTS[this.code].status
  }

  get rpc(): number {
    return FAULTS[this.code].rpc
  }
}

/** A fault as every protocol carries it. */
export interface FaultBody {
  code: FaultCode
  message: string
  hint?: string
  retryable: boolean
  retry_after_ms?: number
  details?: Record<string, unknown>
}

export function faultBody(fault: Fault): FaultBody {
  return {
    code: fault.code,
    message: fault.message,
    retryable: fault.retryable,
    ...(fault.hint !== undefined && { hint: fault.hint }),
    ...(fault.retryAfterMs !== undefined && { retry_after_ms: fault.retryAfterMs }),
    ...(fault.details !== undefined && { details: fault.details }),
  }
}

/** The fault as problem details (RFC 9457), over whatever carries them; `requestId` is a UUID. */
export function problemDetails(fault: Fault, requestId?: string): Readonly<Record<string, unknown>> {
  const { message, ...rest } = faultBody(fault)
  return {
    type: `/problems/${fault.code}`,
    title: FAULTS[fault.code].means,
    status: fault.status,
    detail: message,
    ...(requestId !== undefined && { instance: `urn:uuid:${requestId}` }),
    ...rest,
  }
}

/** The fault as one readable text, for a model or a terminal. */
export function faultText(fault: Fault): string {
  return fault.hint === undefined ? fault.message : `${fault.message} ${fault.hint}`
}

/**
 * Makes a fault of anything thrown. What is not a fault already is a defect: the caller gets a reference and no
 * detail (an error text may hold a path, a query or a secret); `report` gets the error itself.
 */
export function toFault(error: unknown, report: (reference: string, error: unknown) => void): Fault {
  if (error instanceof Fault) return error
  const reference = crypto.randomUUID().slice(0, 8)
  report(reference, error)
  return new Fault('internal', `Something went wrong inside Alicia (reference ${reference}).`, {
    hint: 'The log of the hub has the details under that reference.',
    details: { reference },
    cause: error,
  })
}

/** What calls get that come, or still run, while the hub stops. */
export const hubStopping = (): Fault =>
  new Fault('stopping', 'The hub is shutting down.', { hint: 'Try again when it is back.', retryAfterMs: 5000 })

/** Refusals that anybody can have without end: wrong tokens and passwords, and what comes too often. */
export const isEndless = (code: string): boolean => code === 'unauthenticated' || code === 'rate_limited'
