import { Fault, type FaultCode } from '../fault.ts'
import { readMembers, writeMembers, type JsonText } from './raw.ts'

/**
 * The `result` of an MCP request as the other side wrote it: its text for an MCP client, its value for whoever has to
 * look at it.
 */
export class RelayedResult {
  readonly text: JsonText
  /** Whose result it is, where that is not who was asked: one operation called another. */
  readonly provider: string | undefined
  #value: Readonly<Record<string, unknown>> | undefined

  /** `value` is what `text` says, where somebody has parsed it already. */
  constructor(text: JsonText, value?: Readonly<Record<string, unknown>>, provider?: string) {
    this.text = text
    this.#value = value
    this.provider = provider
  }

  /** The same result, as that provider's. */
  of(provider: string): RelayedResult {
    return this.provider === undefined ? new RelayedResult(this.text, this.#value, provider) : this
  }

  get value(): Readonly<Record<string, unknown>> {
    return (this.#value ??= JSON.parse(this.text) as Record<string, unknown>)
  }

  /** The tool's own word that it failed (`CallToolResult.isError`). */
  get isError(): boolean {
    return this.value['isError'] === true
  }
}

/** A JSON-RPC error as the other side sent it. */
export interface RelayedErrorBody {
  readonly code: number
  readonly message: string
  readonly data?: unknown
  /** The whole error as the other side wrote it; absent: the hub wrote it. */
  readonly text?: JsonText
}

/** The error with another number, and everything else as it was. Throws Fault `invalid_request` where a member stands in it twice. */
export const withCode = (error: RelayedErrorBody, code: number): RelayedErrorBody => ({
  ...error,
  code,
  ...(error.text !== undefined && { text: writeMembers(readMembers(error.text).set('code', String(code))) }),
})

/** What JSON-RPC numbers of the other side are to callers who know faults only. */
const CODES: Readonly<Record<number, FaultCode>> = {
  [-32602]: 'invalid_input',
  [-32601]: 'unknown_operation',
  [-32002]: 'not_found',
}

/**
 * The other side answered with an error: MCP clients get that error as it came, everybody else a fault that names who
 * answered. It says nothing against the server's health: it did answer.
 */
export class RelayedError extends Fault {
  readonly error: RelayedErrorBody

  constructor(from: string, error: RelayedErrorBody) {
    super(CODES[error.code] ?? 'upstream_failed', `${from} answered: ${shortened(error.message)}`, {
      details: { provider: from, rpc_code: error.code },
    })
    this.error = error
  }
}

/** Characters of another side's message that stand in faults, reports and the log; MCP clients get all of it. */
const LONGEST_MESSAGE = 2000

/** What another side says of a failure, at a length that others can be told. */
export const shortened = (message: string): string =>
  message.length <= LONGEST_MESSAGE ? message : `${message.slice(0, LONGEST_MESSAGE)}…`
