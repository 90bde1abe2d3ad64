import { Fault, type FaultCode } from '../../kernel/fault.ts'

interface Meaning {
  code: FaultCode
  says: string
  hint: string
}

const LOCKED: Meaning = {
  code: 'unavailable',
  says: 'is locked by another program',
  hint: 'Close what else has the file open (a backup, a database browser).',
}

const DAMAGED: Meaning = {
  code: 'storage_failed',
  says: 'is damaged, or no SQLite database',
  hint: 'Move the file away and put a backup in its place.',
}

/** SQLite's primary result codes (sqlite.org/rescode.html) that are the surroundings' fault, not the statement's. */
const MEANINGS: Readonly<Record<number, Meaning>> = {
  5: LOCKED,
  6: LOCKED,
  8: {
    code: 'storage_failed',
    says: 'cannot be written: it is read-only',
    hint: 'Give the user that runs Alicia the right to write the file and its folder.',
  },
  10: { code: 'storage_failed', says: 'cannot be read or written', hint: 'Check the disk and its free space.' },
  11: DAMAGED,
  13: {
    code: 'storage_failed',
    says: 'cannot grow: the disk is full',
    hint: 'Free some space; nothing else is needed.',
  },
  14: {
    code: 'storage_failed',
    says: 'cannot be opened',
    hint: 'Check that its folder exists and that the user that runs Alicia may write there.',
  },
  26: DAMAGED,
}

/** SQLITE_CONSTRAINT_PRIMARYKEY, _UNIQUE and _ROWID. */
const TAKEN = new Set([1555, 2067, 2579])

/** What an error of node:sqlite means to the reader. Anything that is a defect of ours comes back as it is. */
export function sqliteFault(error: unknown, file: string): unknown {
  const result = resultCode(error)
  if (result === undefined) return error
  if (TAKEN.has(result)) return new Fault('conflict', 'Something with the same key exists already.', { cause: error })
  const meaning = MEANINGS[result & 0xff]
  if (meaning === undefined) return error
  return new Fault(meaning.code, `The database ${file} ${meaning.says}.`, { hint: meaning.hint, cause: error })
}

function resultCode(error: unknown): number | undefined {
  if (!(error instanceof Error) || !('errcode' in error)) return undefined
  return typeof error.errcode === 'number' ? error.errcode : undefined
}
