/**
 * The smallest honest MCP server, as a function from request to answer: what the broken servers beside it do where they
 * are not broken. By hand, so that no library mends what a test wants broken.
 */

export interface Asked {
  readonly id?: string | number
  readonly method?: string
  readonly params?: Readonly<Record<string, unknown>>
  readonly result?: unknown
}

export type Answer =
  | { readonly result: Record<string, unknown> }
  | { readonly error: { readonly code: number; readonly message: string; readonly data?: unknown } }

export type Era = 'legacy' | 'modern' | 'both'

const LEGACY = ['2025-11-25', '2025-06-18', '2025-03-26', '2024-11-05']
const MODERN = '2026-07-28'
const INFO = { name: 'upstream-under-test', version: '1.0.0' }
const CAPABILITIES = { tools: { listChanged: true } }

/** `echo` says its text, `pid` the server's process, `fail` fails in its own words. */
export const TOOLS: readonly Record<string, unknown>[] = [
  {
    name: 'echo',
    description: 'Says the text again.',
    inputSchema: { type: 'object', properties: { text: { type: 'string' } }, required: ['text'] },
    annotations: { readOnlyHint: true },
  },
  { name: 'pid', description: 'Says the number of the server’s process.', inputSchema: { type: 'object' } },
  { name: 'fail', description: 'Fails.', inputSchema: { type: 'object' } },
]

/** What this server answers; undefined: nothing, it was no request. */
export function honestAnswer(asked: Asked, era: Era, tools = TOOLS): Answer | undefined {
  if (asked.id === undefined || asked.method === undefined) return undefined
  const isModern = asModern(asked.params)
  if (isModern ? era === 'legacy' : era === 'modern') return isModern ? unknownMethod(asked.method) : unsupported()
  return isModern ? stamped(answer(asked, tools)) : answer(asked, tools)
}

export const text = (said: string, isError = false): Record<string, unknown> => ({
  content: [{ type: 'text', text: said }],
  ...(isError && { isError }),
})

function answer({ method = '', params = {} }: Asked, tools: typeof TOOLS): Answer {
  switch (method) {
    case 'initialize': {
      const asks = String(params['protocolVersion'])
      const protocolVersion = LEGACY.includes(asks) ? asks : LEGACY[0]
      return { result: { protocolVersion, capabilities: CAPABILITIES, serverInfo: INFO } }
    }
    case 'server/discover':
      return { result: { supportedVersions: [MODERN], capabilities: CAPABILITIES, ...CACHE } }
    case 'ping':
      return { result: {} }
    case 'tools/list':
      return { result: { tools: [...tools], ...(asModern(params) && CACHE) } }
    case 'tools/call':
      return call(String(params['name']), (params['arguments'] ?? {}) as Record<string, unknown>)
    default:
      return unknownMethod(method)
  }
}

function call(name: string, { text: said }: Record<string, unknown>): Answer {
  if (name === 'echo') return { result: text(String(said)) }
  if (name === 'pid') return { result: text(String(process.pid)) }
  if (name === 'fail') return { result: text('It failed, as it was asked to.', true) }
  return { error: { code: -32602, message: `Unknown tool: ${name}` } }
}

const CACHE = { ttlMs: 0, cacheScope: 'private' }

const asModern = (params: Asked['params'] = {}): boolean =>
  typeof params['_meta'] === 'object' && 'io.modelcontextprotocol/protocolVersion' in Object(params['_meta'])

const stamped = (answered: Answer): Answer =>
  'error' in answered
    ? answered
    : { result: { resultType: 'complete', ...answered.result, _meta: { 'io.modelcontextprotocol/serverInfo': INFO } } }

const unknownMethod = (method: string): Answer => ({
  error: { code: -32601, message: `Method not found: ${method}` },
})

const unsupported = (): Answer => ({
  error: { code: -32022, message: 'Unsupported protocol version', data: { supported: [MODERN] } },
})
