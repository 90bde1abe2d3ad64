import { z } from 'zod'
import { Fault } from '../../../kernel/fault.ts'
import type { Caller } from '../../../kernel/caller.ts'
import type { Clock } from '../../../kernel/clock.ts'
import type { Events } from '../../../kernel/events.ts'
import type { OwnerToken } from '../../../kernel/identity.ts'
import type { Logins, TokenPair } from '../../../kernel/logins.ts'
import type { People } from '../../../kernel/people.ts'

export interface LoginDeps {
  readonly people: People
  readonly logins: Logins
  readonly ownerToken: OwnerToken
  readonly events: Events
  readonly clock: Clock
}

/** RFC 6749, 5.1. */
export const Pair = z.object({
  access_token: z.string().meta({ writeOnly: true }).describe('A JWT: send it as "Authorization: Bearer <token>"'),
  token_type: z.literal('Bearer'),
  expires_in: z.int().describe('Seconds until the access token ends'),
  refresh_token: z
    .string()
    .meta({ writeOnly: true })
    .describe('Good for one refresh; keep it where nobody else reads it'),
  scope: z.string().describe('What it may do, with spaces between'),
})

export const pairOf = ({ accessToken, refreshToken, scopes, expiresInSeconds }: TokenPair): z.input<typeof Pair> => ({
  access_token: accessToken,
  token_type: 'Bearer',
  expires_in: expiresInSeconds,
  refresh_token: refreshToken,
  scope: scopes.join(' '),
})

/**
 * Passwords and tokens are exchanged over HTTP alone: on a broker others may read along, and a model tells what it hears. Throws
 * Fault `forbidden`.
 */
export function requireHttp({ via }: Caller): void {
  if (via === 'rest' || via === 'internal') return
  throw new Fault('forbidden', 'Logging in is done over HTTP.', { hint: 'POST /auth/login, POST /auth/refresh.' })
}

/** Throws Fault `unauthenticated` for whoever showed nothing. */
export function requireToken({ id }: Caller): void {
  if (id !== 'anonymous') return
  throw new Fault('unauthenticated', 'There is no access token to look at.', {
    hint: 'Send it as "Authorization: Bearer <token>".',
  })
}

export const iso = (ms: number): string => new Date(ms).toISOString()
