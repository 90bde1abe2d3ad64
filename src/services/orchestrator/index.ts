import { service } from '../../kernel/service.ts'
import { getOrchestration, restartService, startService, stopService } from './operations.ts'
import { createOrchestration } from './orchestration.ts'

export const orchestrator = service({
  name: 'orchestrator',
  summary: 'Starts and stops services and MCP servers, with what they need and what needs them.',
  needs: ['hub'],
  operations: [getOrchestration, startService, stopService, restartService],
  start: async ({ hub }) => ({ deps: { orchestration: createOrchestration(hub, 'orchestrator') } }),
})
