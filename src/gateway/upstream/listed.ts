import type { Described } from '../../kernel/mcp/described.ts'
import { isObject } from '../../kernel/mcp/message.ts'
import { compact, countMembers, readElements, readMember, type JsonText } from '../../kernel/mcp/raw.ts'
import type { RelayedResult } from '../../kernel/mcp/relayed.ts'
import type { Offer } from '../../kernel/registry.ts'

/** A tool as `tools/list` of an upstream describes it; everything but the name is optional or unknown to the hub. */
export interface ListedTool extends Described {
  readonly name: string
}

/** Everything an upstream listed, as it was last known. */
export interface Lists {
  readonly tools: readonly ListedTool[]
  readonly prompts: readonly Offer[]
  readonly resources: readonly Offer[]
  readonly templates: readonly Offer[]
  readonly capabilities: Readonly<Record<string, unknown>>
  readonly serverInfo: Readonly<Record<string, unknown>>
  readonly instructions?: string
  /** The shortest time that it lets a list be kept (2026-07-28, caching); absent: it did not say. */
  readonly ttlMs?: number
}

export const NO_LISTS: Lists = {
  tools: [],
  prompts: [],
  resources: [],
  templates: [],
  capabilities: {},
  serverInfo: {},
}

/** Which lists there are, by the method that asks for each: where its entries stand, and what names one. */
export const LISTS = {
  tools: { method: 'tools/list', member: 'tools', key: 'name', capability: 'tools' },
  prompts: { method: 'prompts/list', member: 'prompts', key: 'name', capability: 'prompts' },
  resources: { method: 'resources/list', member: 'resources', key: 'uri', capability: 'resources' },
  templates: {
    method: 'resources/templates/list',
    member: 'resourceTemplates',
    key: 'uriTemplate',
    capability: 'resources',
  },
} as const

export type ListKind = keyof typeof LISTS

/** Whoever writes, hashes or searches an entry does so by recursion: what nests deeper would break everybody's list. */
const DEEPEST = 100

const isShallow = (value: unknown, levels = DEEPEST): boolean =>
  typeof value !== 'object' || value === null
    ? true
    : levels > 0 && Object.values(value).every((member) => isShallow(member, levels - 1))

/** The entries of one page that have a name and sensible depth; the first of two with one name counts. */
export function entriesOf(kind: ListKind, page: RelayedResult): Offer[] {
  const { member, key } = LISTS[kind]
  const entries = page.value[member]
  if (!Array.isArray(entries)) return []
  const texts = textsOf(page, member)
  return entries.flatMap((value: unknown, index) => {
    if (!isObject(value) || typeof value[key] !== 'string' || !isShallow(value)) return []
    const text = textBeside(value, texts[index])
    return [{ key: value[key], value, ...(text !== undefined && { text }) }]
  })
}

/** The entries as the server wrote them; none where a member stands twice, and another parser could take the other. */
function textsOf({ text }: RelayedResult, member: string): JsonText[] {
  try {
    return readElements(readMember(text, member) ?? '[]')
  } catch {
    return []
  }
}

/** What would be lost with the text: most entries say the same when their value is written anew, and are kept once. */
function textBeside(value: Readonly<Record<string, unknown>>, written: JsonText | undefined): JsonText | undefined {
  const text = written && compact(written)
  if (text === undefined || text === JSON.stringify(value)) return undefined
  // A name that stands twice, however deep: what was approved would not be what another parser takes.
  return countMembers(text) === membersIn(value) ? text : undefined
}

const membersIn = (value: unknown): number =>
  typeof value !== 'object' || value === null
    ? 0
    : Object.values(value).reduce<number>((sum, member) => sum + membersIn(member) + (Array.isArray(value) ? 0 : 1), 0)
