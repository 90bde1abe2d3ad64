import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { z } from 'zod'
import type { Clock } from '../../kernel/clock.ts'
import { hashToken } from '../../kernel/identity.ts'
import type { SealedTexts } from '../../kernel/keys.ts'
import type { Log } from '../../kernel/log.ts'
import { ACCESS_TOKEN_SECONDS, type SigningJwk, type SigningKeys } from '../../kernel/logins.ts'
import type { Secrets } from '../../kernel/ports.ts'
import type { Signer } from './access-token.ts'
import type { KeyRow, LoginDb } from './tables.ts'

/** The port, and what tokens are signed and verified with. */
export interface OwnKeys extends SigningKeys {
  signer(): Signer
  verifying(kid: string): KeyObject | undefined
  /** Reads them from the database: there are none before that, and another hub may have made one. */
  load(): Promise<void>
  /** A new key where the present one is old, and no more of those whose last token has run out. */
  tidy(): Promise<void>
  /** They are sealed anew no more when the key that seals them changes. */
  close(): void
}

export interface SigningKeysOptions {
  readonly db: LoginDb
  readonly secrets: Secrets
  readonly clock: Clock
  readonly log: Log
}

interface Key extends Signer {
  readonly jwk: SigningJwk
  readonly publicKey: KeyObject
  readonly createdMs: number
  readonly isRetired: boolean
}

/** How long a key signs, milliseconds: 90 days. */
const KEY_LIFE_MS = 90 * 86_400_000
/** A retired key's last token may have been signed by another hub whose clock is behind. */
const RETIRED_LIFE_MS = (ACCESS_TOKEN_SECONDS + 60) * 1000

/** Every promise rejects with Fault `storage_failed` or `unavailable` where the database does. */
export function createSigningKeys({ db, secrets, clock, log }: SigningKeysOptions): OwnKeys {
  const listeners = new Set<() => void>()
  /** Those that were logged: they are read with every change of a login. */
  const unreadable = new Set<string>()
  let keys: readonly Key[] = []
  let loading: Promise<void> = Promise.resolve()

  const read = async (): Promise<readonly Key[]> => {
    const rows = await db.tables.selectFrom('signing_keys').selectAll().execute()
    return rows
      .filter(isInUse(clock.now()))
      .map(open)
      .filter((key) => key !== undefined)
      .toSorted(newestFirst)
  }

  /** A key that does not open any more costs its tokens, which live for minutes; not the hub. */
  const open = (row: KeyRow): Key | undefined => {
    try {
      return keyOf(Jwk.parse(JSON.parse(secrets.open(row.sealed, contextOf(row.kid)))), row)
    } catch {
      if (!unreadable.has(row.kid))
        log.warn('a signing key cannot be read: tokens that it signed are refused', { kid: row.kid })
      unreadable.add(row.kid)
      return undefined
    }
  }

  const loadNow = async () => {
    const before = keys.map(({ kid }) => kid).join()
    keys = await read()
    if (keys.map(({ kid }) => kid).join() !== before) for (const listener of listeners) listener()
  }

  /** One after the other: what was read first must not take the place of what was read last. */
  const load = () => (loading = loading.then(loadNow, loadNow))

  const rotate = async () => {
    const isFirst = keys.length === 0
    const jwk = generateKey()
    const { kid } = jwk
    const row = { kid, sealed: secrets.seal(JSON.stringify(jwk), contextOf(kid)), created_at: clock.now() }
    await db.change(async (changes) => {
      await changes
        .updateTable('signing_keys')
        .set({ retired_at: clock.now() })
        .where('retired_at', 'is', null)
        .execute()
      await changes
        .insertInto('signing_keys')
        .values({ ...row, retired_at: null })
        .execute()
    })
    log[isFirst ? 'debug' : 'info']('access tokens are signed with a new key', { kid })
  }

  const newest = (): Key => {
    const [key] = keys
    if (!key) throw new TypeError('There is no signing key.')
    return key
  }

  const close = secrets.tend(sealedKeys(db))

  return {
    signer: newest,
    verifying: (kid) => keys.find((key) => key.kid === kid)?.publicKey,
    private: () => keys.map(({ jwk }) => jwk),
    public: () => ({ keys: keys.map(({ jwk: { d: _private, ...rest } }) => rest) }),
    rotate,
    load,
    close,
    async tidy() {
      if (keys.length === 0 || newest().createdMs + KEY_LIFE_MS <= clock.now()) await rotate()
      await db.tables
        .deleteFrom('signing_keys')
        .where('retired_at', '<=', clock.now() - RETIRED_LIFE_MS)
        .execute()
      await load()
    },
    onChange(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
  }
}

const isInUse =
  (nowMs: number) =>
  ({ retired_at: retiredMs }: KeyRow): boolean =>
    retiredMs === null || retiredMs + RETIRED_LIFE_MS > nowMs

/** The one that signs comes first. */
const newestFirst = (a: Key, b: Key): number =>
  Number(a.isRetired) - Number(b.isRetired) || b.createdMs - a.createdMs || (a.kid < b.kid ? -1 : 1)

const sealedKeys = (db: LoginDb): SealedTexts => ({
  what: 'keys that sign access tokens',
  async read(after, most) {
    const rows = await db.tables
      .selectFrom('signing_keys')
      .selectAll()
      .where('kid', '>', after ?? '')
      .orderBy('kid')
      .limit(most)
      .execute()
    return rows.map(({ kid, sealed }) => ({ id: kid, sealed, context: contextOf(kid) }))
  },
  async replace({ id, sealed: old }, sealed) {
    await db.tables
      .updateTable('signing_keys')
      .set({ sealed })
      .where('kid', '=', id)
      .where('sealed', '=', old)
      .execute()
  },
})

/** A key that is moved to another's row does not open there. */
const contextOf = (kid: string) => `signing key ${kid}`

const Jwk = z.object({
  kty: z.literal('OKP'),
  crv: z.literal('Ed25519'),
  x: z.string(),
  d: z.string(),
  kid: z.string(),
  alg: z.literal('EdDSA'),
  use: z.literal('sig'),
})

function keyOf(jwk: z.infer<typeof Jwk>, { created_at: createdMs, retired_at: retiredMs }: KeyRow): Key {
  const key = createPrivateKey({ key: jwk, format: 'jwk' })
  return { kid: jwk.kid, key, publicKey: createPublicKey(key), jwk, createdMs, isRetired: retiredMs !== null }
}

function generateKey(): z.infer<typeof Jwk> {
  const { x = '', d = '' } = generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' })
  return { kty: 'OKP', crv: 'Ed25519', x, d, kid: thumbprint(x), alg: 'EdDSA', use: 'sig' }
}

/** RFC 7638, 3.2 with RFC 8037, 2: SHA-256 over exactly these members in this order. */
function thumbprint(x: string): string {
  const hex = hashToken(JSON.stringify({ crv: 'Ed25519', kty: 'OKP', x }))
  return Buffer.from(hex, 'hex').toString('base64url')
}
