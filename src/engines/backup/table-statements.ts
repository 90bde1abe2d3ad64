import { Fault } from '../../kernel/fault.ts'
import type { Dialect } from './dialect.ts'
import { quoted, type Table } from './table-form.ts'

export interface Statements {
  readonly create: string
  /** For once the rows are there. */
  readonly after: readonly string[]
}

/**
 * What makes the table in a database of the other or of the same kind. Throws Fault `conflict` for something that the other
 * kind would not take as it is meant.
 */
export function statementsFor(table: Table, from: Dialect, to: Dialect): Statements {
  const columns = table.columns.map(({ name, type, notNull, default: given }) =>
    [
      quoted(name),
      from === to ? type : convertedType(table.name, type, to),
      ...(notNull ? ['not null'] : []),
      ...(given === undefined ? [] : [`default ${from === to ? given : convertedDefault(table.name, given)}`]),
    ].join(' '),
  )
  const convert = (text: string) => (from === to ? text : convertedText(table.name, text))
  return {
    create: `create table ${quoted(table.name)} (${[...columns, ...table.constraints.map(convert)].join(', ')})`,
    after: table.after.map(convert),
  }
}

/** The types that the hub's own tables use; both databases know them by these names. */
const COMMON: ReadonlySet<string> = new Set(['text', 'bigint', 'integer', 'smallint', 'double precision', 'real'])

function convertedType(table: string, type: string, to: Dialect): string {
  const lower = type.toLowerCase()
  if (COMMON.has(lower)) return lower
  if (lower === 'blob' || lower === 'bytea') return to === 'postgres' ? 'bytea' : 'blob'
  throw cannotConvert(table, `a column of type ${type}`)
}

function convertedDefault(table: string, given: string): string {
  const plain = given.replace(/::(?:text|bigint|integer|character varying)$/, '')
  if (/^(?:-?\d+(?:\.\d+)?|'(?:[^']|'')*'|null)$/i.test(plain)) return plain
  throw cannotConvert(table, 'a default')
}

function convertedText(table: string, text: string): string {
  const plain = text.replace(' USING btree', '')
  if (/::| USING |^alter /i.test(plain)) throw cannotConvert(table, 'an index or a rule')
  return plain
}

const cannotConvert = (table: string, what: string): Fault =>
  new Fault('conflict', `The table ${table} has ${what} that the other kind of database does not know.`, {
    hint: 'Restore into a database of the kind that was backed up.',
  })
