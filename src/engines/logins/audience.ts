import type { OwnOrigins } from '../../kernel/logins.ts'
import { isGrant } from '../../kernel/scope.ts'

/** Where a token may be shown. */
export interface Audience {
  /** The one endpoint it is good at, `/mcp/kids`; absent: the hub as a whole. */
  readonly resource?: string
  /** The grant that bounds all of its own: `*@profile/kids`. */
  readonly bound?: string
}

const WHOLE_HUB: Audience = {}
const WHOLE_PATHS: ReadonlySet<string> = new Set(['', '/', '/mcp', '/api/v1/mcp'])

/**
 * What the audience of a token means here (RFC 8707, 2; MCP 2026-07-28, authorization, "Access Token Usage"): undefined for
 * somebody else's. It is compared as it is written: what has to be put right first is none of ours.
 */
export function audienceOf(aud: string, origins: OwnOrigins): Audience | undefined {
  const origin = URL.parse(aud)?.origin
  if (origin === undefined || !aud.startsWith(origin) || !origins.includes(origin)) return undefined
  const path = aud.slice(origin.length)
  if (WHOLE_PATHS.has(path)) return WHOLE_HUB
  const profile = /^(?:\/api\/v1)?\/mcp\/([\w.~-]+)$/.exec(path)?.[1]
  const bound = `*@profile/${profile ?? ''}`
  return isGrant(bound) ? { resource: `/mcp/${profile ?? ''}`, bound } : undefined
}
