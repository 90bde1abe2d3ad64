import type { JWTPayload } from 'jose'
import type { Clock } from '../../kernel/clock.ts'
import { Fault } from '../../kernel/fault.ts'
import { hashToken, type Holder, type ShownToken, type TokenSource } from '../../kernel/identity.ts'
import type { Log } from '../../kernel/log.ts'
import { OTHER_ISSUER, type OwnOrigins } from '../../kernel/logins.ts'
import type { PeopleKeeper } from '../../kernel/people.ts'
import { intersect, isGrant } from '../../kernel/scope.ts'
import { isJwtLike, issuerOf } from './access-token.ts'
import { audienceOf, type Audience } from './audience.ts'
import { createIssuerKeys, type FetchKeys } from './issuer-keys.ts'
import { issuerSubject, type IssuerPeople } from './issuer-people.ts'
import { createSeenTokens, notGood } from './seen-tokens.ts'

export interface ExternalIssuerOptions extends IssuerPeople {
  /** As it writes itself in its tokens, to the letter. */
  readonly issuer: string
  /** What its tokens for this hub are made out to; absent: an address of the hub (RFC 8707). */
  readonly audience?: string
  /** The only client whose tokens are taken; absent: any. */
  readonly clientId?: string
}

export interface Surroundings {
  readonly keeper: Pick<PeopleKeeper, 'get' | 'named' | 'roles'>
  readonly origins: OwnOrigins
  readonly fetch: FetchKeys
  readonly clock: Clock
  readonly log: Log
}

export interface ExternalIssuer {
  readonly source: TokenSource
  /** People changed: who holds a token is asked for anew. */
  changed(): void
}

/** Signatures that need a private key (RFC 7518, 3.1; RFC 8037; RFC 9864). No HS…: a public key could be taken for its secret. */
const ALGORITHMS = ['EdDSA', 'Ed25519', 'ES256', 'ES384', 'ES512', 'PS256', 'PS384', 'PS512', 'RS256', 'RS384', 'RS512']
const LEEWAY_S = 5
/** Tokens of others may live for hours: whether the key is still one of the issuer's is looked at again after this time. Milliseconds. */
const RECHECK_MS = 5 * 60_000

/** RFC 9068, 2.1; many issuers still say `JWT`, or nothing. */
const TYPES: ReadonlySet<string | undefined> = new Set(['at+jwt', 'application/at+jwt', 'JWT', undefined])

/** Claims of ID tokens (OpenID Connect Core 1.0, 2) and of logout tokens (Back-Channel Logout 1.0, 2.4), which open nothing. */
const OTHER_PURPOSE = ['nonce', 'at_hash', 'c_hash', 'events'] as const

/** Takes JWT access tokens of another issuer, beside the hub's own. */
export function createExternalIssuer(options: ExternalIssuerOptions, surroundings: Surroundings): ExternalIssuer {
  const { issuer } = options
  const { keeper, origins, fetch, clock, log } = surroundings
  const keys = createIssuerKeys({ issuer, fetch, clock, log })
  const seen = createSeenTokens(clock)

  const refuse = (why: string): never => {
    log.debug('a token of another issuer was refused', { issuer, why })
    throw notGood()
  }

  const verified = async (token: string): Promise<Payload> => {
    const { jwtVerify } = await import('jose')
    try {
      const { payload, protectedHeader } = await jwtVerify<Payload>(token, keys, {
        issuer,
        algorithms: ALGORITHMS,
        clockTolerance: LEEWAY_S,
        currentDate: new Date(clock.now()),
        requiredClaims: ['sub', 'exp', 'iat', 'aud'],
      })
      return TYPES.has(protectedHeader.typ) ? payload : refuse(`it is of type ${protectedHeader.typ}`)
    } catch (error) {
      if (error instanceof Fault) throw error
      return refuse(error instanceof Error ? error.message : 'it cannot be verified')
    }
  }

  const verifyNew = async (shown: ShownToken): Promise<Holder> => {
    const payload = await verified(shown.token)
    const problem = purposeProblem(payload, options)
    if (problem !== undefined) return refuse(problem)
    const audience = audienceFor(payload, options, origins)
    if (!audience) return refuse('it was given for something else')
    return seen.add(shown, {
      untilMs: (payload.exp + LEEWAY_S) * 1000,
      recheckMs: clock.now() + RECHECK_MS,
      ...(audience.resource !== undefined && { resource: audience.resource }),
      holder: () => holderOf(payload, audience, options, keeper),
    })
  }

  return {
    changed: () => seen.changed(),
    source(shown) {
      if (!isJwtLike(shown.token)) return undefined
      const known = seen.find(shown)
      if (known || shown.onlySeen || issuerOf(shown.token) !== issuer) return known
      return verifyNew(shown)
    },
  }
}

type Payload = JWTPayload & { readonly sub: string; readonly exp: number; readonly iat: number }

/** What is signed by the issuer and is no access token for a client we take. */
function purposeProblem(payload: Payload, { clientId }: ExternalIssuerOptions): string | undefined {
  if (OTHER_PURPOSE.some((claim) => claim in payload) || payload['typ'] === 'ID') return 'it is no access token'
  if (typeof payload.sub !== 'string' || payload.sub === '') return 'it is of nobody'
  if (clientId !== undefined && clientOf(payload) !== clientId) return 'it was given to another client'
  return undefined
}

/** RFC 9068, 2.2; Keycloak, Entra and others say `azp`. */
function clientOf({ client_id: client, azp }: JWTPayload): string | undefined {
  const named = client ?? azp
  return typeof named === 'string' ? named : undefined
}

function audienceFor(
  { aud }: JWTPayload,
  { audience }: ExternalIssuerOptions,
  origins: OwnOrigins,
): Audience | undefined {
  const named = [aud].flat().filter((one) => typeof one === 'string')
  if (audience !== undefined) return named.includes(audience) ? {} : undefined
  const own = named.map((one) => audienceOf(one, origins)).filter((one) => one !== undefined)
  // One that is good everywhere counts before one that is bound.
  return own.find(({ resource }) => resource === undefined) ?? own[0]
}

/** Scopes that are no grants here (`openid`, `profile`) say nothing; where some are, it may no more than those. */
function holderOf(
  payload: Payload,
  { bound }: Audience,
  options: ExternalIssuerOptions,
  keeper: Surroundings['keeper'],
): Holder | undefined {
  const subject = issuerSubject(payload, options, keeper)
  if (!subject || (payload.iat + 1) * 1000 <= subject.sinceMs) return undefined
  const { scope, sid, iss } = payload
  const named = (typeof scope === 'string' ? scope.split(' ') : []).filter(isGrant)
  const granted = named.length === 0 ? subject.scopes : intersect(named, subject.scopes)
  const client = clientOf(payload)
  return {
    id: subject.id,
    name: subject.name,
    role: subject.role,
    ...(subject.person !== undefined && { person: subject.person }),
    scopes: bound === undefined ? granted : intersect(granted, [bound]),
    attainable: subject.scopes,
    credential: `${OTHER_ISSUER}${hashToken(`${iss} ${typeof sid === 'string' ? sid : payload.sub}`).slice(0, 24)}`,
    ...(client !== undefined && { client }),
    expiresMs: payload.exp * 1000,
  }
}
