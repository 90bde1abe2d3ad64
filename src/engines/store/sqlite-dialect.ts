import {
  AbortedTransactionError,
  SqliteAdapter,
  SqliteDriver,
  SqliteIntrospector,
  SqliteQueryCompiler,
  type DatabaseConnection,
  type Dialect,
  type QueryCompiler,
  type TransactionSettings,
} from 'kysely'
import type { Session } from './sqlite-session.ts'

/**
 * Kysely on one SQLite session. Kysely itself lets one query or transaction at a time have the only connection (the
 * adapter says there is but one), so concurrent callers queue and transactions never interleave.
 */
export function sqliteDialect(session: Session): Dialect {
  return {
    createDriver: () => new SessionDriver(session),
    createQueryCompiler: () => new SqliteQueryCompiler(),
    createAdapter: () => new SqliteAdapter(),
    createIntrospector: (db) => new SqliteIntrospector(db),
  }
}

class SessionDriver extends SqliteDriver {
  readonly #session: Session

  constructor(session: Session) {
    super({ database: session })
    this.#session = session
  }

  /** Immediate: a transaction that reads first and writes later must not find the file locked half-way. */
  override async beginTransaction(_: DatabaseConnection, settings: TransactionSettings = {}): Promise<void> {
    this.#session.begin(settings.accessMode === 'read only' ? 'deferred' : 'immediate')
  }

  override async commitTransaction(): Promise<void> {
    if (!this.#session.commit()) throw new AbortedTransactionError()
  }

  override async rollbackTransaction(): Promise<void> {
    this.#session.rollback()
  }

  override async rollbackToSavepoint(
    connection: DatabaseConnection,
    name: string,
    compileQuery: QueryCompiler['compileQuery'],
  ): Promise<void> {
    this.#session.resume()
    await super.rollbackToSavepoint(connection, name, compileQuery)
  }
}
