import { PostgresDialect, PostgresDriver, type DatabaseConnection, type PostgresDialectConfig } from 'kysely'

export interface Watch {
  /** What to throw for an error of pg. */
  translate: (error: unknown) => unknown
  /** After each statement that succeeded. */
  onSuccess: () => void
}

/** Kysely's own PostgreSQL dialect, with every error of a connection or statement translated. */
export class WatchedPostgresDialect extends PostgresDialect {
  readonly #config: PostgresDialectConfig
  readonly #watch: Watch

  constructor(config: PostgresDialectConfig, watch: Watch) {
    super(config)
    this.#config = config
    this.#watch = watch
  }

  override createDriver(): PostgresDriver {
    return new WatchedDriver(this.#config, this.#watch)
  }
}

class WatchedDriver extends PostgresDriver {
  readonly #watch: Watch
  readonly #watched = new WeakSet<DatabaseConnection>()

  constructor(config: PostgresDialectConfig, watch: Watch) {
    super(config)
    this.#watch = watch
  }

  override async acquireConnection(options?: { signal?: AbortSignal | undefined }): Promise<DatabaseConnection> {
    try {
      const connection = await super.acquireConnection(options)
      if (!this.#watched.has(connection)) this.#wrap(connection)
      return connection
    } catch (error) {
      throw this.#watch.translate(error)
    }
  }

  #wrap(connection: DatabaseConnection): void {
    const execute = connection.executeQuery.bind(connection)
    connection.executeQuery = async (query, options) => {
      try {
        const result = await execute<never>(query, options)
        this.#watch.onSuccess()
        return result
      } catch (error) {
        throw this.#watch.translate(error)
      }
    }
    this.#watched.add(connection)
  }
}
