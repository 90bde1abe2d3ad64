import { columns, harmless, type Style } from './style.ts'

export interface RenderOptions {
  readonly style: Style
  /** Characters a line may have before a table gives way to blocks; Infinity where nobody looks. */
  readonly width: number
}

type Row = Readonly<Record<string, unknown>>

/** A JSON value as a person reads it: fields in columns, lists of like things as tables. Ends without a line feed. */
export function render(value: unknown, options: RenderOptions): string {
  return lines(value, options).join('\n')
}

function lines(value: unknown, options: RenderOptions): string[] {
  if (Array.isArray(value)) return listLines(value, options)
  if (isRow(value)) return fieldLines(value, options)
  return scalar(value).split('\n')
}

/** Short fields in two columns; what has lines of its own below its name, indented. */
function fieldLines(row: Row, options: RenderOptions): string[] {
  const entries = Object.entries(row)
  if (entries.length === 0) return ['(empty)']
  const width = Math.max(...entries.filter(([, value]) => isShort(value)).map(([key]) => key.length), 0)
  return entries.flatMap(([key, value]) => {
    const name = options.style.dim(harmless(key))
    if (isShort(value)) return [`${name}${' '.repeat(width - key.length)}  ${brief(value)}`]
    return [name, ...indented(lines(value, narrower(options)))]
  })
}

function listLines(list: readonly unknown[], options: RenderOptions): string[] {
  if (list.length === 0) return ['(none)']
  if (!list.every(isRow)) return list.flatMap((item) => (isShort(item) ? [brief(item)] : dashed(item, options)))
  const table = tableLines(list, options)
  return table ?? list.flatMap((item) => dashed(item, options))
}

const dashed = (item: unknown, options: RenderOptions) =>
  lines(item, narrower(options)).map((line, index) => (index === 0 ? `- ${line}` : `  ${line}`))

/** A table where every cell fits on one line and every row on the screen; undefined otherwise. */
function tableLines(rows: readonly Row[], { style, width }: RenderOptions): string[] | undefined {
  const keys = [...new Set(rows.flatMap((row) => Object.keys(row)))]
  if (keys.length === 0 || !rows.every((row) => Object.values(row).every(isShort))) return undefined
  const head = keys.map((key) => style.dim(harmless(key)))
  const plain = columns([keys, ...rows.map((row) => keys.map((key) => brief(row[key])))])
  if (plain.some((line) => line.length > width)) return undefined
  return columns([head, ...rows.map((row) => keys.map((key) => brief(row[key])))])
}

/** What goes on one line beside its name. */
function isShort(value: unknown): boolean {
  if (Array.isArray(value)) return value.every((item) => isScalar(item)) && brief(value).length <= 60
  if (isRow(value)) return Object.keys(value).length === 0
  return isScalar(value)
}

const isScalar = (value: unknown) =>
  (typeof value !== 'object' && !(typeof value === 'string' && value.includes('\n'))) || value === null

function brief(value: unknown): string {
  if (Array.isArray(value)) return value.length === 0 ? '(none)' : value.map(scalar).join(', ')
  return isRow(value) ? '(empty)' : scalar(value)
}

/** Text as it is, without what could rewrite the screen. */
function scalar(value: unknown): string {
  if (typeof value === 'string') return harmless(value)
  return value === null || value === undefined ? '–' : JSON.stringify(value)
}

const isRow = (value: unknown): value is Row => typeof value === 'object' && value !== null && !Array.isArray(value)

const indented = (block: readonly string[]) => block.map((line) => `  ${line}`)

const narrower = (options: RenderOptions): RenderOptions => ({ ...options, width: options.width - 2 })
