import type { ServerFiles } from '../adapters/cli/server-files.ts'
import { Fault } from '../kernel/fault.ts'

const missing = (name: string) => new Fault('not_found', `There is no server ${name}.`)

/** Files without a server in them. */
export const NO_SERVERS: ServerFiles = {
  list: () => [],
  find: (name) => {
    throw missing(name)
  },
  add: () => ({ id: 'a', file: '/data/mcp.json', warnings: [], cleartext: [] }),
  remove: (name) => {
    throw missing(name)
  },
  checks: () => [],
  secrets: { list: () => [], set: () => {}, remove: () => false },
  importable: () => [],
  importClients: [],
  import: () => ({ added: [], changed: [] }),
  restoreImport: () => ({ restored: [], kept: [] }),
}
