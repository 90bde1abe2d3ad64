import { createHash, randomBytes } from 'node:crypto'
import { z } from 'zod'
import type { SealedTexts } from '../../kernel/keys.ts'
import type { Log } from '../../kernel/log.ts'
import type { Secrets } from '../../kernel/ports.ts'
import type { ChainKey, ChainKeys } from './chain.ts'

export interface KeptChainKeys {
  readonly keys: ChainKeys
  /** So that they are sealed anew when the key that seals them has changed. */
  readonly texts: SealedTexts
}

/** A file that only its owner reads. Both throw Fault `storage_failed`. */
export interface PrivateText {
  readonly path: string
  /** Undefined: there is none. */
  read(): string | undefined
  /** Whole or not at all. */
  write(text: string): void
}

export interface ChainKeysOptions {
  /** Holds them sealed; made with a first key when it is missing. */
  readonly file: PrivateText
  readonly secrets: Pick<Secrets, 'seal' | 'open' | 'isStale'>
  readonly log: Log
}

const KeyFile = z.object({
  keys: z.array(z.object({ id: z.string().regex(/^[0-9a-f]{8}$/), sealed: z.string(), created: z.iso.datetime() })),
})
type Kept = z.infer<typeof KeyFile>['keys']

const KEY_BYTES = 32
const contextOf = (id: string) => `audit-key:${id}`

/**
 * The keys that sign the audit: random, sealed with the secret keys, for this alone. When those were rotated, the chain goes on
 * under a new key; the older ones stay, to verify. One that cannot be opened any more is kept as it is, and what it signed can
 * not be verified: that must not keep a home from starting. Throws Fault `storage_failed` when the file cannot be written.
 */
export function openChainKeys({ file, secrets, log }: ChainKeysOptions): KeptChainKeys {
  let kept = read(file, log)
  const write = (next: Kept) => {
    file.write(`${JSON.stringify({ keys: next }, null, 2)}\n`)
    kept = next
  }
  const keys = openAll(kept, { secrets, log })
  const [newest] = kept
  if (!newest || keys[0]?.id !== newest.id || secrets.isStale(newest.sealed)) {
    const key = newKey()
    const sealed = secrets.seal(key.bytes.toString('base64'), contextOf(key.id))
    write([{ id: key.id, sealed, created: new Date().toISOString() }, ...kept])
    keys.unshift(key)
  }
  return {
    keys: () => keys,
    texts: {
      what: 'keys of the audit',
      read: async (after, most) =>
        kept
          .map(({ id, sealed }) => ({ id, sealed, context: contextOf(id) }))
          .filter(({ id }) => after === undefined || id > after)
          .sort((a, b) => (a.id < b.id ? -1 : 1))
          .slice(0, most),
      async replace({ id, sealed: old }, sealed) {
        write(kept.map((entry) => (entry.id === id && entry.sealed === old ? { ...entry, sealed } : entry)))
      },
    },
  }
}

/** The keys as they are, for whoever only looks. */
export const readChainKeys = ({ file, secrets, log }: ChainKeysOptions): readonly ChainKey[] =>
  openAll(read(file, log), { secrets, log })

const openAll = (kept: Kept, { secrets, log }: Pick<ChainKeysOptions, 'secrets' | 'log'>): ChainKey[] =>
  kept.flatMap(({ id, sealed }) => {
    try {
      return [{ id, bytes: Buffer.from(secrets.open(sealed, contextOf(id)), 'base64') }]
    } catch (error) {
      log.error('a key of the audit cannot be opened: what it signed cannot be verified', { id, error })
      return []
    }
  })

/** Nothing says what its bytes are: the id is of their hash. */
export function newKey(): ChainKey {
  const bytes = randomBytes(KEY_BYTES)
  return { id: createHash('sha256').update('alicia audit key id').update(bytes).digest('hex').slice(0, 8), bytes }
}

function read(file: PrivateText, log: Log): Kept {
  const text = file.read()
  if (text === undefined) return []
  try {
    return KeyFile.parse(JSON.parse(text)).keys
  } catch {
    log.error('the keys of the audit cannot be read: what they signed cannot be verified', { file: file.path })
    return []
  }
}
