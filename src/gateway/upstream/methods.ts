import { Fault } from '../../kernel/fault.ts'
import { isObject } from '../../kernel/mcp/message.ts'
import type { Tool } from '../../kernel/tool.ts'
import type { Pass } from './tools.ts'

/** Methods besides `tools/call` that go to one upstream, and whether asking twice is the same as asking once. */
const METHODS: Readonly<Record<string, { effect: 'read' | 'write'; idempotent: boolean }>> = {
  'prompts/get': { effect: 'read', idempotent: true },
  'resources/read': { effect: 'read', idempotent: true },
  'resources/subscribe': { effect: 'read', idempotent: true },
  'resources/unsubscribe': { effect: 'read', idempotent: true },
  'completion/complete': { effect: 'read', idempotent: true },
  'tasks/get': { effect: 'read', idempotent: true },
  'tasks/result': { effect: 'read', idempotent: true },
  'tasks/list': { effect: 'read', idempotent: true },
  'tasks/update': { effect: 'write', idempotent: false },
  'tasks/cancel': { effect: 'write', idempotent: true },
  // Whatever an extension adds: nothing is known of it.
  '*': { effect: 'write', idempotent: false },
}

/**
 * What has a way of its own, on which the definition's filters, approvals and fixed arguments stand, or is the business of
 * the hub's connection, which everybody shares.
 */
const NOT_ANY: ReadonlySet<unknown> = new Set([
  ...Object.keys(METHODS),
  'tools/call',
  'tools/list',
  'prompts/list',
  'resources/list',
  'resources/templates/list',
  'initialize',
  'ping',
  'server/discover',
  'subscriptions/listen',
  'logging/setLevel',
])

const refused = (id: string, method: string) =>
  new Fault('unknown_operation', `${id}/* does not take ${method}.`, { hint: 'List the tools to see what there is.' })

/** What `*` is asked with, since its input names no method of its own. */
export interface AnyMethod {
  readonly method: string
  readonly params: Readonly<Record<string, unknown>>
}

/** The upstream's methods as tools, so that the one door governs them. Callers without MCP get the result's value. */
export function methodsOf(id: string, pass: Pass, timeoutMs: number | undefined): Tool[] {
  return Object.entries(METHODS).map(([name, { effect, idempotent }]) => ({
    name: `${id}/${name}`,
    summary: `${name} of ${id}.`,
    scope: `mcp:${id}`,
    effect,
    idempotent,
    openWorld: true,
    streams: false,
    listed: false,
    progressExtends: true,
    inputSchema: { type: 'object' },
    ...(timeoutMs !== undefined && { timeoutMs: () => timeoutMs }),
    parse(input: unknown) {
      if (isObject(input)) return input
      throw new Fault('invalid_input', `${id}/${name}: params must be an object.`)
    },
    checkOutput: () => {},
    async run(input, context) {
      const { method, params } = name === '*' ? (input as AnyMethod) : { method: name, params: input }
      if (name === '*' && NOT_ANY.has(method)) throw refused(id, method)
      const { peer } = context
      const result = await pass(
        {
          method,
          params: peer?.params ?? JSON.stringify(params),
          repeatable: idempotent,
          isRead: effect === 'read',
        },
        context,
      )
      return peer ? result : result.value
    },
  }))
}
