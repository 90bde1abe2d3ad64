import type { McpServer, McpServerOptions } from '../adapters/mcp/server.ts'
import type { Clock } from '../kernel/clock.ts'
import type { Events } from '../kernel/events.ts'
import type { Profile, Profiles } from '../kernel/mcp/profile.ts'
import { MODERN_REVISION } from '../kernel/mcp/protocol.ts'
import type { Sight } from '../kernel/reach.ts'
import { concerns } from '../kernel/tenure.ts'
import { createFitResult, createKeptResults, createListing, type CatalogOptions } from '../services/catalog/index.ts'

export interface EconomyOptions {
  readonly clock: Clock
  readonly events: Pick<Events, 'on'>
  readonly sight: Sight
  readonly profiles: Profiles
  readonly limits: { readonly listTokens: number; readonly resultTokens: number; readonly profileResultTokens: number }
  readonly mcp: () => McpServer
}

/** What the MCP front and the catalog have in common: which tools are listed, and what is kept of large results. */
export interface Economy {
  readonly front: Pick<McpServerOptions, 'listed' | 'fitResult'>
  readonly catalog: CatalogOptions
}

export function createEconomy({ clock, events, sight, profiles, limits, mcp }: EconomyOptions): Economy {
  const kept = createKeptResults(clock)
  events.on('access.ended', (ended) => kept.forget((caller) => concerns(ended, caller)))
  const limitOf = ({ name, resultTokens }: Profile): number =>
    resultTokens ?? (name === '' ? limits.resultTokens : limits.profileResultTokens)
  const listing = createListing({
    mostTokens: limits.listTokens,
    keepsResults: (profile) => limitOf(profile) > 0,
  })
  return {
    front: {
      listed: (profile, entries) => listing(profile, entries).entries,
      fitResult: createFitResult({ kept, limitOf }),
    },
    catalog: { profiles, sight, listing, kept, sent: (profile) => sentTools(mcp(), profile) },
  }
}

/** The whole list, page by page, as a client of the newest revision gets it. */
function sentTools(mcp: McpServer, profile: string | undefined): Record<string, unknown>[] {
  const view = mcp.view(profile)
  const tools: Record<string, unknown>[] = []
  let cursor: string | undefined
  do {
    const members = view.page('tools', {
      params: cursor === undefined ? {} : { cursor },
      revision: MODERN_REVISION,
    })
    const page = JSON.parse(`{${members}}`) as { tools: Record<string, unknown>[]; nextCursor?: string }
    tools.push(...page.tools)
    cursor = page.nextCursor
  } while (cursor !== undefined)
  return tools
}
