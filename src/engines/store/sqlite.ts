import { existsSync, writeFileSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { Kysely } from 'kysely'
import { systemClock, type Clock } from '../../kernel/clock.ts'
import { Fault } from '../../kernel/fault.ts'
import type { Log } from '../../kernel/log.ts'
import { migrate } from './migrate.ts'
import { createHealth, type OpenStore } from './open-store.ts'
import { sqliteDialect } from './sqlite-dialect.ts'
import { sqliteFault } from './sqlite-faults.ts'
import { createSession } from './sqlite-session.ts'

export interface SqliteOptions {
  /** The database file, made when it is missing; `:memory:` for one that is gone at the end. */
  file: string
  log: Log
  clock?: Clock
}

/** The database of a hub, in its data folder. */
export const DATABASE_FILE = 'alicia.db'

/** How long a statement waits, in milliseconds, while another program writes. It blocks the whole hub meanwhile. */
const BUSY_TIMEOUT_MS = 1000

/**
 * `synchronous = normal` with a write-ahead log (sqlite.org/pragma.html#pragma_synchronous): a commit is in the
 * operating system's hands when its promise resolves, so no crash or kill of the hub loses it. A power cut can take
 * the commits since the last checkpoint (at most about 4 MB of log); it cannot damage the file.
 */
const SETTINGS = 'pragma journal_mode = wal; pragma synchronous = normal; pragma journal_size_limit = 67108864'

/** Throws Fault `storage_failed` when the file cannot be opened and written, `unavailable` when it is locked. */
export function openSqlite({ file, log, clock = systemClock }: SqliteOptions): OpenStore {
  const health = createHealth({ clock, log, whenBroken: 'degraded' })
  const translate = (error: unknown) => {
    const translated = sqliteFault(error, file)
    health.failed(translated)
    return translated
  }
  const session = createSession(openFile(file), { translate, onWrite: health.worked })
  const db = new Kysely<unknown>({ dialect: sqliteDialect(session) })
  return {
    dialect: 'sqlite',
    migrate: (owner, migrations) => migrate(db, { owner, migrations, clock }),
    as: <Tables>() => db as Kysely<Tables>,
    async close() {
      await db.destroy()
      session.close()
    },
    report: health.report,
  }
}

function openFile(file: string): DatabaseSync {
  let db: DatabaseSync | undefined
  try {
    // SQLite would make it readable for everyone; its log takes the mode of the file.
    if (file !== ':memory:' && !existsSync(file)) writeFileSync(file, '', { mode: 0o600, flag: 'wx' })
    db = new DatabaseSync(file, { timeout: BUSY_TIMEOUT_MS, enableForeignKeyConstraints: true })
    db.exec(SETTINGS)
    // Opening a read-only file succeeds, and so does beginning a transaction; the first write would not.
    db.exec('begin immediate; pragma user_version = 1; rollback')
    return db
  } catch (error) {
    db?.close()
    const translated = sqliteFault(error, file)
    if (translated instanceof Fault) throw translated
    throw new Fault('storage_failed', `The database ${file} cannot be opened: ${(error as Error).message}.`, {
      hint: 'Check the folder, its rights and the free space.',
      cause: error,
    })
  }
}
