import type { Store } from '../../kernel/ports.ts'
import type { Link } from './chain.ts'
import { COLUMNS } from './columns.ts'

/** A statement that inserts several rows. */
export interface Insert {
  readonly sql: string
  readonly parameters: (string | number | null)[]
}

/**
 * Rows of one statement: 20 parameters each, of which SQLite takes 32,766. Few sizes, so that each statement's text is
 * made once and kept ready by the store, which keeps none of over 2,000 characters: building it for each batch costs three times what
 * the writing does.
 */
const ROWS_AT_ONCE = [40, 8, 1] as const

/** The statements that insert all links, for one transaction. */
export function insertsOf(dialect: Store['dialect'], links: readonly Link[]): Insert[] {
  const inserts: Insert[] = []
  for (let at = 0; at < links.length;) {
    const rows = ROWS_AT_ONCE.find((size) => size <= links.length - at) ?? 1
    const parameters: (string | number | null)[] = []
    for (const { values, chain, seq, bytes, mac } of links.slice(at, at + rows))
      parameters.push(...values, chain, seq, bytes, mac)
    inserts.push({ sql: statement(dialect, rows), parameters })
    at += rows
  }
  return inserts
}

const statements = new Map<string, string>()

function statement(dialect: Store['dialect'], rows: number): string {
  const key = `${dialect} ${rows}`
  const known = statements.get(key)
  if (known !== undefined) return known
  const place = (number: number) => (dialect === 'postgres' ? `$${number + 1}` : '?')
  const row = (index: number) => `(${COLUMNS.map((_, at) => place(index * COLUMNS.length + at)).join(',')})`
  const made = `insert into audit (${COLUMNS.join(',')}) values ${Array.from({ length: rows }, (_, index) => row(index)).join(',')}`
  statements.set(key, made)
  return made
}
