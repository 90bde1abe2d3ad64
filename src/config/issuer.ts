import { z } from 'zod'
import { ROLES } from '../kernel/role.ts'

/** What is between TLS and its end on this machine cannot be listened to. */
const isSafe = (url: URL): boolean =>
  url.protocol === 'https:' ||
  (url.protocol === 'http:' && /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(url.hostname))

const Issuer = z.string().refine(
  (text) => {
    const url = URL.parse(text)
    return url !== null && isSafe(url) && url.search === '' && url.hash === '' && url.username === ''
  },
  { error: 'must be an address that begins with https:// (or http:// on this machine), without query and user' },
)

/** An issuer besides the hub itself, whose access tokens are taken. */
export const IssuerSchema = z
  .strictObject({
    issuer: Issuer.describe('To the letter as it stands in its tokens: `https://id.example/realms/home`.'),
    audience: z
      .string()
      .min(1)
      .exactOptional()
      .describe('What its tokens for the hub are made out to (`aud`). Absent: an address of the hub itself.'),
    clientId: z.string().min(1).exactOptional().describe('The only client whose tokens are taken. Absent: any.'),
    people: z
      .record(z.string(), z.string())
      .default({})
      .describe(
        'Who is who: the `sub` of its tokens, or an e-mail address that it verified, and a name here: ' +
          '`{"anna@home.example": "anna"}`.',
      ),
    roleClaim: z
      .string()
      .min(1)
      .exactOptional()
      .describe(
        'Where its tokens name groups or roles: `groups`, `realm_access.roles`. For those whom `people` does not name.',
      ),
    roles: z
      .record(z.string(), z.enum(ROLES))
      .default({})
      .describe('Roles here, by what stands there: `{"family": "adult"}`.'),
  })
  .refine(({ people, roleClaim }) => Object.keys(people).length > 0 || roleClaim !== undefined, {
    error: 'lets nobody in without people or roleClaim',
  })
