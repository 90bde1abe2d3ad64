import { isDeepStrictEqual } from 'node:util'
import { parse, stringify } from 'smol-toml'
import { Fault } from '../../../kernel/fault.ts'
import { withoutProperty } from '../remove-property.ts'
import { withProperty } from '../set-property.ts'
import type { ClientServers } from './client-servers.ts'

/** A client's file without those servers, and with Alicia in their place. Throws Fault `conflict` where that fails. */
export function rewritten(
  text: string,
  { client, file, servers }: ClientServers,
  { names, replacement }: { readonly names: readonly string[]; readonly replacement: object },
): string {
  const leaving = servers.filter(({ name }) => names.includes(name))
  const containers = new Map(leaving.map(({ path }) => [path.slice(0, -1).join('\0'), path.slice(0, -1)]))
  if (client.format === 'toml')
    return rewrittenToml(text, { file, names: leaving.map(({ name }) => name), replacement })
  const without = leaving.reduce((rest, { path }) => withoutProperty(rest, [...path]), text)
  const entry = client.id === 'vscode' ? { type: 'stdio', ...replacement } : replacement
  return [...containers.values()].reduce(
    (rest, container) => withProperty(rest, [...container, 'alicia'], entry),
    without,
  )
}

const TABLE = /^\s*\[\[?\s*(.+?)\s*\]\]?\s*(?:#.*)?$/

/** Table by table, so that everything else in the file stays as it is, comments included. */
function rewrittenToml(
  text: string,
  { file, names, replacement }: { file: string; names: readonly string[]; replacement: object },
): string {
  let isLeaving = false
  const kept = text.split('\n').filter((line) => {
    const [, header] = TABLE.exec(line) ?? []
    // Alicia of an earlier import too: a table that stands twice is no TOML.
    if (header !== undefined) isLeaving = [...names, 'alicia'].some((name) => isBelow(header, name))
    return !isLeaving
  })
  const after = `${kept.join('\n').trimEnd()}\n\n${stringify({ mcp_servers: { alicia: replacement } })}`
  if (!isReplaced({ before: text, after }, names))
    throw new Fault('conflict', `${file} has its servers in another form than tables; it is not changed.`, {
      hint: 'Take them out by hand, or import without --rewrite.',
    })
  return after
}

/**
 * Whether Alicia is in it, none of those is, and all else says what it said: a line of a text can look like a table. A text that is
 * no TOML any more has them in another form.
 */
function isReplaced({ before, after }: { before: string; after: string }, names: readonly string[]): boolean {
  try {
    const { mcp_servers: earlier = {}, ...others } = parse(before)
    const { mcp_servers: servers = {}, ...rest } = parse(after)
    const isLeft = ([name]: [string, unknown]) => name !== 'alicia' && !names.includes(name)
    return (
      Object.hasOwn(servers as object, 'alicia') &&
      !names.some((name) => Object.hasOwn(servers as object, name)) &&
      isDeepStrictEqual(rest, others) &&
      isDeepStrictEqual(Object.entries(servers).filter(isLeft), Object.entries(earlier).filter(isLeft))
    )
  } catch {
    return false
  }
}

/** Whether a table is that server's or a part of it, however its name is quoted. */
function isBelow(header: string, name: string): boolean {
  return ['', '"', "'"].some((quote) => {
    const table = `mcp_servers.${quote}${name}${quote}`
    return header === table || header.startsWith(`${table}.`)
  })
}
