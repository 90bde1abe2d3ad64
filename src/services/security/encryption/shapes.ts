import { z } from 'zod'
import type { Caller } from '../../../kernel/caller.ts'
import type { KeyAccess, KeyReport, Keys } from '../../../kernel/keys.ts'
import { isGrant } from '../../../kernel/scope.ts'
import type { Rewrapping } from './rewrapping.ts'
import { makerOf } from './access.ts'

/** What the operations of encryption work on. */
export interface EncryptionDeps {
  readonly keys: Keys
  readonly rewrapping: Rewrapping
}

/** The key for whoever names none; made when it is first used. */
export const DEFAULT_KEY = 'default'

export const KeyName = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,49}$/, 'lower-case letters, digits and -, a letter first, at most 50')

/** `default: base64` would be longer than what it describes. */
export const Encoding = z.enum(['text', 'base64'])

/** Characters: with a base64 text still less than the body of a request may have. */
export const LONGEST_PLAIN = 1_000_000
export const LONGEST_SEALED = 2_000_000

export const AssociatedData = z
  .string()
  .max(10_000)
  .default('')
  .describe('Says what it is for; the same is needed to decrypt. It is not part of the result.')

export const Access = z
  .string()
  .refine((text) => text === 'me' || text === 'everyone' || isGrant(text), 'me, everyone, or a grant')
  .describe(
    '`me`: whoever makes it; `everyone`: whoever may use crypto:use; else those who have this grant: devices:write@room/kitchen',
  )

export const KeyShape = z.object({
  name: z.string(),
  maker: z.string().describe('Id of who made it'),
  for: z.string().describe('Who may use it: maker, everyone, or those who have this grant'),
  usable: z.boolean().describe('Whether you may encrypt and decrypt with it'),
  versions: z
    .array(
      z.object({
        version: z.int(),
        created_at: z.iso.datetime(),
        encrypted_at_most: z.int().describe('It encrypted no more texts than that'),
      }),
    )
    .describe('The newest first: it encrypts, all decrypt'),
})

export const accessOf = (text: string): KeyAccess =>
  text === 'me' ? { is: 'maker' } : text === 'everyone' ? { is: 'everyone' } : { is: 'grant', grant: text }

export function describeKey({ name, maker, access, versions }: KeyReport, usable: boolean): z.input<typeof KeyShape> {
  return {
    name,
    maker,
    for: access.is === 'grant' ? access.grant : access.is,
    usable,
    versions: versions.map(({ version, createdMs, sealedAtMost }) => ({
      version,
      created_at: new Date(createdMs).toISOString(),
      encrypted_at_most: sealedAtMost,
    })),
  }
}

/** For `create`. */
export const newKeyOf = (
  caller: Caller,
  name: string,
  access: string,
): Pick<KeyReport, 'name' | 'maker' | 'access'> => ({
  name,
  maker: makerOf(caller),
  access: accessOf(access),
})
