import { z } from 'zod'
import { operation } from '../../kernel/operation.ts'
import { PERSON_NAME } from '../../kernel/people.ts'
import { GRANT_PATTERN } from '../../kernel/scope.ts'
import type { TokenInfo, Tokens } from './tokens.ts'

interface Deps {
  tokens: Tokens
  now: () => number
}

const Name = z
  .string()
  .trim()
  .min(1)
  .max(60)
  .regex(/^[\p{L}\p{N}][\p{L}\p{N} ._-]*$/u, 'letters, digits, spaces, dots, dashes')
  .describe('What the token is for, as you will recognise it: "kitchen tablet"')

const Scope = z
  .string()
  .max(500)
  .regex(GRANT_PATTERN, 'expected area:verb, area:* or *, and perhaps @room/<name>')
  .describe('area:verb (mqtt:read), area:* or * for everything; @room/kitchen after it: there alone')

const Info = z.object({
  name: z.string(),
  scopes: z.array(z.string()).describe('What it may now'),
  person: z.string().optional().describe('Whose it is; it may no more than they may'),
  created_at: z.iso.datetime(),
  expires_at: z.iso.datetime().optional().describe('Absent: it does not expire'),
})

export const createToken = operation<Deps>()({
  name: 'tokens.create_token',
  summary: 'Make an access token for a person, a device or a program.',
  description: 'The token is shown this once: only its hash is kept. It can do no more than whoever makes it.',
  scope: 'tokens:write',
  effect: 'write',
  input: z.object({
    name: Name,
    scopes: z.array(Scope).min(1).max(50),
    expires_in_days: z.int().min(1).max(3650).optional().describe('Absent: it works until it is revoked'),
    for: z.string().regex(PERSON_NAME).optional().describe('Whose it is; absent: yours. For others only an owner may'),
  }),
  output: Info.extend({ token: z.string().describe('Send it as "Authorization: Bearer <token>"') }),
  async handler({ name, scopes, expires_in_days: expiresInDays, for: person }, { tokens, caller }) {
    const wanted = {
      name,
      scopes,
      ...(expiresInDays !== undefined && { expiresInDays }),
      ...(person !== undefined && { person }),
    }
    const { token, ...info } = await tokens.create(caller, wanted)
    return { token, ...describeToken(info) }
  },
})

export const listTokens = operation<Deps>()({
  name: 'tokens.list_tokens',
  summary: 'The access tokens there are, with their scopes, expiry and the day of their last use.',
  scope: 'tokens:read',
  effect: 'read',
  input: z.object({}),
  output: z.object({
    tokens: z.array(
      Info.extend({
        expired: z.boolean(),
        last_used_on: z.iso.date().optional().describe('The day (UTC) of its last use; absent: never used'),
      }),
    ),
  }),
  async handler(_, { tokens, now, caller }) {
    const nowMs = now()
    return {
      tokens: tokens.list(caller).map((info) => ({
        ...describeToken(info),
        expired: info.expiresMs !== undefined && info.expiresMs <= nowMs,
        ...(info.lastUsedMs !== undefined && { last_used_on: iso(info.lastUsedMs).slice(0, 10) }),
      })),
    }
  },
})

export const revokeToken = operation<Deps>()({
  name: 'tokens.revoke_token',
  summary: 'End an access token for good, from this moment on, with those that it made.',
  scope: 'tokens:write',
  effect: 'destructive',
  input: z.object({ name: z.string().trim().min(1) }),
  output: z.object({
    revoked: z.string().describe('The name of the token that is gone'),
    also_revoked: z.array(z.string()).optional().describe('Those that it made, and that are gone with it'),
  }),
  async handler({ name }, { tokens, caller }) {
    const made = await tokens.revoke(caller, name)
    return { revoked: name, ...(made.length > 0 && { also_revoked: [...made] }) }
  },
})

const describeToken = ({ name, scopes, person, createdMs, expiresMs }: TokenInfo) => ({
  name,
  scopes: [...scopes],
  ...(person !== undefined && { person }),
  created_at: iso(createdMs),
  ...(expiresMs !== undefined && { expires_at: iso(expiresMs) }),
})

const iso = (ms: number) => new Date(ms).toISOString()
