import { service } from '../../kernel/service.ts'
import { configureBalance, getBalance, listBackends, routeRequest } from './operations.ts'

export const lb = service({
  name: 'lb',
  summary: 'How calls are spread over the replicas of MCP servers.',
  needs: ['hub'],
  operations: [getBalance, listBackends, routeRequest, configureBalance],
  start: async ({ hub, clock }) => ({ deps: { hub, clock } }),
})
