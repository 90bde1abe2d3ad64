import type { JsonSchema } from '../../kernel/tool.ts'
import { print } from './call.ts'
import { addressOf, cancellable, type Context, type HubFlags } from './context.ts'
import type { Exit } from './exit-codes.ts'
import type { HubConfig } from './hub.ts'
import { hubClient, type Listed } from './hub-client.ts'
import { listCost } from './list-cost.ts'
import { columns, harmless, styleFor, widthOf, type Style } from './style.ts'
import { widthFor, write } from './terminal.ts'

export interface ToolsFlags extends HubFlags {
  readonly cost?: boolean
  readonly profile?: string
}

/** `alicia tools [filter]`: what can be called; of one that is named exactly, its arguments too. With `--cost`, what lists cost. */
export async function tools<Config extends HubConfig>(
  context: Context<Config>,
  filter: string | undefined,
  flags: ToolsFlags,
): Promise<Exit> {
  if (flags.cost || flags.profile !== undefined) return await listCost(context, flags)
  const client = hubClient(addressOf(context, flags))
  const listed = await cancellable(context, (signal) => client.list(signal))
  const shown = matching(listed, filter)
  const { terminal } = context
  const style = styleFor(terminal.stdout, terminal.env)
  const width = widthFor(terminal.stdout)
  const [only] = shown
  if (flags.json) await print(terminal, shown, true)
  else if (only && (filter === only.name || filter === only.operation))
    await write(terminal.stdout, `${detail(only, style, width)}\n`)
  else if (only) await write(terminal.stdout, `${table(shown, style, width)}\n`)
  else await write(terminal.stderr, `Nothing matches ${harmless(filter ?? '')}; there are ${listed.length} tools.\n`)
  return 'ok'
}

/** Every word of the filter somewhere in name or summary; a whole name alone is that tool and no other. */
export function matching(listed: readonly Listed[], filter = ''): readonly Listed[] {
  const exact = listed.filter(({ name, operation }) => name === filter || operation === filter)
  if (exact.length > 0) return exact
  const words = filter.toLowerCase().split(/\s+/)
  return listed.filter(({ name, operation, summary }) => {
    const text = `${name} ${operation} ${summary}`.toLowerCase()
    return words.every((word) => text.includes(word))
  })
}

function table(listed: readonly Listed[], { dim, bold }: Style, width: number): string {
  const head = ['name', 'effect', 'scope', 'summary'].map(dim)
  const rows = listed.map(({ name, effect, scope, summary }) => [
    bold(harmless(name)),
    effect,
    scope ?? '–',
    harmless(firstSentence(summary)),
  ])
  return cutTo(width, [head, ...rows]).join('\n')
}

/** Descriptions of other servers' tools run over pages; the first sentence says what a tool does. */
export function firstSentence(text: string): string {
  const [paragraph = ''] = text.trim().split(/\n\s*\n/)
  const line = paragraph.replaceAll(/\s+/g, ' ')
  return /^.*?[.!?](?=\s+\p{Lu}|$)/u.exec(line)?.[0] ?? line
}

/** Characters of the last column below which it is of no use beside the others. */
const LEAST_WIDTH = 20

/** Columns, the last one cut where the line ends; below the others where there is no room beside them. */
function cutTo(width: number, rows: readonly (readonly string[])[]): string[] {
  const heads = columns(rows.map((row) => [...row.slice(0, -1), '|'])).map((line) => line.slice(0, -1))
  const before = Math.max(...heads.map(widthOf))
  const isBeside = width - before >= LEAST_WIDTH
  const room = width - (isBeside ? before : INDENT.length)
  return heads.flatMap((head, index) => {
    const last = shortened(rows[index]?.at(-1) ?? '', room)
    return isBeside ? [`${head}${last}`] : [head.trimEnd(), `${INDENT}${last}`]
  })
}

const INDENT = '      '

const shortened = (text: string, room: number): string =>
  widthOf(text) <= room
    ? text
    : `${Array.from(text)
        .slice(0, room - 1)
        .join('')}…`

/** Columns; where they do not fit, the last one below the others: a table that a terminal wraps cannot be read. */
function fitted(rows: readonly (readonly string[])[], width: number): string[] {
  const wide = columns(rows)
  if (wide.every((line) => widthOf(line) <= width)) return wide
  const heads = columns(rows.map((row) => row.slice(0, -1)))
  return heads.flatMap((head, index) => [head, ...(rows[index]?.slice(-1) ?? []).map((last) => `${INDENT}${last}`)])
}

function detail(
  { name, operation, summary, effect, scope, inputSchema }: Listed,
  { bold, dim }: Style,
  width: number,
): string {
  const properties = (inputSchema['properties'] ?? {}) as Record<string, JsonSchema>
  const required = (inputSchema['required'] ?? []) as readonly string[]
  const rows = Object.entries(properties).map(([key, schema]) => [
    `  ${key}`,
    dim(note(schema, required.includes(key))),
    typeof schema['description'] === 'string' ? harmless(schema['description']) : '',
  ])
  return [
    `${bold(harmless(name))}  ${dim(`${operation}, ${effect}, scope ${scope ?? '–'}`)}`,
    harmless(summary),
    ...(rows.length === 0 ? ['It takes no arguments.'] : ['', ...fitted(rows, width)]),
  ].join('\n')
}

function note(schema: JsonSchema, required: boolean): string {
  if ('default' in schema) return `= ${JSON.stringify(schema['default'])}`
  return required ? 'required' : 'optional'
}
