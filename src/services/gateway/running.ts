import { z } from 'zod'
import { operation } from '../../kernel/operation.ts'
import { brief, Name, ServerShape, type Deps } from './shapes.ts'

/** A server may be downloaded at its first start. */
const START_MS = 120_000

const input = z.object({ name: Name })

export const startServer = operation<Deps>()({
  name: 'gateway.start_server',
  summary: 'Starts an MCP server, one that has failed or was stopped too, and waits until it is up.',
  scope: 'gateway:write',
  effect: 'write',
  idempotent: true,
  timeoutMs: START_MS,
  input,
  output: ServerShape,
  async handler({ name }, { gateway, signal }) {
    await gateway.start(name, signal)
    return brief(await gateway.server(name))
  },
})

export const restartServer = operation<Deps>()({
  name: 'gateway.restart_server',
  summary: 'Stops an MCP server and starts it anew; calls that run on it fail.',
  scope: 'gateway:write',
  effect: 'write',
  timeoutMs: START_MS,
  input,
  output: ServerShape,
  async handler({ name }, { gateway, signal }) {
    await gateway.restart(name, signal)
    return brief(await gateway.server(name))
  },
})

export const stopServer = operation<Deps>()({
  name: 'gateway.stop_server',
  summary: 'Stops an MCP server until somebody starts it.',
  scope: 'gateway:write',
  effect: 'write',
  idempotent: true,
  input,
  output: ServerShape,
  async handler({ name }, { gateway }) {
    await gateway.stop(name)
    return brief(await gateway.server(name))
  },
})

export const reloadServers = operation<Deps>()({
  name: 'gateway.reload_servers',
  summary: 'Reads the files with MCP servers now, where a change was not noticed by itself; says what it did.',
  description: 'Only servers whose definition changed are started anew. A broken file changes nothing.',
  scope: 'gateway:write',
  effect: 'write',
  idempotent: true,
  input: z.object({}),
  output: z.object({ added: z.array(z.string()), changed: z.array(z.string()), removed: z.array(z.string()) }),
  async handler(_, { gateway }) {
    const { added, changed, removed } = await gateway.reload()
    return { added: [...added], changed: [...changed], removed: [...removed] }
  },
})
