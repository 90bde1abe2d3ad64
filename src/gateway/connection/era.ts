import { createHash } from 'node:crypto'
import { MODERN_REVISION, type Revision } from '../../kernel/mcp/protocol.ts'
import { RelayedError } from '../../kernel/mcp/relayed.ts'
import type { Transport } from '../../kernel/mcp/server-definition.ts'
import { isObject } from '../../kernel/mcp/message.ts'
import { HttpRefusal } from './http-fault.ts'

/** `modern`: 2026-07-28, no handshake. `legacy`: the revisions that open with `initialize`. */
export type Era = 'legacy' | 'modern'

export interface EraVerdict {
  readonly era: Era
  /** Wall-clock milliseconds of the moment it was found out. */
  readonly atMs: number
}

/** What is known of the era of servers, so that they need not be probed at every start. */
export interface EraMemory {
  get(key: string): EraVerdict | undefined
  set(key: string, verdict: EraVerdict): void
}

/** A server that was legacy is asked again after this: nothing else would show that it was upgraded. */
const LEGACY_HOLDS_MS = 24 * 60 * 60 * 1000

export const isFresh = ({ era, atMs }: EraVerdict, nowMs: number): boolean =>
  era === 'modern' || Math.abs(nowMs - atMs) < LEGACY_HOLDS_MS

/** The same for the same server. A hash, since arguments and addresses may hold secrets. */
export function eraKey(transport: Transport): string {
  const place = transport.kind === 'stdio' ? [transport.command, ...transport.args] : [transport.url]
  return createHash('sha256')
    .update(JSON.stringify([transport.kind, ...place]))
    .digest('base64url')
    .slice(0, 22)
}

/** Numbers that no server of before 2026-07-28 knows: header mismatch, missing capability, unsupported revision. */
const MODERN_ERRORS: ReadonlySet<number> = new Set([-32020, -32021, -32022])

/** What a failed `server/discover` says about the server. Nothing that may pass by itself says anything. */
export function eraOfDiscoverError(error: unknown): 'legacy' | 'perhaps_legacy' | 'unknown' {
  if (error instanceof RelayedError) {
    if (!MODERN_ERRORS.has(error.error.code)) return 'legacy'
    return speaks(error.error.data).some((revision) => revision !== MODERN_REVISION) ? 'legacy' : 'unknown'
  }
  if (!(error instanceof HttpRefusal)) return 'unknown'
  const { answeredStatus: status } = error
  // Some servers trip over what they don't know. Trying does no harm, but it proves nothing.
  if (status === 500) return 'perhaps_legacy'
  return status < 400 || status >= 500 || [403, 408, 429].includes(status) ? 'unknown' : 'legacy'
}

/** Whether a failed `initialize` came from a server that wants none. */
export const wantsNoHandshake = (error: unknown): boolean =>
  error instanceof RelayedError &&
  (error.error.code === -32601 || MODERN_ERRORS.has(error.error.code) || speaksModern(error))

/** Whether an error names 2026-07-28 among the revisions that the server does speak. */
export const speaksModern = (error: unknown): boolean =>
  error instanceof RelayedError && speaks(error.error.data).includes(MODERN_REVISION)

/** Whether this address may be one of the old HTTP+SSE (2026-07-28, Streamable HTTP, "HTTP+SSE Transport"). */
export const mayBeOldSse = (error: unknown): boolean =>
  error instanceof HttpRefusal && [400, 404, 405].includes(error.answeredStatus)

/** `UnsupportedProtocolVersionError`: the revisions that the server does speak. */
function speaks(data: unknown): Revision[] {
  const supported = isObject(data) ? data['supported'] : undefined
  return Array.isArray(supported) ? (supported as Revision[]) : []
}
