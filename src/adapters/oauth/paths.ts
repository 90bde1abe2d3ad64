/** Where the authorization server is, below the hub's origin. */
export const PATHS = {
  authorize: '/oauth/authorize',
  token: '/oauth/token',
  keys: '/oauth/jwks',
  register: '/oauth/register',
  revoke: '/oauth/revoke',
  /** Pages for a person who is asked something, each below it. */
  interaction: '/oauth/interaction',
  /** The programs that a person let in. */
  apps: '/oauth/apps',
  /** A pairing code's own page; the code comes after `#`, so that it is in no log. */
  pair: '/pair',
  /** Of the library; it is not offered. */
  endSession: '/oauth/session/end',
} as const

/** RFC 8414, 3 and OpenID Connect Discovery 1.0, 4. */
export const DISCOVERY_PATHS: ReadonlySet<string> = new Set([
  '/.well-known/oauth-authorization-server',
  '/.well-known/openid-configuration',
])
