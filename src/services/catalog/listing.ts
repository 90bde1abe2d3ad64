import type { Profile } from '../../kernel/mcp/profile.ts'
import type { Entry } from '../../kernel/registry.ts'
import { estimateTokens } from '../../kernel/token-estimate.ts'
import type { Tool } from '../../kernel/tool.ts'
import { CATALOG } from './visible.ts'

/** How the tools of a profile are listed. */
export interface Listing {
  readonly mode: 'all' | 'search'
  /** In the order they came. */
  readonly entries: readonly Entry[]
}

/** Takes what a profile includes. */
export type ListTools = (profile: Profile, entries: readonly Entry[]) => Listing

export interface ListingOptions {
  /** Of the list of an `auto` profile; above it, models get the search. */
  readonly mostTokens: number
  /** Whether a profile's results may be kept, to be read in parts. */
  keepsResults(profile: Profile): boolean
}

const SEARCH: ReadonlySet<string> = new Set([`${CATALOG}.find_tools`, `${CATALOG}.call_tool`])
const READ = `${CATALOG}.read_result`

/**
 * Which of a profile's tools stand in `tools/list`. All can be called by name, whatever the list says. The service's own
 * stand there only where they are of use: each costs every conversation.
 */
export function createListing({ mostTokens, keepsResults }: ListingOptions): ListTools {
  return (profile, entries) => {
    const mode = profile.list === 'auto' ? (modelTokensOf(entries) <= mostTokens ? 'all' : 'search') : profile.list
    return {
      mode,
      entries: entries.filter((entry) => {
        const { name } = entry.tool
        if (name === READ) return keepsResults(profile)
        if (entry.provider.id === CATALOG) return mode === 'search' && SEARCH.has(name)
        return mode === 'all' || profile.alwaysLists?.(entry) === true
      }),
    }
  }
}

/** About what these tools cost a model in a list, without those of the search. */
export function modelTokensOf(entries: readonly Entry[]): number {
  let tokens = 0
  for (const { name, tool, provider } of entries)
    if (provider.id !== CATALOG && tool.forAppAlone !== true) tokens += modelTokens(name, tool)
  return tokens
}

/** A tool stays the same object until its server says otherwise. */
const costs = new WeakMap<Tool, number>()

/** Clients hand on a tool's name, description and input schema to the model, few of them anything else. */
function modelTokens(name: string, tool: Tool): number {
  const known = costs.get(tool)
  if (known !== undefined) return known
  const { summary, inputSchema } = tool
  const description = tool.description === undefined ? summary : `${summary} ${tool.description}`
  const tokens = estimateTokens(JSON.stringify({ name, description, inputSchema }))
  costs.set(tool, tokens)
  return tokens
}
