import type { Measured, Row } from './row.ts'

const COLUMNS = [
  { title: 'what', width: 52 },
  { title: 'limit', width: 26 },
  { title: 'measured', width: 34 },
  { title: 'reference', width: 32 },
]

const line = (cells: readonly string[]) =>
  `| ${cells.map((cell, at) => cell.padEnd(COLUMNS[at]?.width ?? 0)).join(' | ')} |\n`

/** A table that is Markdown as well. */
export const header = (): string =>
  line([...COLUMNS.map(({ title }) => title), '    ']) +
  line([...COLUMNS.map(({ width }) => '-'.repeat(width)), '----'])

/** What only informs has nothing in the last column. */
export function lineOf({ name, limit }: Row, { measured, reference = '–', ok }: Measured): string {
  const verdict = ok === undefined ? '    ' : ok ? 'ok  ' : 'FAIL'
  return line([name, limit, measured, reference, verdict])
}
