import { createHmac, createPrivateKey, createPublicKey, generateKeyPairSync, sign, type KeyObject } from 'node:crypto'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { base64urlJson } from '../../../src/engines/logins/base64url.ts'
import { loadSecrets } from '../../../src/engines/secrets.ts'
import { silentLog } from '../../../src/kernel/log.ts'
import type { Home } from '../../support/hub.ts'

type Members = Readonly<Record<string, unknown>>

/** What a forger has to work with: a good token and, to see that each check holds by itself, the hub's own key. */
export interface Forgery {
  readonly good: string
  readonly header: Members
  readonly claims: Members
  /** Signed with the hub's own key, whatever it says. */
  signed(header: Members, claims: Members): string
  withHeader(more: Members): string
  withClaims(more: Members): string
  /** Signed with a key of the forger's own, under the name of the hub's. */
  foreign(header?: Members): string
  /** The forger's public key. */
  readonly foreignJwk: Members
  /** RSA or a curve, with a key of the forger's own. */
  otherAlgorithm(alg: 'RS256' | 'PS256' | 'ES256'): string
  /** HS256 with what everybody knows as its secret. */
  hmac(secret: (publicKey: KeyObject) => string | Buffer): string
  /** The parts as they came, to be cut and joined. */
  readonly parts: readonly [header: string, payload: string, signature: string]
}

export function forgeryOf(good: string, home: Pick<Home, 'data'>): Forgery {
  const [head = '', payload = '', signature = ''] = good.split('.')
  const read = (part: string) => JSON.parse(Buffer.from(part, 'base64url').toString()) as Members
  const [header, claims] = [read(head), read(payload)]
  const own = signingKey(home, String(header['kid']))
  const foreignKeys = generateKeyPairSync('ed25519')
  const signed = (head: Members, body: Members, key: KeyObject = own) => {
    const text = `${base64urlJson(head)}.${base64urlJson(body)}`
    return `${text}.${sign(null, Buffer.from(text), key).toString('base64url')}`
  }
  return {
    good,
    header,
    claims,
    signed,
    withHeader: (more) => signed({ ...header, ...more }, claims),
    withClaims: (more) => signed(header, { ...claims, ...more }),
    foreign: (more = {}) => signed({ ...header, ...more }, claims, foreignKeys.privateKey),
    foreignJwk: foreignKeys.publicKey.export({ format: 'jwk' }) as Members,
    otherAlgorithm(alg) {
      const text = `${base64urlJson({ ...header, alg })}.${payload}`
      const { privateKey } =
        alg === 'ES256'
          ? generateKeyPairSync('ec', { namedCurve: 'P-256' })
          : generateKeyPairSync('rsa', { modulusLength: 2048 })
      const made = sign('sha256', Buffer.from(text), { key: privateKey, dsaEncoding: 'ieee-p1363' })
      return `${text}.${made.toString('base64url')}`
    },
    hmac(secret) {
      const text = `${base64urlJson({ ...header, alg: 'HS256' })}.${payload}`
      return `${text}.${createHmac('sha256', secret(createPublicKey(own)))
        .update(text)
        .digest('base64url')}`
    },
    parts: [head, payload, signature],
  }
}

/** The hub's own key, as whoever has its data folder could have it. */
function signingKey({ data }: Pick<Home, 'data'>, kid: string): KeyObject {
  const database = new DatabaseSync(join(data, 'alicia.db'), { readOnly: true })
  try {
    const row = database.prepare('select sealed from signing_keys where kid = ?').get(kid)
    const secrets = loadSecrets({ file: join(data, 'secret.key'), log: silentLog })
    const jwk = secrets.open(String(row?.['sealed']), `signing key ${kid}`)
    return createPrivateKey({ key: JSON.parse(jwk) as Record<string, string>, format: 'jwk' })
  } finally {
    database.close()
  }
}
