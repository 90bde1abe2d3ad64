import { service } from '../../kernel/service.ts'
import { approveTools, reviewTools } from './approval.ts'
import { loginServer, logoutServer } from './login.ts'
import { inspectServer, listServers, readServerLog } from './reading.ts'
import { reloadServers, restartServer, startServer, stopServer } from './running.ts'

/** Other people's MCP servers, as things to look at and to run. Their tools are in the registry beside everybody's. */
export const gateway = service({
  name: 'gateway',
  summary: 'The MCP servers behind this hub: how they are, what they said, and whether they may change.',
  needs: ['servers'],
  operations: [
    listServers,
    inspectServer,
    readServerLog,
    startServer,
    stopServer,
    restartServer,
    reloadServers,
    loginServer,
    logoutServer,
    reviewTools,
    approveTools,
  ],
  start: async ({ servers }) => ({ deps: { gateway: servers } }),
})
