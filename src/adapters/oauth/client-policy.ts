import type { ClientMetadata } from 'oidc-provider'
import type { RedirectKind } from './pages/consent.ts'

/** What a client may say of itself; nothing else is kept, and no address in it is ever asked. */
const KEPT: ReadonlySet<string> = new Set([
  'application_type',
  'client_id',
  'client_id_issued_at',
  'client_name',
  'client_uri',
  'grant_types',
  'redirect_uris',
  'response_types',
  'token_endpoint_auth_method',
])

const LOOPBACK: ReadonlySet<string> = new Set(['localhost', '127.0.0.1', '[::1]'])
const MOST_REDIRECTS = 20
const LONGEST_REDIRECT = 2000
const LONGEST_NAME = 100

/**
 * Makes a client one of those this server has, whatever it asked for (RFC 7591, 2: a server may replace what was asked): public,
 * by authorization code, with refresh tokens if it wants them. Throws what `refuse` makes for redirects that lead anywhere else
 * than to HTTPS, this machine (RFC 8252, 7.3) or an app's own scheme (7.1).
 */
export function narrowClient(metadata: ClientMetadata, refuse: (why: string) => Error): void {
  for (const key of Object.keys(metadata)) if (!KEPT.has(key)) delete metadata[key]
  metadata.token_endpoint_auth_method = 'none'
  metadata.response_types = ['code']
  const wanted = Array.isArray(metadata.grant_types) ? metadata.grant_types : []
  metadata.grant_types = ['authorization_code', ...(wanted.includes('refresh_token') ? ['refresh_token'] : [])]
  const { redirect_uris: redirects, client_name: name } = metadata
  if (!Array.isArray(redirects) || redirects.length === 0 || redirects.length > MOST_REDIRECTS)
    throw refuse(`redirect_uris has to have 1 to ${MOST_REDIRECTS} members`)
  if (typeof name === 'string' && name.length > LONGEST_NAME) metadata.client_name = name.slice(0, LONGEST_NAME)
  const kinds = redirects.map((uri: unknown) => {
    const kind = typeof uri === 'string' && uri.length <= LONGEST_REDIRECT ? redirectKind(uri) : undefined
    if (kind !== undefined) return kind
    throw refuse('redirect_uris may lead to https, to http on this machine, or to a scheme with a dot of an app')
  })
  // Only a native client may come back at another port than it registered.
  metadata.application_type = kinds.every((kind) => kind === 'web') ? 'web' : 'native'
}

/** A scheme of an app: with a dot (RFC 8252, 7.1), or one that a known client has. */
const APP_SCHEME =
  /^(?:[a-z][a-z0-9+-]*(?:\.[a-z0-9+-]+)+|cursor|vscode|vscode-insiders|windsurf|zed|claude|raycast|warp):$/

/** Undefined: none that is allowed. */
export function redirectKind(uri: string): RedirectKind | undefined {
  const url = URL.parse(uri)
  if (!url || url.hash !== '' || uri.includes('#') || url.username + url.password !== '') return undefined
  if (url.protocol === 'http:') return LOOPBACK.has(url.hostname) ? 'loopback' : undefined
  if (url.protocol === 'https:') return LOOPBACK.has(url.hostname) ? undefined : 'web'
  return APP_SCHEME.test(url.protocol) ? 'app' : undefined
}
