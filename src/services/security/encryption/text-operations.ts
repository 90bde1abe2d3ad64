import { isUtf8 } from 'node:buffer'
import { z } from 'zod'
import type { Caller } from '../../../kernel/caller.ts'
import { Fault } from '../../../kernel/fault.ts'
import { HUB_KEY, type Keys } from '../../../kernel/keys.ts'
import { operation } from '../../../kernel/operation.ts'
import { mayUseKey, usableKey } from './access.ts'
import {
  AssociatedData,
  DEFAULT_KEY,
  Encoding,
  KeyName,
  LONGEST_PLAIN,
  LONGEST_SEALED,
  type EncryptionDeps,
} from './shapes.ts'

const Sealed = z.object({
  ciphertext: z.string().describe('Begins with v2.<key>.<version>'),
  key: z.string(),
  version: z.int(),
})

export const encrypt = operation<EncryptionDeps>()({
  name: 'security.encrypt',
  summary: 'Encrypt a text so that only the hub can read and nobody can change it (AES-256-GCM).',
  scope: 'crypto:use',
  effect: 'read',
  route: { method: 'POST', path: '/encrypt' },
  input: z.object({
    plaintext: z.string().max(LONGEST_PLAIN).meta({ writeOnly: true }),
    encoding: Encoding.default('text').describe('How plaintext is written'),
    key: KeyName.default(DEFAULT_KEY),
    associated_data: AssociatedData,
  }),
  output: Sealed,
  async handler({ plaintext, encoding, key: name, associated_data: associated }, { keys, caller }) {
    if (name === DEFAULT_KEY && !keys.get(name)) keys.create({ name, maker: HUB_KEY, access: { is: 'everyone' } })
    usableKey(keys, caller, name)
    return describeSealed(keys, keys.encrypt(name, bytesOf(plaintext, encoding), Buffer.from(associated)))
  },
})

export const decrypt = operation<EncryptionDeps>()({
  name: 'security.decrypt',
  summary: 'Decrypt what encrypt gave, with the same associated data.',
  scope: 'crypto:use',
  effect: 'read',
  route: { method: 'POST', path: '/decrypt' },
  input: z.object({
    ciphertext: z.string().max(LONGEST_SEALED),
    associated_data: AssociatedData,
    encoding: Encoding.default('text').describe('How to write the plaintext; bytes that are no text are base64'),
  }),
  output: z.object({ plaintext: z.string(), encoding: Encoding, key: z.string(), version: z.int() }),
  async handler({ ciphertext, associated_data: associated, encoding }, { keys, caller }) {
    const { plain, ...named } = opened(keys, caller, { ciphertext, associated })
    const isText = encoding === 'text' && isUtf8(plain)
    return {
      plaintext: Buffer.from(plain).toString(isText ? 'utf8' : 'base64'),
      encoding: isText ? ('text' as const) : ('base64' as const),
      ...named,
    }
  },
})

export const rewrap = operation<EncryptionDeps>()({
  name: 'security.rewrap',
  summary: 'Encrypt what encrypt gave anew, with the newest version of its key, without showing it.',
  scope: 'crypto:write',
  effect: 'read',
  input: z.object({ ciphertext: z.string().max(LONGEST_SEALED), associated_data: AssociatedData }),
  output: Sealed.extend({ changed: z.boolean().describe('false: it has the newest version already') }),
  async handler({ ciphertext, associated_data: associated }, { keys, caller }) {
    const { plain, key, version } = opened(keys, caller, { ciphertext, associated })
    if (keys.get(key)?.versions[0]?.version === version) return { ciphertext, key, version, changed: false }
    return { ...describeSealed(keys, keys.encrypt(key, plain, Buffer.from(associated))), changed: true }
  },
})

/** Throws Fault `invalid_input`, one and the same for whatever is wrong: also for a key that is somebody else's. */
function opened(keys: Keys, caller: Caller, { ciphertext, associated }: { ciphertext: string; associated: string }) {
  const named = keys.describe(ciphertext)
  const report = named && keys.get(named.name)
  if (!named || !report || !mayUseKey(caller, report)) throw cannotOpen()
  try {
    return { plain: keys.decrypt(ciphertext, Buffer.from(associated)), key: named.name, version: named.version }
  } catch (error) {
    if (error instanceof Fault && error.code === 'invalid_input') throw cannotOpen()
    throw error
  }
}

const cannotOpen = () =>
  new Fault('invalid_input', 'The ciphertext cannot be decrypted.', {
    hint: 'It was changed, or needs another key, other associated data or another caller.',
  })

function describeSealed(keys: Keys, ciphertext: string): z.input<typeof Sealed> {
  const named = keys.describe(ciphertext)
  if (!named) throw new TypeError('What was sealed is no sealed text.')
  return { ciphertext, key: named.name, version: named.version }
}

/** RFC 4648, section 4, with its padding. Throws Fault `invalid_input`. */
function bytesOf(plaintext: string, encoding: z.output<typeof Encoding>): Uint8Array {
  if (encoding === 'text') return Buffer.from(plaintext)
  const bytes = Buffer.from(plaintext, 'base64')
  if (bytes.toString('base64') === plaintext) return bytes
  throw new Fault('invalid_input', 'plaintext is not base64.', { hint: 'RFC 4648, with padding; or encoding: text.' })
}
