import type { Profiles } from '../../kernel/mcp/profile.ts'
import type { Sight } from '../../kernel/reach.ts'
import { service } from '../../kernel/service.ts'
import { callTool, type CallDeps } from './call-tool.ts'
import { findTools, type FindDeps } from './find-tools.ts'
import { listCosts, type CostDeps, type SentTools } from './list-costs.ts'
import type { ListTools } from './listing.ts'
import { readResult } from './read-result.ts'
import type { KeptResults } from './results/kept-results.ts'
import { offers } from './results/offers.ts'
import { createToolIndex } from './search/tool-index.ts'
import { CATALOG } from './visible.ts'

export { createListing } from './listing.ts'
export { createFitResult } from './results/fit-result.ts'
export { createKeptResults } from './results/kept-results.ts'

export interface CatalogOptions {
  readonly profiles: Profiles
  readonly sight: Sight
  readonly listing: ListTools
  /** What the MCP front puts into lists. */
  readonly sent: SentTools
  readonly kept: KeptResults
}

interface CatalogDeps extends FindDeps, CallDeps, CostDeps {
  readonly kept: KeptResults
}

/** What keeps tools from filling a model's context: a search over them, and large results in parts. */
export const catalogService = ({ profiles, sight, listing, sent, kept }: CatalogOptions) =>
  service<'hub', CatalogDeps>({
    name: CATALOG,
    summary: 'Finds and calls tools that stand in no list, and reads large results by parts.',
    needs: ['hub'],
    operations: [findTools, callTool, readResult, listCosts],
    offers,
    async start({ hub: { registry, invoke } }) {
      const index = createToolIndex(() => registry.list())
      return {
        deps: { registry, invoke, profiles, sight, index, listing, sent, kept },
        stop: async () => kept.clear(),
      }
    },
  })
