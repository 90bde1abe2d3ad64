import type { OwnOrigins } from '../../kernel/logins.ts'

/** A protected resource of the hub. */
export interface Resource {
  /** What stands in tokens as their audience. */
  readonly audience: string
  /** The profile it is the endpoint of; absent: the hub as a whole. */
  readonly profile?: string
}

export interface ResourceOptions {
  readonly origins: OwnOrigins
  isProfile(name: string): boolean
}

/** The MCP endpoint's further addresses: one token is good at all of them. */
const WHOLE: ReadonlySet<string> = new Set(['/mcp', '/api/v1/mcp', '/sse'])
const PROFILE = /^(?:\/api\/v1)?\/mcp\/([\w.~-]+)$/

/** Which resource an indicator (RFC 8707, 2) means; undefined: none of the hub's. */
export function resourceOf(indicator: string, { origins, isProfile }: ResourceOptions): Resource | undefined {
  const url = URL.parse(indicator)
  if (!url || !origins.includes(url.origin) || url.search !== '' || url.username + url.password !== '') return undefined
  const path = resourcePath(url.pathname, isProfile)
  if (path === undefined) return undefined
  const profile = PROFILE.exec(path)?.[1]
  return { audience: url.origin + path, ...(profile !== undefined && { profile }) }
}

/** The path of the resource that is served at this one: `/mcp` for `/api/v1/mcp/`. */
export function resourcePath(path: string, isProfile: (name: string) => boolean): string | undefined {
  const bare = path.replace(/\/$/, '')
  if (bare === '') return ''
  if (WHOLE.has(bare)) return '/mcp'
  const profile = PROFILE.exec(bare)?.[1]
  return profile !== undefined && isProfile(profile) ? `/mcp/${profile}` : undefined
}
