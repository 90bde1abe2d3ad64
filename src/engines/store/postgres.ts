import { Socket } from 'node:net'
import { Kysely, sql } from 'kysely'
import { Pool, types, type PoolConfig } from 'pg'
import { systemClock, type Clock } from '../../kernel/clock.ts'
import { Fault } from '../../kernel/fault.ts'
import type { Log } from '../../kernel/log.ts'
import { migrate } from './migrate.ts'
import { createHealth, type OpenStore } from './open-store.ts'
import { WatchedPostgresDialect } from './postgres-dialect.ts'
import { postgresFault } from './postgres-faults.ts'

export interface PostgresOptions {
  /** `postgres://user:password@host:port/database`, with libpq's parameters (`?sslmode=verify-full`). */
  url: string
  log: Log
  clock?: Clock
  /** After how many milliseconds without a byte a connection counts as dead. */
  stallTimeoutMs?: number
}

const POOL = {
  application_name: 'alicia',
  max: 10,
  connectionTimeoutMillis: 5000,
  idleTimeoutMillis: 30_000,
  keepAlive: true,
  statement_timeout: 30_000,
  // A transaction that its code forgot must not hold its locks for ever.
  idle_in_transaction_session_timeout: 60_000,
} satisfies PoolConfig

/**
 * A host that lost its power closes no connection, and TCP alone would wait for it for a quarter of an hour. A server
 * that is alive answers within `statement_timeout`, and idle connections are closed before this, so silence means death.
 */
const STALL_TIMEOUT_MS = 45_000

/** How often a database that is away is looked for, milliseconds; otherwise only the next caller would find it back. */
const PROBE_MS = 2000

/** The key of the advisory lock under which tables are changed: the letters "alicia" as a number. */
const MIGRATION_LOCK = '107123463153001'

/**
 * Throws Fault `unavailable` when the server cannot be reached, `storage_failed` when it refuses the user or has no
 * such database, `invalid_input` for a URL that is none. Commits wait for the server's own log (synchronous_commit).
 */
export async function openPostgres(options: PostgresOptions): Promise<OpenStore> {
  const { url, log, clock = systemClock, stallTimeoutMs = STALL_TIMEOUT_MS } = options
  const where = withoutPassword(url)
  const health = createHealth({ clock, log, whenBroken: 'unavailable' })
  const stream = () => watchedSocket(stallTimeoutMs)
  const pool = new Pool({ ...POOL, connectionString: url, types: { getTypeParser }, stream })
  let stopProbing = () => {}
  const probe = async () => {
    await sql`select 1`.execute(db).catch(() => undefined)
    if (health.report().status !== 'available') probeLater()
  }
  const probeLater = () => {
    stopProbing()
    stopProbing = clock.after(PROBE_MS, () => void probe())
  }
  const translate = (error: unknown) => {
    const translated = postgresFault(error, where)
    health.failed(translated)
    if (health.report().status !== 'available') probeLater()
    return translated
  }
  // Without listeners, a connection that breaks would end the process: pg listens only while it is idle in the pool.
  pool.on('error', translate)
  pool.on('connect', (client) => client.on('error', translate))
  const db = new Kysely<unknown>({
    dialect: new WatchedPostgresDialect({ pool }, { translate, onSuccess: health.worked }),
  })
  let closed: Promise<void> | undefined
  const close = async () => {
    await db.destroy()
    stopProbing()
  }
  await sql`select 1`.execute(db).catch(async (error: unknown) => {
    await close()
    throw cannotOpen(error, where)
  })
  return {
    dialect: 'postgres',
    migrate: (owner, migrations) =>
      migrate(db, {
        owner,
        migrations,
        clock,
        lock: (transaction) =>
          sql`select pg_advisory_xact_lock(${sql.lit(MIGRATION_LOCK)}::bigint)`.execute(transaction),
      }),
    as: <Tables>() => db as Kysely<Tables>,
    close: () => (closed ??= close()),
    report: health.report,
  }
}

/** `postgres://user@host:port/database`: what may stand in a message. Throws Fault `invalid_input`. */
function withoutPassword(url: string): string {
  const parsed = URL.parse(url)
  if (!parsed || !/^postgres(ql)?:$/.test(parsed.protocol))
    throw new Fault('invalid_input', 'ALICIA_DATABASE_URL is no PostgreSQL URL.', {
      hint: 'It looks like postgres://user:password@host:5432/database; percent-encode special characters.',
    })
  const user = parsed.username === '' ? '' : `${parsed.username}@`
  return `postgres://${user}${parsed.host}${parsed.pathname}`
}

/** At the start even an error we know nothing about is about the database, not a defect of ours. */
function cannotOpen(error: unknown, where: string): Fault {
  if (error instanceof Fault) return error
  return new Fault('storage_failed', `The database ${where} cannot be opened: ${(error as Error).message}.`, {
    hint: 'Check ALICIA_DATABASE_URL.',
    cause: error,
  })
}

function watchedSocket(stallTimeoutMs: number): Socket {
  const socket = new Socket()
  // The code is one that `postgresFault` knows.
  const stalled = () => socket.destroy(Object.assign(new Error('the server went silent'), { code: 'ETIMEDOUT' }))
  return socket.setTimeout(stallTimeoutMs, stalled)
}

const { INT8, NUMERIC } = types.builtins

/** Numbers as numbers, as SQLite gives them; pg would make strings of these two types. */
function getTypeParser(...[oid, format]: Parameters<typeof types.getTypeParser>): (value: string) => unknown {
  return oid === INT8 || oid === NUMERIC ? toNumber : (types.getTypeParser(oid, format) as (value: string) => unknown)
}

function toNumber(text: string): number {
  const number = Number(text)
  // node:sqlite throws RangeError likewise.
  if (Number.isInteger(number) && !Number.isSafeInteger(number))
    throw new RangeError(`${text} is too large for a number: store it as text.`)
  return number
}
