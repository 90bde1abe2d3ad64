import { randomBytes } from 'node:crypto'
import { hashToken } from '../../kernel/identity.ts'

/**
 * A refresh token has two random halves: one names the family (the tokens of a login, each the successor of another), one is the
 * secret of this token. Only hashes are kept. Whoever shows the right family with another secret has a token that was spent: it
 * takes no list of all that were.
 */
export interface RefreshToken {
  readonly family: string
  readonly secret: string
}

/** Lets a scanner recognise one that ended up where it should not be. */
const PREFIX = 'alicia_refresh_'
/** 18 and 32 bytes: 24 and 43 characters. */
const FAMILY_BYTES = 18
const SECRET_BYTES = 32
const SHAPE = /^alicia_refresh_([A-Za-z0-9_-]{24})([A-Za-z0-9_-]{43})$/

export const newFamily = (): string => randomBytes(FAMILY_BYTES).toString('base64url')
export const newSecret = (): string => randomBytes(SECRET_BYTES).toString('base64url')

export const writeRefreshToken = ({ family, secret }: RefreshToken): string => `${PREFIX}${family}${secret}`

/** Its halves; undefined for what is no refresh token. */
export function readRefreshToken(text: string): RefreshToken | undefined {
  const [, family, secret] = SHAPE.exec(text) ?? []
  return family === undefined || secret === undefined ? undefined : { family, secret }
}

/** What is kept of a half. */
export const hashOf = hashToken
