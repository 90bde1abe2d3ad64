import { service } from '../../kernel/service.ts'
import { getHealth, listServices } from './operations.ts'

export const health = service({
  name: 'health',
  summary: 'How the hub and its parts are doing.',
  needs: ['hub'],
  operations: [getHealth, listServices],
  start: async ({ hub, clock }) => ({ deps: { hub, now: () => clock.now() } }),
})
