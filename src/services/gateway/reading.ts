import { z } from 'zod'
import { operation } from '../../kernel/operation.ts'
import { brief, detail, Name, ServerDetailShape, ServerShape, type Deps } from './shapes.ts'

export const listServers = operation<Deps>()({
  name: 'gateway.list_servers',
  summary: 'The MCP servers behind this hub, with how each one is and why.',
  scope: 'gateway:read',
  effect: 'read',
  input: z.object({}),
  output: z.object({ servers: z.array(ServerShape) }),
  handler: async (_, { gateway }) => ({ servers: gateway.servers().map(brief) }),
})

export const inspectServer = operation<Deps>()({
  name: 'gateway.inspect_server',
  summary: 'One MCP server: its state, what it speaks, its replicas, connections and needs.',
  scope: 'gateway:read',
  effect: 'read',
  input: z.object({ name: Name }),
  output: ServerDetailShape,
  handler: async ({ name }, { gateway }) => detail(await gateway.server(name)),
})

export const readServerLog = operation<Deps>()({
  name: 'gateway.read_server_log',
  summary: 'What an MCP server wrote on its standard error and what befell it, oldest first.',
  scope: 'gateway:read',
  effect: 'read',
  input: z.object({
    name: Name,
    lines: z.int().min(1).max(500).default(100).describe('At most this many, the latest'),
  }),
  output: z.object({ lines: z.array(z.object({ at: z.iso.datetime(), text: z.string() })) }),
  handler: async ({ name, lines }, { gateway }) => ({
    lines: gateway.log(name, lines).map(({ atMs, text }) => ({ at: new Date(atMs).toISOString(), text })),
  }),
})
