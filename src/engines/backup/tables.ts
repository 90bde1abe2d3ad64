import { sql } from 'kysely'
import { z } from 'zod'
import { Fault } from '../../kernel/fault.ts'
import { damaged } from './broken.ts'
import type { AnyDb, Dialect } from './dialect.ts'
import { describeTables, tableNames, type Table } from './table-form.ts'
import { statementsFor } from './table-statements.ts'

const Value = z.union([z.string(), z.number(), z.null(), z.strictObject({ base64: z.base64() })])
const Line = z.union([
  z.strictObject({
    table: z.string(),
    dialect: z.enum(['sqlite', 'postgres']),
    columns: z.array(
      z.strictObject({ name: z.string(), type: z.string(), notNull: z.boolean(), default: z.string().optional() }),
    ),
    constraints: z.array(z.string()),
    after: z.array(z.string()),
  }),
  z.array(Value),
])

const ROWS_AT_ONCE = 500

/** The tables as lines of JSON, one for each table and one for each row; as they are at one moment. */
export async function* dumpTables(db: AnyDb, dialect: Dialect): AsyncGenerator<Uint8Array> {
  const lines = dialect === 'postgres' ? postgresLines(db) : sqliteLines(db)
  for await (const line of lines) yield Buffer.from(`${JSON.stringify(line)}\n`)
}

async function* postgresLines(db: AnyDb): AsyncGenerator {
  const transaction = await db
    .startTransaction()
    .setIsolationLevel('repeatable read')
    .setAccessMode('read only')
    .execute()
  try {
    for (const table of await describeTables(transaction, 'postgres')) {
      yield headOf(table, 'postgres')
      await sql`declare rows no scroll cursor for select * from ${sql.id(table.name)}`.execute(transaction)
      for (;;) {
        const { rows } = await sql<Row>`fetch ${sql.lit(ROWS_AT_ONCE)} from rows`.execute(transaction)
        for (const row of rows) yield valuesOf(table, row)
        if (rows.length < ROWS_AT_ONCE) break
      }
      await sql`close rows`.execute(transaction)
    }
  } finally {
    // It changed nothing, so there is nothing to commit.
    await transaction.rollback().execute()
  }
}

type Row = Record<string, unknown>

/** The file is a copy that nobody writes. */
async function* sqliteLines(db: AnyDb): AsyncGenerator {
  for (const table of await describeTables(db, 'sqlite')) {
    yield headOf(table, 'sqlite')
    let after = -Number.MAX_SAFE_INTEGER
    for (;;) {
      const { rows } = await sql<Row>`
        select rowid as "alicia rowid", * from ${sql.id(table.name)} where rowid > ${after}
        order by rowid limit ${ROWS_AT_ONCE}`.execute(db)
      for (const row of rows) yield valuesOf(table, row)
      after = Number(rows.at(-1)?.['alicia rowid'])
      if (rows.length < ROWS_AT_ONCE) break
    }
  }
}

const headOf = ({ name, ...rest }: Table, dialect: Dialect) => ({ table: name, dialect, ...rest })

function valuesOf({ name, columns }: Table, row: Row): unknown[] {
  return columns.map((column) => {
    const value = row[column.name]
    if (value instanceof Uint8Array) return { base64: Buffer.from(value).toString('base64') }
    if (typeof value === 'string' || value === null || Number.isFinite(value)) return value
    throw new TypeError(`${name}.${column.name} has a value of a form that cannot be kept: ${typeof value}.`)
  })
}

export interface LoadOptions {
  readonly dialect: Dialect
  /** Tables of the same names go to a schema of this name (PostgreSQL); absent: they are in the way. */
  readonly aside?: string
}

/**
 * Makes the tables of a dump and fills them, all or nothing. Throws Fault `conflict` where there are tables of those names,
 * `storage_failed` for a dump that is damaged or that the other kind of database cannot take.
 */
export async function loadTables(
  db: AnyDb,
  text: AsyncIterable<Uint8Array>,
  { dialect, aside }: LoadOptions,
): Promise<number> {
  return await db.transaction().execute(async (transaction) => {
    let table: Table | undefined
    let rows: Row[] = []
    const after: string[] = []
    let count = 0
    const flush = async () => {
      if (table && rows.length > 0) await transaction.insertInto(table.name).values(rows).execute()
      rows = []
    }
    for await (const line of linesOf(text)) {
      if (Array.isArray(line)) {
        if (!table || line.length !== table.columns.length) throw damaged()
        rows.push(rowOf(table, line))
        if (rows.length * table.columns.length >= MOST_PARAMETERS) await flush()
        continue
      }
      await flush()
      const { table: name, dialect: from, ...rest } = line
      table = { name, ...rest }
      await makeRoom(transaction, name, { dialect, ...(aside !== undefined && { aside }) })
      const statements = statementsFor(table, from, dialect)
      await sql.raw(statements.create).execute(transaction)
      after.push(...statements.after)
      count += 1
    }
    await flush()
    for (const statement of after) await sql.raw(statement).execute(transaction)
    return count
  })
}

/** PostgreSQL takes 65,535, SQLite 32,766. */
const MOST_PARAMETERS = 10_000

function rowOf({ columns }: Table, values: readonly z.infer<typeof Value>[]): Row {
  const entries = columns.map(({ name }, at) => {
    const value = values[at] ?? null
    return [name, typeof value === 'object' && value !== null ? Buffer.from(value.base64, 'base64') : value] as const
  })
  return Object.fromEntries(entries)
}

async function makeRoom(transaction: AnyDb, name: string, { dialect, aside }: LoadOptions): Promise<void> {
  if (!(await tableNames(transaction, dialect)).includes(name)) return
  if (aside === undefined || dialect !== 'postgres')
    throw new Fault('conflict', `The database has a table called ${name} already.`, {
      hint: 'Restore into an empty database, or with --replace, which puts its tables into a schema of their own.',
    })
  await sql`create schema if not exists ${sql.id(aside)}`.execute(transaction)
  await sql`alter table ${sql.id(name)} set schema ${sql.id(aside)}`.execute(transaction)
}

async function* linesOf(text: AsyncIterable<Uint8Array>): AsyncGenerator<z.infer<typeof Line>> {
  let rest = Buffer.alloc(0)
  for await (const piece of text) {
    let from = 0
    const bytes = Buffer.concat([rest, piece])
    for (let at = bytes.indexOf(10); at !== -1; at = bytes.indexOf(10, from)) {
      yield parse(bytes.subarray(from, at))
      from = at + 1
    }
    rest = bytes.subarray(from)
  }
  if (rest.length > 0) throw damaged()
}

function parse(line: Buffer): z.infer<typeof Line> {
  try {
    return Line.parse(JSON.parse(line.toString('utf8')))
  } catch (cause) {
    throw damaged(cause)
  }
}
