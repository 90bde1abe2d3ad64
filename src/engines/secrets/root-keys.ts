import { z } from 'zod'
import { Fault } from '../../kernel/fault.ts'
import type { Log } from '../../kernel/log.ts'
import { KEY_BYTES, keyOf, newKey, type Key } from './cipher.ts'

/** The keys that wrap the data keys. More than one only while an older one is being replaced. */
export interface RootKeys {
  readonly source: 'file' | 'environment' | 'keyring'
  /** The newest first. */
  keys(): readonly Key[]
  /** Resolved: kept for good. Throws Fault `conflict` where only their owner can change them. */
  replace(keys: readonly Key[]): void
}

/** Where a text with keys is kept: a file, the OS keyring. */
export interface KeyPlace {
  readonly source: 'file' | 'keyring'
  /** For messages: `the key file /…/secret.key`. */
  readonly where: string
  /** Undefined: there is none. Throws Fault `storage_failed`. */
  read(): string | undefined
  write(text: string): void
}

/** The newest key first; as older releases have it. */
const KeyText = z.object({ keys: z.array(z.object({ key: z.string(), created: z.iso.datetime() })).min(1) })
type KeyText = z.infer<typeof KeyText>

const entryOf = ({ bytes }: Key) => ({ key: bytes.toString('base64'), created: new Date().toISOString() })

/** The keys as their file has them. */
export const keyText = (keys: readonly Key[]): string => textOf(keys.map(entryOf))

const textOf = (keys: KeyText['keys']): string => `${JSON.stringify({ keys }, null, 2)}\n`

/** Keys that the hub makes and keeps itself. `mayMake`: throws where a first key would be one too many. */
export function keptRootKeys(place: KeyPlace, mayMake: () => void): RootKeys {
  const write = (keys: KeyText['keys']) => place.write(textOf(keys))
  let content = parseKeyText(place)
  if (content === undefined) {
    mayMake()
    content = { keys: [entryOf(newKey())] }
    write(content.keys)
  }
  let entries = content.keys
  let keys: readonly Key[] = keysOf(entries, place.where)
  return {
    source: place.source,
    keys: () => keys,
    replace(wanted) {
      const known = new Map(keys.map((key, at) => [key.id, entries[at]]))
      const changed = wanted.map((key) => known.get(key.id) ?? entryOf(key))
      write(changed)
      entries = changed
      keys = wanted
    },
  }
}

/** ALICIA_SECRET_KEY: keys with commas between, the newest first. Throws Fault `storage_failed` for a weak one. */
export function givenRootKeys(text: string): RootKeys {
  const keys = text.split(',').map((key) => parseKey(key.trim(), 'ALICIA_SECRET_KEY'))
  return {
    source: 'environment',
    keys: () => keys,
    replace() {
      throw new Fault('conflict', 'The root key comes from ALICIA_SECRET_KEY, so it cannot be changed here.', {
        hint: 'Put the new key first in ALICIA_SECRET_KEY, a comma and the old one after it, and restart.',
      })
    },
  }
}

/**
 * Takes the keys of a file over into the keyring, and removes the file: only once the keyring has given them back. Keys that
 * the keyring has already stay the newer ones.
 */
export function moveToKeyring(file: KeyPlace & { remove(): void }, keyring: KeyPlace, log: Log): void {
  const inFile = parseKeyText(file)
  if (inFile === undefined) return
  const kept = parseKeyText(keyring)?.keys ?? []
  const added = inFile.keys.filter(({ key }) => !kept.some((other) => other.key === key))
  const text = textOf([...kept, ...added])
  if (added.length > 0) keyring.write(text)
  if (added.length > 0 && keyring.read() !== text)
    throw new Fault('storage_failed', 'The OS keyring did not keep the root key.', {
      hint: 'The key is still in its file. Remove secretKeySource, or look into the keyring.',
    })
  file.remove()
  log.info(`the root key is in the OS keyring now; ${file.where} is gone`)
}

function parseKeyText({ where, read }: KeyPlace): KeyText | undefined {
  const text = read()
  if (text === undefined) return undefined
  try {
    return KeyText.parse(JSON.parse(text))
  } catch (cause) {
    // The parser's message may quote the text: it stays out.
    const error = cause instanceof SyntaxError ? undefined : cause
    throw new Fault('storage_failed', `${where.charAt(0).toUpperCase()}${where.slice(1)} is not what it should be.`, {
      hint: 'Restore it from a backup. Without it every stored password must be entered again.',
      cause: error,
    })
  }
}

const keysOf = (entries: KeyText['keys'], where: string): Key[] => entries.map(({ key }) => parseKey(key, where))

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
  return keyOf(bytes)
}
