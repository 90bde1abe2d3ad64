import { Fault } from '../../kernel/fault.ts'
import { withoutTrailing } from '../../kernel/trailing.ts'

/** Why something went down, to be read after the server's name: "it ended with exit code 1", without a full stop. */
export interface Cause {
  readonly reason: string
  /** What can be done about it, where that is known. */
  readonly hint?: string
}

/** The cause that an error tells, without the server's own name before it and without the stop after it. */
export function causeOf(name: string, error: unknown): Cause {
  const text = error instanceof Error ? error.message : String(error)
  const reason = withoutTrailing(withoutName(name, text), '.')
  const hint = error instanceof Fault ? error.hint : undefined
  return hint === undefined ? { reason } : { reason, hint }
}

/** "files: it broke off" and "files cannot be reached" alike. */
function withoutName(name: string, text: string): string {
  if (text.startsWith(`${name}: `)) return text.slice(name.length + 2)
  return text.startsWith(`${name} `) ? `it ${text.slice(name.length + 1)}` : text
}
