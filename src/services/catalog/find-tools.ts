import { z } from 'zod'
import { nearest } from '../../kernel/nearest.ts'
import { operation } from '../../kernel/operation.ts'
import type { Entry } from '../../kernel/registry.ts'
import { compactSchema } from './compact-schema.ts'
import type { ToolIndex } from './search/tool-index.ts'
import { visibleEntries, type Looking } from './visible.ts'

export interface FindDeps extends Looking {
  readonly index: ToolIndex
}

const Found = z.object({
  name: z.string(),
  server: z.string().describe('Who has it.'),
  summary: z.string(),
  effect: z.enum(['read', 'write', 'destructive']),
  input_schema: z.record(z.string(), z.unknown()),
})

/** Of a summary in an answer, characters: other servers' run over pages. */
const LONGEST_SUMMARY = 300
/** Names and servers that are told where nothing was found. */
const MOST_NAMES = 10

export const findTools = operation<FindDeps>()({
  name: 'catalog.find_tools',
  summary: 'Finds tools by what they do.',
  description:
    'Your list may hold only a few of the tools there are: search here before you say that something cannot be done. ' +
    'Describe the task in a few words, in any language. Without query it lists what there is.',
  scope: null,
  effect: 'read',
  input: z.object({
    query: z.string().max(500).default('').describe('What is to be done: "read a file", "Licht einschalten".'),
    limit: z.int().min(1).max(25).default(5).describe('Most tools in the answer.'),
    server: z.string().max(100).optional().describe('Only tools of this server or service.'),
  }),
  output: z.object({
    tools: z.array(Found),
    available: z.int().describe('Tools that were searched.'),
    next: z.string().describe('What to do with the answer.'),
    nearest: z.array(z.string()).optional().describe('Where nothing was found: names that come closest.'),
    servers: z
      .record(z.string(), z.int())
      .optional()
      .describe('Where nothing was found: how many tools each server has.'),
  }),
  async handler({ query, limit, server }, { registry, profiles, sight, index, ...asker }) {
    const visible = visibleEntries({ registry, profiles, sight }, asker)
    const searched = server === undefined ? visible : visible.filter(({ provider }) => provider.id === server)
    const found = query.trim() === '' ? searched.slice(0, limit) : ranked(query, searched, { index, limit })
    const available = searched.length
    if (found.length === 0) return { tools: [], available, ...adviceFor(query, { server, searched, visible }) }
    const next = 'Call one by call_tool: {"name": …, "arguments": …} after its input_schema.'
    const more =
      query.trim() === '' && available > found.length ? ` ${available - found.length} more: give a query.` : ''
    return { tools: found.map(shown), available, next: `${next}${more}` }
  },
})

/** The tool of exactly that name first, whatever else fits. */
function ranked(
  query: string,
  searched: readonly Entry[],
  { index, limit }: { index: ToolIndex; limit: number },
): Entry[] {
  const byName = new Map(searched.map((entry) => [entry.tool.name, entry]))
  const exact = searched.filter(({ name, tool }) => name === query.trim() || tool.name === query.trim())
  const others = index
    .search(query, (operation) => byName.has(operation), limit)
    .flatMap((operation) => byName.get(operation) ?? [])
    .filter((entry) => !exact.includes(entry))
  return [...exact, ...others].slice(0, limit)
}

const shown = ({ name, tool, provider }: Entry): z.input<typeof Found> => ({
  name,
  server: provider.id,
  summary: tool.summary.length <= LONGEST_SUMMARY ? tool.summary : `${tool.summary.slice(0, LONGEST_SUMMARY - 1)}…`,
  effect: tool.effect,
  input_schema: compactSchema(tool.inputSchema) as Record<string, unknown>,
})

interface Searched {
  readonly server: string | undefined
  readonly searched: readonly Entry[]
  readonly visible: readonly Entry[]
}

/** A model that hears "nothing" says that it can't be done: it is told what there is instead. */
function adviceFor(query: string, { server, searched, visible }: Searched) {
  const servers = countByServer(visible)
  const isUnknown = server !== undefined && searched.length === 0
  const meant = isUnknown ? nearest(server, Object.keys(servers)) : undefined
  const near = nearestNames(query, searched)
  const next = isUnknown
    ? `There is no server ${JSON.stringify(server)}${meant === undefined ? '' : `; did you mean ${meant}?`} Leave server out to search all.`
    : 'No tool has these words. Try others (English ones often match best), or list a server by find_tools with server alone.'
  return { next, ...(near.length > 0 && { nearest: near }), servers }
}

function countByServer(entries: readonly Entry[]): Record<string, number> {
  const counts = Map.groupBy(entries, ({ provider }) => provider.id)
  return Object.fromEntries([...counts].map(([id, own]) => [id, own.length]))
}

function nearestNames(query: string, entries: readonly Entry[]): string[] {
  const left = new Set(entries.map(({ name }) => name))
  const names: string[] = []
  for (const word of [query.trim().replaceAll(/\s+/g, '_'), ...query.trim().split(/\s+/)].slice(0, MOST_NAMES)) {
    const name = word === '' ? undefined : nearest(word, left)
    if (name === undefined) continue
    names.push(name)
    left.delete(name)
  }
  return names
}
