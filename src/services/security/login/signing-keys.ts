import { z } from 'zod'
import { operation } from '../../../kernel/operation.ts'
import type { LoginDeps } from './shapes.ts'

export const getSigningKeys = operation<LoginDeps>()({
  name: 'security.get_signing_keys',
  summary: 'The public keys that access tokens of this hub can be verified with, as a JWK set (RFC 7517).',
  scope: null,
  effect: 'read',
  forModels: false,
  route: { method: 'GET', path: '/.well-known/jwks.json' },
  input: z.object({}),
  output: z.object({
    keys: z.array(
      z.object({
        kty: z.literal('OKP'),
        crv: z.literal('Ed25519'),
        x: z.string(),
        kid: z.string(),
        alg: z.literal('EdDSA'),
        use: z.literal('sig'),
      }),
    ),
  }),
  // Member by member: what else a key has is private.
  handler: async (_, { logins }) => ({
    keys: logins.keys
      .public()
      .keys.map(({ x = '', kid }) => ({ kty: 'OKP', crv: 'Ed25519', x, kid, alg: 'EdDSA', use: 'sig' }) as const),
  }),
})

export const rotateSigningKey = operation<LoginDeps>()({
  name: 'security.rotate_signing_key',
  summary: 'Sign access tokens with a new key from now on; those of the old one are good until they end, in minutes.',
  description: 'It happens by itself every 90 days.',
  scope: 'security:write',
  effect: 'write',
  input: z.object({}),
  output: z.object({ kid: z.string() }),
  async handler(_, { logins }) {
    await logins.keys.rotate()
    return { kid: logins.keys.public().keys[0]?.kid ?? '' }
  },
})
