import { Fault, type FaultCode } from '../../kernel/fault.ts'

interface Meaning {
  code: FaultCode
  says: string
  hint: string
}

const AWAY: Meaning = {
  code: 'unavailable',
  says: 'cannot be reached',
  hint: 'Check that it runs, and the host and port in ALICIA_DATABASE_URL.',
}
const REFUSED: Meaning = {
  code: 'storage_failed',
  says: 'refuses the user or the password',
  hint: 'Check both in ALICIA_DATABASE_URL; special characters in them must be percent-encoded.',
}
const FULL: Meaning = { code: 'storage_failed', says: 'has no space left', hint: 'Free some space on its disk.' }
const READ_ONLY: Meaning = {
  code: 'storage_failed',
  says: 'takes no writes',
  hint: 'It may be a standby: put the primary into ALICIA_DATABASE_URL.',
}
const BUSY: Meaning = {
  code: 'unavailable',
  says: 'could not finish because of other transactions',
  hint: 'Try again.',
}

/** SQLSTATE codes and classes (PostgreSQL, appendix A) and the errors of Node's sockets. */
const MEANINGS: Readonly<Record<string, Meaning>> = {
  ECONNREFUSED: AWAY,
  ECONNRESET: AWAY,
  EHOSTUNREACH: AWAY,
  ENETUNREACH: AWAY,
  ENOENT: AWAY,
  ENOTFOUND: AWAY,
  EAI_AGAIN: AWAY,
  EPIPE: AWAY,
  ETIMEDOUT: AWAY,
  '08': AWAY,
  '57P01': AWAY,
  '57P02': AWAY,
  '57P03': { ...AWAY, says: 'is starting or stopping' },
  '53300': { ...AWAY, says: 'has no connection left', hint: 'Raise max_connections or close other programs.' },
  '28': REFUSED,
  '3D000': {
    code: 'storage_failed',
    says: 'has no such database',
    hint: 'Make it (createdb) or correct the name at the end of ALICIA_DATABASE_URL.',
  },
  '42501': {
    code: 'storage_failed',
    says: 'does not give this user the rights it needs',
    hint: 'Make the user the owner of the database.',
  },
  '25006': READ_ONLY,
  '53100': FULL,
  '40001': BUSY,
  '40P01': BUSY,
  '55P03': BUSY,
  '57014': { code: 'timeout', says: 'took too long over a statement', hint: 'Ask for less at once, or try again.' },
}

/** Errors that pg makes itself have no code, only these words. */
const WORDS: readonly [RegExp, Meaning][] = [
  [/^Connection terminated|^timeout |Client has encountered a connection error|not queryable/, AWAY],
  [/^SASL|password must be a string/, REFUSED],
  [
    /does not support SSL/,
    { code: 'storage_failed', says: 'offers no TLS', hint: 'Turn it on there, or take sslmode out of the URL.' },
  ],
]

const UNIQUE_VIOLATION = '23505'

/**
 * What an error of pg means to the reader. `where` names the database without its password. Anything that is a
 * defect of ours (a wrong statement) comes back as it is.
 */
export function postgresFault(error: unknown, where: string): unknown {
  if (!(error instanceof Error) || error instanceof Fault) return error
  const code = codeOf(error)
  if (code === UNIQUE_VIOLATION)
    return new Fault('conflict', 'Something with the same key exists already.', { cause: error })
  const meaning =
    MEANINGS[code] ?? MEANINGS[code.slice(0, 2)] ?? WORDS.find(([words]) => words.test(error.message))?.[1]
  if (meaning === undefined) return error
  return new Fault(meaning.code, `The database ${where} ${meaning.says}.`, { hint: meaning.hint, cause: error })
}

/** A host with several addresses fails with all their errors in one. */
function codeOf(error: Error): string {
  if ('code' in error && typeof error.code === 'string') return error.code
  const [first] = error instanceof AggregateError ? (error.errors as unknown[]) : []
  return first instanceof Error ? codeOf(first) : ''
}
