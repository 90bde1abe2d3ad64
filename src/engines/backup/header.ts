import {
  argon2,
  createCipheriv,
  createDecipheriv,
  createHmac,
  hkdfSync,
  randomBytes,
  timingSafeEqual,
} from 'node:crypto'
import { promisify } from 'node:util'
import { z } from 'zod'
import { Fault } from '../../kernel/fault.ts'
import { damaged, newerProgram, notABackup } from './broken.ts'
import { parseRecoveryKey } from './recovery-key.ts'

/** What opens a backup. */
export type BackupSecret =
  | { readonly is: 'passphrase'; readonly passphrase: string }
  | { readonly is: 'recovery'; readonly key: string }

/** RFC 9106: memory in KiB. */
export interface KdfCost {
  readonly memory: number
  readonly passes: number
  readonly parallelism: number
}

/** About half a second of an ordinary computer for each guess, and 128 MiB. */
const COST: KdfCost = { memory: 131_072, passes: 3, parallelism: 4 }

/** A header says how much work it costs to open: more than this is an attack on whoever tries. */
const Cost = z
  .object({
    memory: z.int().min(64).max(1_048_576),
    passes: z.int().min(1).max(10),
    parallelism: z.int().min(1).max(16),
  })
  // RFC 9106, 3.1
  .refine(({ memory, parallelism }) => memory >= 8 * parallelism)

const Bytes = (length: number) =>
  z
    .base64url()
    .transform((text) => Buffer.from(text, 'base64url'))
    .refine((bytes) => bytes.length === length)

const FILE_KEY_BYTES = 32
const SALT_BYTES = 16
const TAG_BYTES = 16
/** The key that wraps is used once, so its nonce may be a constant. */
const WRAP_NONCE = Buffer.alloc(12)

const Header = z.discriminatedUnion('is', [
  z.strictObject({
    is: z.literal('passphrase'),
    cost: Cost,
    salt: Bytes(SALT_BYTES),
    wrapped: Bytes(FILE_KEY_BYTES + TAG_BYTES),
  }),
  z.strictObject({ is: z.literal('recovery'), salt: Bytes(SALT_BYTES), wrapped: Bytes(FILE_KEY_BYTES + TAG_BYTES) }),
])
type Header = z.infer<typeof Header>

export const MAGIC = 'alicia-backup'
const FORMAT = 1
/** All three lines, bytes. */
export const LONGEST_HEADER = 4096

const SHORTEST_PASSPHRASE = 12

/** The bytes before the encrypted part, and the key of that part. */
export interface NewHeader {
  readonly bytes: Buffer
  readonly payloadKey: Buffer
}

/**
 * Three lines: `alicia-backup 1`; how the file's own random key is wrapped, in JSON; an HMAC over both with that key. Throws
 * Fault `invalid_input` for a secret that is none.
 */
export async function makeHeader(secret: BackupSecret, cost: KdfCost = COST): Promise<NewHeader> {
  if (secret.is === 'passphrase' && secret.passphrase.length < SHORTEST_PASSPHRASE)
    throw new Fault('invalid_input', `The passphrase has fewer than ${SHORTEST_PASSPHRASE} characters.`, {
      hint: 'Whoever has the file can try as many as they like: take several words.',
    })
  const fileKey = randomBytes(FILE_KEY_BYTES)
  const salt = randomBytes(SALT_BYTES)
  const wrapped = wrap(await wrappingKey(secret, salt, cost), fileKey)
  const parts = { salt: salt.toString('base64url'), wrapped: wrapped.toString('base64url') }
  const line = secret.is === 'passphrase' ? { is: secret.is, cost, ...parts } : { is: secret.is, ...parts }
  const signed = `${MAGIC} ${FORMAT}\n${JSON.stringify(line)}\n`
  return { bytes: Buffer.from(`${signed}${macOf(fileKey, signed)}\n`), payloadKey: subkey(fileKey, 'payload') }
}

/** What a file says of itself before anybody shows a secret. Throws Fault `invalid_input`, `storage_failed`. */
export interface FoundHeader {
  readonly is: BackupSecret['is']
  /** Where the encrypted part begins. */
  readonly length: number
  /** The key of the encrypted part. Throws Fault `invalid_input` for the wrong secret, `storage_failed`. */
  open(secret: BackupSecret): Promise<Buffer>
}

/** `start`: the first bytes of the file, `LONGEST_HEADER` where it has so many. */
export function readHeader(start: Buffer): FoundHeader {
  const text = start.toString('latin1')
  const [first = '', second = '', mac = ''] = text.split('\n', 3)
  const [, format] = /^alicia-backup ([1-9]\d{0,5})$/.exec(first) ?? []
  if (format === undefined) throw notABackup()
  if (Number(format) > FORMAT) throw newerProgram()
  const header = parse(second)
  const signed = `${first}\n${second}\n`
  return {
    is: header.is,
    length: signed.length + mac.length + 1,
    async open(secret) {
      if (secret.is !== header.is) throw wrongSecret(header.is)
      const key = await wrappingKey(secret, header.salt, 'cost' in header ? header.cost : COST)
      const fileKey = unwrap(key, header.wrapped)
      if (!fileKey) throw wrongSecret(header.is)
      const expected = Buffer.from(macOf(fileKey, signed))
      const shown = Buffer.from(mac, 'latin1')
      if (shown.length !== expected.length || !timingSafeEqual(shown, expected)) throw damaged()
      return subkey(fileKey, 'payload')
    },
  }
}

function parse(line: string): Header {
  try {
    return Header.parse(JSON.parse(line))
  } catch (cause) {
    throw damaged(cause)
  }
}

const argon2id = promisify(argon2)

async function wrappingKey(secret: BackupSecret, salt: Buffer, cost: KdfCost): Promise<Buffer> {
  if (secret.is === 'passphrase') {
    // The same letters typed on another system may come in another form.
    const message = secret.passphrase.normalize('NFC')
    return await argon2id('argon2id', { message, nonce: salt, tagLength: FILE_KEY_BYTES, ...cost })
  }
  const key = parseRecoveryKey(secret.key)
  if (!key) throw wrongSecret('recovery')
  return Buffer.from(hkdfSync('sha256', key, salt, 'alicia backup recovery', FILE_KEY_BYTES))
}

function wrap(key: Buffer, fileKey: Buffer): Buffer {
  const cipher = createCipheriv('aes-256-gcm', key, WRAP_NONCE)
  return Buffer.concat([cipher.update(fileKey), cipher.final(), cipher.getAuthTag()])
}

function unwrap(key: Buffer, wrapped: Buffer): Buffer | undefined {
  const decipher = createDecipheriv('aes-256-gcm', key, WRAP_NONCE, { authTagLength: TAG_BYTES })
  decipher.setAuthTag(wrapped.subarray(-TAG_BYTES))
  try {
    return Buffer.concat([decipher.update(wrapped.subarray(0, -TAG_BYTES)), decipher.final()])
  } catch {
    return undefined
  }
}

const subkey = (fileKey: Buffer, purpose: string): Buffer =>
  Buffer.from(hkdfSync('sha256', fileKey, '', `alicia backup ${purpose}`, FILE_KEY_BYTES))

const macOf = (fileKey: Buffer, signed: string): string =>
  createHmac('sha256', subkey(fileKey, 'header')).update(signed).digest('base64url')

/** Damage to the wrapped key looks the same. */
const wrongSecret = (is: BackupSecret['is']): Fault =>
  new Fault(
    'invalid_input',
    is === 'passphrase'
      ? 'The passphrase is wrong, or the backup is damaged.'
      : 'The recovery key is wrong, or the backup is damaged.',
    {
      hint:
        is === 'passphrase' ? 'This backup was made with a passphrase.' : 'This backup was made with a recovery key.',
    },
  )
