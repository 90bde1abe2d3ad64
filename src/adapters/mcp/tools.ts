import type { Registry } from '../../kernel/registry.ts'
import type { Entry } from '../../kernel/registry.ts'
import type { JsonSchema, Tool } from '../../kernel/tool.ts'
import { RpcError, type Params } from '../../kernel/mcp/message.ts'
import { RPC, since, type Revision } from '../../kernel/mcp/protocol.ts'

/** Tools in one page of `tools/list`. Far above what a model can use at once, far below what a message can hold. */
const PAGE_SIZE = 200

export interface ToolsPage {
  tools: readonly object[]
  nextCursor?: string
}

/** Describes the registry's tools as `tools/list` pages. */
export interface ToolsList {
  /** Throws RpcError for a cursor that is not one of ours. */
  page(params: Params, revision: Revision): ToolsPage
}

/** Descriptions are made once per revision and list, not per request: with 200 tools that is milliseconds saved. */
export function createToolsList(registry: Registry): ToolsList {
  let described: readonly Entry[] | undefined
  const byRevision = new Map<Revision, readonly object[]>()
  const all = (revision: Revision) => {
    const entries = registry.list()
    if (entries !== described) {
      byRevision.clear()
      described = entries
    }
    const known = byRevision.get(revision)
    if (known) return known
    const tools = entries.map((entry) => describeTool(entry, revision))
    byRevision.set(revision, tools)
    return tools
  }
  return {
    page(params, revision) {
      const start = startOf(params['cursor'], registry.list())
      const tools = all(revision).slice(start, start + PAGE_SIZE)
      const next = registry.list()[start + PAGE_SIZE]
      return next ? { tools, nextCursor: Buffer.from(next.name).toString('base64url') } : { tools }
    },
  }
}

/** A cursor names the tool to go on with, so that a list that changed meanwhile neither skips nor repeats one. */
function startOf(cursor: unknown, entries: readonly Entry[]): number {
  if (cursor === undefined) return 0
  const name = typeof cursor === 'string' ? Buffer.from(cursor, 'base64url').toString() : ''
  const start = /^[A-Za-z0-9_-]+$/.test(name) ? entries.findIndex((entry) => entry.name >= name) : -1
  if (start === -1) throw new RpcError(RPC.invalidParams, 'Invalid params: this cursor is not from this list.')
  return start
}

function describeTool({ name, tool }: Entry, revision: Revision): object {
  return {
    name,
    ...(since(revision, '2025-06-18') && { title: titleOf(name) }),
    description: tool.description === undefined ? tool.summary : `${tool.summary} ${tool.description}`,
    inputSchema: tool.inputSchema,
    ...(since(revision, '2025-06-18') && outputSchemaOf(tool)),
    ...(since(revision, '2025-03-26') && { annotations: annotationsOf(tool) }),
  }
}

/** `publish_message` → `Publish message`. */
const titleOf = (name: string) => name.charAt(0).toUpperCase() + name.slice(1).replaceAll('_', ' ')

function outputSchemaOf({ outputSchema }: Tool): { outputSchema?: JsonSchema } {
  // Until 2025-11-25 the root had to be an object; a schema that is none is left out rather than made up.
  return outputSchema?.['type'] === 'object' ? { outputSchema } : {}
}

function annotationsOf(tool: Tool) {
  return {
    readOnlyHint: tool.effect === 'read',
    destructiveHint: tool.effect === 'destructive',
    idempotentHint: tool.idempotent,
    openWorldHint: tool.openWorld,
  }
}
