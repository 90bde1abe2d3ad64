import type { webcrypto } from 'node:crypto'
import type { AttemptFrom } from './people.ts'

/** How long an access token lives, whoever signed it: one that claims to live longer is not good. */
export const ACCESS_TOKEN_SECONDS = 600

/** How the credential of a token begins that another issuer gave: it ends there, and not here. */
export const OTHER_ISSUER = 'issuer-'

/** A key of access tokens as JWK (RFC 7517): `kty: OKP`, `crv: Ed25519`, `alg: EdDSA`, `use: sig`, `kid`. */
export type SigningJwk = webcrypto.JsonWebKey & { readonly kid: string; readonly alg: 'EdDSA'; readonly use: 'sig' }

/** The keys that sign access tokens. After a rotation the older ones still verify, for as long as a token lives. */
export interface SigningKeys {
  /** With their private halves, the one that signs first. */
  private(): readonly SigningJwk[]
  /** A JWK set without them. */
  public(): { readonly keys: readonly SigningJwk[] }
  rotate(): Promise<void>
  onChange(listener: () => void): () => void
}

/** What `/auth/login` and `/auth/refresh` give (RFC 6749, 5.1). */
export interface TokenPair {
  /** A JWT (RFC 9068). */
  readonly accessToken: string
  readonly refreshToken: string
  readonly scopes: readonly string[]
  /** Seconds until the access token ends. */
  readonly expiresInSeconds: number
}

export interface LoginFor {
  /** A person's id, or `owner`. */
  readonly subject: string
  /** Narrowed to what the subject may. */
  readonly scopes: readonly string[]
  /** The device or program, for people who look at their logins: 1 to 60 characters. */
  readonly client: string
}

/**
 * Logins: access tokens that live for minutes, and refresh tokens that are spent by their use. Everything of one login hangs on
 * one id, its `credential` (the claim `sid`): a refresh token shown twice ends all of it.
 *
 * Access tokens are JWTs (RFC 9068: `typ: at+jwt`, `alg: EdDSA`, `kid`) with `iss`, `sub`, `aud`, `exp`, `iat`, `jti`, `client_id`,
 * `scope`, `sid`. The authorization server signs its own with the same keys and claims; `sid` is the grant's id there.
 */
export interface Logins {
  readonly keys: SigningKeys
  issue(to: LoginFor): Promise<TokenPair>
  /** Spends a refresh token. Throws Fault `unauthenticated`, `rate_limited`. */
  refresh(refreshToken: string, from: AttemptFrom): Promise<TokenPair>
  /** From now on no token of this login is good; also for one that the authorization server gave. Emits `access.ended`. */
  end(credential: string): Promise<void>
  /** All of somebody's, those that others keep too. */
  endAllOf(subject: string): Promise<void>
  /** For whoever else lets people in: `endAllOf` asks them to end theirs as well, and waits for that. Returns what ends that. */
  onEndAll(end: (subject: string) => Promise<void>): () => void
  list(subject: string): readonly LoginReport[]
}

export interface LoginReport {
  readonly credential: string
  readonly client: string
  readonly scopes: readonly string[]
  /** Wall-clock milliseconds. */
  readonly createdMs: number
  readonly lastUsedMs: number
}

/** Under which origins the hub is reached. */
export interface OwnOrigins {
  /** The one to tell others: `publicUrl` of the configuration, or where the hub listens. No slash at the end. */
  readonly preferred: string
  /** Whether an origin (`https://home.example`, as `URL.origin` gives it) is one of the hub's. */
  includes(origin: string): boolean
}
