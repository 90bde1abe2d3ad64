import { createHash } from 'node:crypto'
import type { Provider } from '../../kernel/registry.ts'
import type { Tool } from '../../kernel/tool.ts'

/** A description longer than this (bytes) leaves out schemas: it is retained, and sent to every `#`. */
const LONGEST_META_BYTES = 200_000

type Part = 'output' | 'input' | 'description'

/** What is left out of a description that is too long, in the order in which it goes. */
const DISPENSABLE: readonly Part[] = ['output', 'input', 'description']

/** What a service can do, as JSON: its operations and a hash that changes when they do. */
export function metaOf(provider: Provider, version: string): string {
  const tools = [...provider.tools].sort((a, b) => (a.name < b.name ? -1 : 1))
  for (let count = 0; ; count++) {
    const omitted = DISPENSABLE.slice(0, count)
    const meta = describe(provider, tools, { version, omitted })
    if (Buffer.byteLength(meta) <= LONGEST_META_BYTES || omitted.length === DISPENSABLE.length) return meta
  }
}

function describe(
  { id, kind }: Provider,
  tools: readonly Tool[],
  { version, omitted }: { version: string; omitted: readonly Part[] },
): string {
  const operations = tools.map((tool) => operationOf(tool, omitted))
  const hash = createHash('sha256').update(JSON.stringify(operations)).digest('hex').slice(0, 16)
  return JSON.stringify({ service: id, kind, version, hash, ...(omitted.length > 0 && { omitted }), operations })
}

function operationOf(tool: Tool, omitted: readonly Part[]) {
  const { name, summary, description, scope, effect, idempotent } = tool
  return {
    name,
    summary,
    ...(description !== undefined && !omitted.includes('description') && { description }),
    scope,
    effect,
    idempotent,
    ...(!omitted.includes('input') && { input: tool.inputSchema }),
    ...(!omitted.includes('output') && tool.outputSchema && { output: tool.outputSchema }),
  }
}
