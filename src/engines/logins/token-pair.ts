import { randomBytes } from 'node:crypto'
import type { Clock } from '../../kernel/clock.ts'
import { ACCESS_TOKEN_SECONDS, type OwnOrigins, type TokenPair } from '../../kernel/logins.ts'
import { intersect } from '../../kernel/scope.ts'
import { signToken, type Signer } from './access-token.ts'
import { writeRefreshToken, type RefreshToken } from './refresh-token.ts'
import type { Subject } from './subject.ts'
import { scopesOf, type LoginRow } from './tables.ts'

export interface PairOptions {
  readonly origins: OwnOrigins
  readonly clock: Clock
  signer(): Signer
}

/** An access token of that login (RFC 9068, 2.2) beside its next refresh token. It is good everywhere on this hub. */
export function createPairs({ origins, clock, signer }: PairOptions) {
  return (row: LoginRow, who: Subject, refreshToken: RefreshToken): TokenPair => {
    const scopes = intersect(scopesOf(row), who.scopes)
    const nowS = Math.floor(clock.now() / 1000)
    const claims = {
      iss: origins.preferred,
      sub: who.id,
      aud: origins.preferred,
      exp: nowS + ACCESS_TOKEN_SECONDS,
      iat: nowS,
      jti: randomBytes(12).toString('base64url'),
      client_id: row.client,
      scope: scopes.join(' '),
      sid: row.credential,
    }
    return {
      accessToken: signToken(claims, signer()),
      refreshToken: writeRefreshToken(refreshToken),
      scopes,
      expiresInSeconds: ACCESS_TOKEN_SECONDS,
    }
  }
}
