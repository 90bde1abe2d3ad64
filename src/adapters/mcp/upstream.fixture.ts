import { RelayedError, RelayedResult } from '../../kernel/mcp/relayed.ts'
import type { Offer, Offers, Provider } from '../../kernel/registry.ts'
import type { CallContext, JsonSchema, Tool } from '../../kernel/tool.ts'

/** What a provider was asked, in its own words. */
export interface Asked {
  readonly method: string
  readonly input: unknown
  /** The params as another MCP server would get them. */
  readonly text: string | undefined
}

export interface UpstreamOptions {
  readonly id: string
  readonly tools?: readonly Record<string, unknown>[]
  /** Of the tools, as their server wrote them. */
  readonly texts?: readonly string[]
  readonly offers?: Partial<Offers>
  /** Addresses and names it answers for; any other gets the error of a thing that does not exist. */
  readonly knows?: readonly string[]
  /** The text of a result, or an answer that is made while the request runs. */
  readonly answer?: string | ((asked: Asked, context: CallContext) => Promise<string>)
}

const METHODS = [
  'prompts/get',
  'resources/read',
  'resources/subscribe',
  'resources/unsubscribe',
  'completion/complete',
  'tasks/get',
  'tasks/result',
  'tasks/list',
  'tasks/update',
  'tasks/cancel',
  '*',
]

/** A provider as another MCP server is one: it answers with text that nobody may touch. */
export function upstream(options: UpstreamOptions): Provider & { readonly asked: Asked[] } {
  const { id, tools = [], texts = [], offers, knows, answer = '{"x":1.0}' } = options
  const asked: Asked[] = []
  const tool = (name: string, method: string, more: Partial<Tool> = {}): Tool => ({
    name,
    summary: name,
    scope: `mcp:${id}`,
    effect: 'read',
    idempotent: true,
    openWorld: true,
    streams: false,
    inputSchema: { type: 'object' },
    parse: (input) => input ?? {},
    checkOutput: () => {},
    async run(input, context) {
      const one = { method, input, text: context.peer?.params }
      asked.push(one)
      const { name: named, uri = named, ref } = input as { name?: string; uri?: string; ref?: { uri?: string } }
      if (knows && !knows.includes(String(ref?.uri ?? uri)))
        throw new RelayedError(id, { code: -32602, message: 'unknown there', data: { n: 1 } })
      return new RelayedResult(typeof answer === 'string' ? answer : await answer(one, context))
    },
    ...more,
  })
  return {
    id,
    kind: 'upstream',
    asked,
    tools: tools.map((value, at) =>
      tool(`${id}.${String(value['name'])}`, 'tools/call', {
        mcp: { value, ...(texts[at] !== undefined && { text: texts[at] }) },
        inputSchema: (value['inputSchema'] ?? { type: 'object' }) as JsonSchema,
      }),
    ),
    offers: {
      prompts: [],
      resources: [],
      templates: [],
      capabilities: { prompts: {}, resources: {}, completions: {} },
      methods: METHODS.map((method) => tool(`${id}/${method}`, method, { listed: false })),
      ...offers,
    },
    report: () => ({ status: 'available', sinceMs: 0 }),
  }
}

export const offer = (field: 'name' | 'uri' | 'uriTemplate', key: string, more: object = {}): Offer => ({
  key,
  value: { [field]: key, ...more },
})
