import { Fault } from '../../kernel/fault.ts'
import { notSent } from '../../kernel/resilience/blame.ts'

/**
 * What a caller is told of a server that wants another login. `unauthenticated` would be about the caller's own token at the hub
 * (HTTP 401), and programs that hear that throw it away. The server did nothing, so another one may be asked.
 */
export function ofTheServer(error: unknown): unknown {
  if (!(error instanceof Fault) || error.code !== 'unauthenticated') return error
  const { message, hint, details } = error
  // The hub's own word, that the caller's access has ended, names no server.
  if (details?.['provider'] === undefined) return error
  return notSent(new Fault('conflict', message, { ...(hint !== undefined && { hint }), details, cause: error }))
}
