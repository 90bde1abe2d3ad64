import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite'
import type { SqliteDatabase, SqliteStatement } from 'kysely'

/** `aborted`: a statement failed, and nothing but a rollback is taken until the transaction ends. */
type Transaction = 'none' | 'open' | 'aborted'

/** One connection to an SQLite file: its prepared statements, and the state of its transaction. */
export interface Session extends SqliteDatabase {
  begin(mode: 'immediate' | 'deferred'): void
  /** Returns false when an earlier failure left nothing to commit: it was rolled back instead. */
  commit(): boolean
  rollback(): void
  /** Takes statements again after a failure, if the transaction still stands: before `rollback to` a savepoint. */
  resume(): void
}

export interface SessionOptions {
  /** What to throw for an error of SQLite. */
  translate: (error: unknown) => unknown
  /** After each statement that wrote. */
  onWrite: () => void
}

/** Preparing costs more than most statements' execution; a service uses a few dozen different ones. */
const STATEMENTS_KEPT = 256
/** Longer ones insert many rows at once: there is one for each number of rows, and each takes up to 100 kB. */
const LONGEST_KEPT = 2000

/**
 * SQLite lets a transaction go on after a statement failed, and rolls it back by itself when the disk is full; the
 * statements after that would each commit alone. PostgreSQL refuses everything until the rollback. This behaves like
 * PostgreSQL, so that code is right on both.
 */
export function createSession(db: DatabaseSync, { translate, onWrite }: SessionOptions): Session {
  const kept = new Map<string, SqliteStatement>()
  let transaction: Transaction = 'none'

  const attempt = <T>(work: () => T): T => {
    if (transaction === 'aborted') throw new Error('An earlier statement of this transaction failed: roll it back.')
    try {
      return work()
    } catch (error) {
      if (transaction === 'open') transaction = 'aborted'
      throw translate(error)
    }
  }

  const wrap = (statement: StatementSync): SqliteStatement => ({
    reader: statement.columns().length > 0,
    all: (parameters) => attempt(() => statement.all(...bindable(parameters)).map(plain)),
    run: (parameters) =>
      attempt(() => {
        const result = statement.run(...bindable(parameters))
        onWrite()
        return result
      }),
    // Read at once: an open cursor would break when the same statement runs again before its end.
    iterate: (parameters) =>
      attempt(() =>
        statement
          .all(...bindable(parameters))
          .map(plain)
          .values(),
      ),
  })

  const rollback = () => {
    transaction = 'none'
    if (db.isTransaction) attempt(() => db.exec('rollback'))
  }

  return {
    prepare(sql) {
      const known = kept.get(sql)
      if (known) return known
      const prepared = attempt(() => wrap(db.prepare(sql)))
      if (sql.length > LONGEST_KEPT) return prepared
      const [oldest] = kept.keys()
      if (kept.size >= STATEMENTS_KEPT && oldest !== undefined) kept.delete(oldest)
      kept.set(sql, prepared)
      return prepared
    },
    begin(mode) {
      attempt(() => db.exec(`begin ${mode}`))
      transaction = 'open'
    },
    commit() {
      if (transaction === 'aborted') {
        rollback()
        return false
      }
      attempt(() => db.exec('commit'))
      transaction = 'none'
      return true
    },
    rollback,
    resume() {
      if (db.isTransaction) transaction = 'open'
    },
    close() {
      kept.clear()
      if (db.isOpen) db.close()
    },
  }
}

/**
 * node:sqlite stores undefined, a Date or a function as NULL without a word (it takes an object for a set of named
 * parameters), and true as 1, which PostgreSQL gives back as true. Throws TypeError; the value stays out of it.
 */
function bindable(parameters: readonly unknown[]): readonly SQLInputValue[] {
  const wrong = parameters.findIndex((value) => !isBindable(value))
  if (wrong === -1) return parameters as readonly SQLInputValue[]
  throw new TypeError(`Parameter ${wrong + 1} is a ${typeof parameters[wrong]}: store a number, text, bytes or null.`)
}

const isBindable = (value: unknown): value is SQLInputValue =>
  typeof value === 'string' ||
  typeof value === 'number' ||
  typeof value === 'bigint' ||
  value === null ||
  value instanceof Uint8Array

/** Rows come without a prototype; with one they equal PostgreSQL's. */
const plain = (row: object): object => ({ ...row })
