import { service } from '../../kernel/service.ts'
import { createCandidates } from './candidates.ts'
import { createCatalog } from './catalog.ts'
import {
  diagnoseService,
  executeCapability,
  listCapabilities,
  recommendProvider,
  servicesForCapability,
} from './operations.ts'

/** Things that can be done, whichever of several servers does them. `definitions`: `capabilities` of `mcp.json`, as they are now. */
export const capabilitiesService = (definitions: () => readonly unknown[]) =>
  service({
    name: 'capabilities',
    summary: 'Things that can be done, whichever of several servers does them.',
    needs: ['hub'],
    operations: [listCapabilities, executeCapability, recommendProvider, diagnoseService, servicesForCapability],
    async start({ hub, events, clock }) {
      const catalog = createCatalog(hub.registry, events, definitions)
      const candidates = createCandidates(hub.registry, events, clock)
      return {
        deps: { hub, catalog, candidates, clock, events },
        async stop() {
          catalog.stop()
          candidates.stop()
        },
      }
    },
  })
