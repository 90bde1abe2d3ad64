import { NUMBER, type Decoded } from './format.ts'
import { scalarOf } from './text.ts'

const SEPARATORS = [',', ';', '\t'] as const
const MOST_ROWS = 10_000
/** A cell: quoted with doubled quotes inside (RFC 4180), or anything without separator or quote. */
const cells: Readonly<Record<(typeof SEPARATORS)[number], RegExp>> = {
  ',': /("(?:[^"]|"")*"|[^",]*)(,|$)/y,
  ';': /("(?:[^"]|"")*"|[^";]*)(;|$)/y,
  '\t': /("(?:[^"]|"")*"|[^"\t]*)(\t|$)/y,
}
const DATE = /^\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d.*)?$/

/**
 * Comma-separated values, or undefined. Only where it is evident: several lines with as many cells in each, or one line
 * of three or more, most of which are numbers or dates. With a header the value is a list of objects, else of lists.
 */
export function readCsv(text: string): Decoded | undefined {
  const lines = text.trim().split(/\r?\n/)
  if (lines.length > MOST_ROWS) return undefined
  for (const separator of SEPARATORS) {
    if (!lines[0]?.includes(separator)) continue
    const rows = rowsOf(lines, separator)
    if (rows && isEvident(rows)) return csv(rows)
  }
  return undefined
}

function rowsOf(lines: readonly string[], separator: (typeof SEPARATORS)[number]): string[][] | undefined {
  const rows: string[][] = []
  for (const line of lines) {
    const row = cellsOf(line, cells[separator])
    if (!row || row.length !== (rows[0] ?? row).length) return undefined
    rows.push(row)
  }
  return rows
}

function cellsOf(line: string, cell: RegExp): string[] | undefined {
  const row: string[] = []
  cell.lastIndex = 0
  for (;;) {
    const found = cell.exec(line)
    if (!found) return undefined
    const [, raw = '', end] = found
    row.push(raw.startsWith('"') ? raw.slice(1, -1).replaceAll('""', '"') : raw.trim())
    if (end === '') return row
  }
}

const isData = (cell: string) => NUMBER.test(cell) || DATE.test(cell)

function isEvident([first = [], ...rest]: readonly string[][]): boolean {
  if (rest.length === 0) return first.length >= 3 && first.filter(isData).length * 2 > first.length
  if (first.length < 2) return false
  // Sentences have commas too: a table has a column of numbers or dates.
  return first.some((_, column) => rest.every((row) => isData(row[column] ?? '')))
}

function csv([first = [], ...rest]: readonly string[][]): Decoded {
  const header = rest.length > 0 && !first.some(isData) && !first.includes('') && new Set(first).size === first.length
  const value = header
    ? rest.map((row) => Object.fromEntries(first.map((name, column) => [name, scalarOf(row[column] ?? '')])))
    : [first, ...rest].map((row) => row.map(scalarOf))
  return { format: 'csv', value, confidence: 'likely' }
}
