import type { Clock } from '../../kernel/clock.ts'
import type { Holder, ShownToken, TokenSource } from '../../kernel/identity.ts'
import type { Log } from '../../kernel/log.ts'
import { ACCESS_TOKEN_SECONDS, type OwnOrigins } from '../../kernel/logins.ts'
import type { People } from '../../kernel/people.ts'
import { intersect } from '../../kernel/scope.ts'
import { isJwtLike, isSigned, issuerOf, readToken, type Claims, type ReadToken } from './access-token.ts'
import { audienceOf, type Audience } from './audience.ts'
import { createSeenTokens, notGood, type SeenTokens } from './seen-tokens.ts'
import type { OwnKeys } from './signing-keys.ts'
import { subjectOf } from './subject.ts'
import { LOGIN_PREFIX } from './tables.ts'

export interface VerifierOptions {
  readonly keys: Pick<OwnKeys, 'verifying' | 'load'>
  readonly people: Pick<People, 'get'>
  readonly origins: OwnOrigins
  readonly clock: Clock
  readonly log: Log
  /** Whether the login with that credential was ended. */
  isEnded(credential: string): boolean
  /** Whether another hub may have made a key that this one does not know yet. */
  readonly isShared: boolean
}

export interface Verifier {
  readonly source: TokenSource
  readonly seen: SeenTokens
}

/** How far the clocks of hub and signer may be apart, seconds. */
const LEEWAY_S = 5
/** How often keys are looked for that somebody names and nobody has, milliseconds. */
const RELOAD_PAUSE_MS = 1000

/**
 * Verifies the hub's own access tokens (RFC 9068, 4; RFC 8725). What costs little is checked first, the signature last, and
 * every refusal has the same words.
 */
export function createVerifier(options: VerifierOptions): Verifier {
  const { keys, people, origins, clock, log, isEnded, isShared } = options
  const seen = createSeenTokens(clock)
  let mayReloadMs = -Infinity

  const refuse = (why: string): never => {
    log.debug('an access token was refused', { why })
    throw notGood()
  }

  /** Keys that another hub made since, at most once a second: anybody can name one that does not exist. */
  const reload = async () => {
    mayReloadMs = clock.monotonic() + RELOAD_PAUSE_MS
    await keys.load()
  }

  const accept = (shown: ShownToken, read: ReadToken, audience: Audience): Holder => {
    const { claims } = read
    const key = keys.verifying(read.kid)
    if (!key) return refuse('its key is unknown')
    if (!isSigned(read, key)) return refuse('its signature is wrong')
    const { resource } = audience
    return seen.add(shown, {
      untilMs: (claims.exp + LEEWAY_S) * 1000,
      ...(resource !== undefined && { resource }),
      holder: () => (isEnded(claims.sid) ? undefined : holderOf(claims, audience, people)),
    })
  }

  const verifyNew = (shown: ShownToken): Holder | undefined | Promise<Holder> => {
    // A token of another issuer is another source's affair.
    if (origins.preferred === '' || issuerOf(shown.token) !== origins.preferred) return undefined
    const read = readToken(shown.token)
    if (!read) return refuse('it is not in the form of ours')
    const audience = audienceOf(read.claims.aud, origins)
    if (!audience) return refuse('it was given for something else')
    if (audience.resource !== undefined && audience.resource !== shown.resource)
      return refuse('it was given for another endpoint')
    const problem = timeProblem(read.claims, clock.now() / 1000)
    if (problem !== undefined) return refuse(problem)
    if (isShared && !keys.verifying(read.kid) && clock.monotonic() >= mayReloadMs)
      return reload().then(() => accept(shown, read, audience))
    return accept(shown, read, audience)
  }

  return {
    seen,
    source(shown) {
      if (!isJwtLike(shown.token)) return undefined
      return seen.find(shown) ?? (shown.onlySeen ? undefined : verifyNew(shown))
    },
  }
}

function timeProblem({ exp, iat, nbf }: Claims, nowS: number): string | undefined {
  if (exp + LEEWAY_S <= nowS) return 'it has ended'
  if (iat - LEEWAY_S > nowS || (nbf ?? iat) - LEEWAY_S > nowS) return 'it is from the future'
  // Ended logins are remembered for as long as a token lives; one that lived longer would come back.
  if (exp - iat > ACCESS_TOKEN_SECONDS) return 'it lives too long'
  return undefined
}

/** Who holds it as things are now: never more than the person may by now, nor than the token says. */
function holderOf(claims: Claims, { bound }: Audience, people: Pick<People, 'get'>): Holder | undefined {
  const subject = subjectOf(claims.sub, people)
  // To the second: what was made in the second of the change is what the change is followed by.
  if (!subject || (claims.iat + 1) * 1000 <= subject.sinceMs) return undefined
  const granted = intersect(claims.scope.split(' '), subject.scopes)
  return {
    id: subject.id,
    name: subject.name,
    role: subject.role,
    ...(subject.person !== undefined && { person: subject.person }),
    scopes: bound === undefined ? granted : intersect(granted, [bound]),
    attainable: subject.scopes,
    credential: claims.sid,
    ...(!claims.sid.startsWith(LOGIN_PREFIX) && { client: claims.client_id }),
    audience: claims.aud,
    expiresMs: claims.exp * 1000,
  }
}
