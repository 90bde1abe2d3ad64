import { z } from 'zod'
import { Fault } from '../../../kernel/fault.ts'
import type { Caller } from '../../../kernel/caller.ts'
import { OTHER_ISSUER } from '../../../kernel/logins.ts'
import { operation } from '../../../kernel/operation.ts'
import { ROLES } from '../../../kernel/role.ts'
import { iso, requireToken, type LoginDeps } from './shapes.ts'

export const validate = operation<LoginDeps>()({
  name: 'security.validate',
  summary: 'Whose the access token is that this call was made with, what it may, and until when.',
  scope: null,
  effect: 'read',
  forModels: false,
  route: { method: 'GET', path: '/auth/validate' },
  input: z.object({}),
  output: z.object({
    id: z.string(),
    name: z.string(),
    role: z.enum(ROLES).optional(),
    person: z.string().optional().describe('The id of the person it is of'),
    scopes: z.array(z.string()),
    credential: z.string().optional().describe('The login, token or grant that it hangs on'),
    client: z.string().optional().describe('The OAuth client it was given to'),
    audience: z.string().optional().describe('What it was given for'),
    expires_at: z.iso.datetime().optional().describe('Absent: it does not end by itself'),
  }),
  async handler(_, { caller }) {
    requireToken(caller)
    const { id, name, role, person, scopes, credential, client, audience, expiresMs } = caller
    return {
      id,
      name,
      scopes: [...scopes],
      ...(role !== undefined && { role }),
      ...(person !== undefined && { person }),
      ...(credential !== undefined && { credential }),
      ...(client !== undefined && { client }),
      ...(audience !== undefined && { audience }),
      ...(expiresMs !== undefined && { expires_at: iso(expiresMs) }),
    }
  },
})

export const logOut = operation<LoginDeps>()({
  name: 'security.logout',
  summary: 'End the login that this call was made with: all its access tokens, and its refresh token.',
  scope: null,
  effect: 'write',
  forModels: false,
  route: { method: 'POST', path: '/auth/logout' },
  input: z.object({}),
  output: z.object({ ended: z.string() }),
  async handler(_, { logins, caller }) {
    requireToken(caller)
    const credential = loginOf(caller)
    await logins.end(credential)
    return { ended: credential }
  },
})

/** Throws Fault `conflict` for whoever came by something that is no login of this hub. */
function loginOf({ credential, audience, name }: Caller): string {
  // Only access tokens of the hub itself were given for something.
  if (credential !== undefined && audience !== undefined) return credential
  if (credential?.startsWith(OTHER_ISSUER))
    throw new Fault('conflict', `${name} came by a token of another issuer, which is good until it ends by itself.`, {
      hint: 'Log out where you logged in. To shut somebody out here, disable the person: `alicia user disable`.',
    })
  throw new Fault('conflict', `${name} came by a token that is no login.`, {
    hint: 'revoke_token ends a token; `alicia token` says where that of the owner is.',
  })
}
