import { sql } from 'kysely'
import type { AnyDb, Dialect } from './dialect.ts'

/** A table as it was made. */
export interface Table {
  readonly name: string
  readonly columns: readonly Column[]
  /** As they stand in `create table`. */
  readonly constraints: readonly string[]
  /** Whole statements, for once the rows are there. */
  readonly after: readonly string[]
}

interface Column {
  readonly name: string
  readonly type: string
  readonly notNull: boolean
  readonly default?: string | undefined
}

/** The tables of this user in the schema that is searched first, by name. */
export async function describeTables(db: AnyDb, dialect: Dialect): Promise<readonly Table[]> {
  const tables: Table[] = []
  for (const name of await tableNames(db, dialect))
    tables.push(dialect === 'postgres' ? await describePostgres(db, name) : await describeSqlite(db, name))
  return tables
}

export async function tableNames(db: AnyDb, dialect: Dialect): Promise<readonly string[]> {
  const { rows } =
    dialect === 'postgres'
      ? await sql<{ name: string }>`select relname as name from pg_class
          where relkind = 'r' and relnamespace = current_schema()::regnamespace
          and pg_get_userbyid(relowner) = current_user`.execute(db)
      : await sql<{ name: string }>`select name from sqlite_schema
          where type = 'table' and name not like 'sqlite\\_%' escape '\\'`.execute(db)
  return rows.map(({ name }) => name).sort()
}

async function describePostgres(db: AnyDb, name: string): Promise<Table> {
  const table = sql`(quote_ident(current_schema()) || '.' || quote_ident(${name}))::regclass`
  const columns = await sql<{ name: string; type: string; not_null: boolean; default: string | null; odd: boolean }>`
    select attname as name, format_type(atttypid, atttypmod) as type, attnotnull as not_null,
      pg_get_expr(adbin, adrelid) as default, attidentity <> '' or attgenerated <> '' as odd
    from pg_attribute left join pg_attrdef on adrelid = attrelid and adnum = attnum
    where attrelid = ${table} and attnum > 0 and not attisdropped order by attnum`.execute(db)
  const constraints = await sql<{ definition: string; is_foreign: boolean }>`
    select 'constraint ' || quote_ident(conname) || ' ' || pg_get_constraintdef(oid) as definition,
      contype = 'f' as is_foreign
    from pg_constraint where conrelid = ${table} and contype in ('p', 'u', 'c', 'f') order by conname`.execute(db)
  const indexes = await sql<{ definition: string }>`
    select replace(pg_get_indexdef(indexrelid), ' ON ' || quote_ident(current_schema()) || '.', ' ON ') as definition
    from pg_index where indrelid = ${table}
    and not exists (select from pg_constraint where conindid = indexrelid) order by indexrelid`.execute(db)
  if (columns.rows.some(({ odd }) => odd)) throw unknownForm(name, 'a generated column')
  return {
    name,
    columns: columns.rows.map(({ name, type, not_null: notNull, default: given }) => ({
      name,
      type,
      notNull,
      ...(given !== null && { default: given }),
    })),
    constraints: constraints.rows.filter(({ is_foreign }) => !is_foreign).map(({ definition }) => definition),
    after: [
      ...indexes.rows.map(({ definition }) => definition),
      ...constraints.rows
        .filter(({ is_foreign }) => is_foreign)
        .map(({ definition }) => `alter table ${quoted(name)} add ${definition}`),
    ],
  }
}

async function describeSqlite(db: AnyDb, name: string): Promise<Table> {
  const columns = await sql<{ name: string; type: string; notnull: number; dflt_value: string | null; hidden: number }>`
    select name, type, "notnull", dflt_value, hidden from pragma_table_xinfo(${name}) order by cid`.execute(db)
  const keys = await sql<{ name: string }>`
    select name from pragma_table_xinfo(${name}) where pk > 0 order by pk`.execute(db)
  const uniques = await sql<{ columns: string }>`
    select (select json_group_array(name) from (select name from pragma_index_info(list.name) order by seqno)) as columns
    from pragma_index_list(${name}) as list where origin = 'u' order by list.name`.execute(db)
  const statements = await sql<{ type: string; sql: string }>`
    select type, sql from sqlite_schema where tbl_name = ${name} and sql is not null order by rowid`.execute(db)
  const foreign = await sql`select 1 from pragma_foreign_key_list(${name})`.execute(db)
  const own = statements.rows.find(({ type }) => type === 'table')?.sql ?? ''
  if (/\bcheck\s*\(|\bwithout\s+rowid\b|\bautoincrement\b|\bvirtual\b/i.test(own)) throw unknownForm(name, 'a rule')
  if (foreign.rows.length > 0) throw unknownForm(name, 'a reference')
  if (columns.rows.some(({ hidden }) => hidden !== 0)) throw unknownForm(name, 'a generated column')
  if (statements.rows.some(({ type }) => type !== 'table' && type !== 'index')) throw unknownForm(name, 'a trigger')
  return {
    name,
    columns: columns.rows.map((column) => ({
      name: column.name,
      type: column.type,
      notNull: column.notnull !== 0,
      ...(column.dflt_value !== null && { default: column.dflt_value }),
    })),
    constraints: [
      ...(keys.rows.length > 0 ? [`primary key (${keys.rows.map((key) => quoted(key.name)).join(', ')})`] : []),
      ...uniques.rows.map((unique) => `unique (${(JSON.parse(unique.columns) as string[]).map(quoted).join(', ')})`),
    ],
    after: statements.rows.filter(({ type }) => type === 'index').map((index) => index.sql),
  }
}

export const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`

const unknownForm = (table: string, what: string) =>
  new TypeError(`The table ${table} has ${what}, which no dump can keep.`)
