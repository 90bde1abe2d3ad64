import { Fault } from '../../kernel/fault.ts'

/** Takes a server's secrets out of what is said of it: they may stand in its arguments or its address, or come back in an error. */
export interface Hiding {
  text(text: string): string
  /** The same error, or a fault that says the same without them. */
  error(error: unknown): unknown
}

export function hidingOf(secrets: readonly string[]): Hiding {
  // The longest first: one may begin with another. In an address they stand encoded.
  const known = [...new Set(secrets.flatMap((secret) => [secret, encodeURIComponent(secret)]))]
    .filter((secret) => secret !== '')
    .sort((a, b) => b.length - a.length)
  const text = (shown: string) => known.reduce((rest, secret) => rest.replaceAll(secret, '[hidden]'), shown)
  return {
    text,
    error(error) {
      if (!(error instanceof Fault)) return error
      const { code, message, hint, retryAfterMs, details } = error
      if (text(message) === message && (hint === undefined || text(hint) === hint)) return error
      return new Fault(code, text(message), {
        ...(hint !== undefined && { hint: text(hint) }),
        ...(retryAfterMs !== undefined && { retryAfterMs }),
        ...(details !== undefined && { details }),
      })
    },
  }
}
