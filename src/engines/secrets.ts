import { createCipheriv, createDecipheriv, createHash, hkdfSync, randomBytes } from 'node:crypto'
import { z } from 'zod'
import { Fault } from '../kernel/fault.ts'
import type { Log } from '../kernel/log.ts'
import type { Secrets } from '../kernel/ports.ts'
import { readPrivateFile, writePrivateFile } from './private-file.ts'

/** The port, and what the owner of the keys may do besides. */
export interface Keyring extends Secrets {
  readonly source: 'file' | 'environment'
  /**
   * Keys of 32 bytes for one purpose alone, one from each of its own keys, the newest first (HKDF-SHA-256, RFC 5869). `id` is that
   * of the key it comes from.
   */
  derive(purpose: string): readonly DerivedKey[]
  /**
   * Makes a new key, which seals from now on; older ones still open. Throws Fault `conflict` when the keys come from
   * the environment, which only its owner can change.
   */
  rotateKey(): void
}

export interface DerivedKey {
  readonly id: string
  readonly bytes: Buffer
}

export interface SecretsOptions {
  /** Where the keys are kept; made with a first key when it is missing. */
  file: string
  log: Log
  /** ALICIA_SECRET_KEY: one or more keys with commas between; then the file is not touched. */
  fromEnvironment?: string
}

interface Key {
  readonly id: string
  readonly bytes: Buffer
}

/** What the file holds: the newest key first. */
const KeyFile = z.object({ keys: z.array(z.object({ key: z.string(), created: z.iso.datetime() })).min(1) })
type KeyFile = z.infer<typeof KeyFile>

const KEY_BYTES = 32
/** NIST SP 800-38D: 96-bit nonces, 128-bit tags; random nonces allow 2^32 texts under one key. */
const NONCE_BYTES = 12
const TAG_BYTES = 16

/** Throws Fault `storage_failed` for a key that is missing, weak or unreadable. */
export function loadSecrets({ file, log, fromEnvironment }: SecretsOptions): Keyring {
  let content = fromEnvironment === undefined ? (readKeyFile(file, log) ?? writeKeyFile(file, [])) : undefined
  let keys =
    fromEnvironment === undefined
      ? keysOf(content)
      : fromEnvironment.split(',').map((text) => parseKey(text.trim(), 'ALICIA_SECRET_KEY'))
  const newest = () => keys[0] as Key

  return {
    source: fromEnvironment === undefined ? 'file' : 'environment',
    seal(plain, context) {
      const key = newest()
      const nonce = randomBytes(NONCE_BYTES)
      const cipher = createCipheriv('aes-256-gcm', key.bytes, nonce).setAAD(Buffer.from(context))
      const text = Buffer.concat([nonce, cipher.update(plain, 'utf8'), cipher.final(), cipher.getAuthTag()])
      return `v1.${key.id}.${text.toString('base64url')}`
    },
    open(sealed, context) {
      const { keyId, bytes } = parseSealed(sealed)
      const key = keys.find(({ id }) => id === keyId)
      if (!key)
        throw new Fault('storage_failed', `The key ${keyId} that sealed this secret is gone.`, {
          hint: 'Put back the key file (or ALICIA_SECRET_KEY) of that time, or enter the secret again.',
        })
      return decrypt(key, bytes, context)
    },
    derive: (purpose) =>
      keys.map(({ id, bytes }) => ({
        id,
        bytes: Buffer.from(hkdfSync('sha256', bytes, '', `alicia ${purpose}`, KEY_BYTES)),
      })),
    isStale: (sealed) => parseSealed(sealed).keyId !== newest().id,
    rotateKey() {
      if (content === undefined)
        throw new Fault('conflict', 'The secret keys come from ALICIA_SECRET_KEY, so they cannot be rotated here.', {
          hint: 'Put the new key first in ALICIA_SECRET_KEY, a comma and the old one after it, and restart.',
        })
      content = writeKeyFile(file, content.keys)
      keys = keysOf(content)
    },
  }
}

function decrypt(key: Key, bytes: Buffer, context: string): string {
  const nonce = bytes.subarray(0, NONCE_BYTES)
  const tag = bytes.subarray(-TAG_BYTES)
  // A shorter tag would be easier to forge: the length is fixed here, not taken from the text.
  const decipher = createDecipheriv('aes-256-gcm', key.bytes, nonce, { authTagLength: TAG_BYTES })
  decipher.setAAD(Buffer.from(context)).setAuthTag(tag)
  try {
    const plain = decipher.update(bytes.subarray(NONCE_BYTES, -TAG_BYTES))
    return Buffer.concat([plain, decipher.final()]).toString('utf8')
  } catch {
    // Which of the two it was is nobody's business: that difference helps only whoever tampers.
    throw unreadable()
  }
}

const SEALED = /^v1\.([0-9a-f]{8})\.([A-Za-z0-9_-]+)$/

function parseSealed(sealed: string): { keyId: string; bytes: Buffer } {
  const [, keyId, text] = SEALED.exec(sealed) ?? []
  if (keyId === undefined || text === undefined) throw unreadable()
  const bytes = Buffer.from(text, 'base64url')
  if (bytes.length < NONCE_BYTES + TAG_BYTES || bytes.toString('base64url') !== text) throw unreadable()
  return { keyId, bytes }
}

const unreadable = () =>
  new Fault('storage_failed', 'The stored secret was changed, or sealed for something else.', {
    hint: 'Enter the secret again.',
  })

function readKeyFile(file: string, log: Log): KeyFile | undefined {
  const text = readPrivateFile(file, log)
  if (text === undefined) return undefined
  try {
    return KeyFile.parse(JSON.parse(text))
  } catch (cause) {
    // The parser's message may quote the file: it stays out.
    const error = cause instanceof SyntaxError ? undefined : cause
    throw new Fault('storage_failed', `The key file ${file} is not what it should be.`, {
      hint: 'Restore it from a backup. Removing it makes a new key, and every stored password must be entered again.',
      cause: error,
    })
  }
}

function writeKeyFile(file: string, older: KeyFile['keys']): KeyFile {
  const key = { key: randomBytes(KEY_BYTES).toString('base64'), created: new Date().toISOString() }
  const content = { keys: [key, ...older] }
  writePrivateFile(file, `${JSON.stringify(content, null, 2)}\n`)
  return content
}

const keysOf = (content: KeyFile | undefined): Key[] =>
  (content?.keys ?? []).map(({ key }) => parseKey(key, 'key file'))

const HEX = /^[0-9a-f]{64}$/i
const BASE64 = /^[A-Za-z0-9+/_-]{43}=?$/

/** 32 random bytes have about 30 different values; fewer than this is a pattern somebody typed. */
const FEWEST_DIFFERENT_BYTES = 16

/** The key's text never stands in the message. */
function parseKey(text: string, where: string): Key {
  const bytes = HEX.test(text) ? Buffer.from(text, 'hex') : BASE64.test(text) ? Buffer.from(text, 'base64') : undefined
  const hint = 'Make one with: openssl rand -base64 32'
  if (bytes?.length !== KEY_BYTES)
    throw new Fault('storage_failed', `A key in ${where} is not 32 bytes in base64 or hex.`, { hint })
  if (new Set(bytes).size < FEWEST_DIFFERENT_BYTES)
    throw new Fault('storage_failed', `A key in ${where} is too regular to be random.`, { hint })
  return { id: createHash('sha256').update('alicia key id').update(bytes).digest('hex').slice(0, 8), bytes }
}
