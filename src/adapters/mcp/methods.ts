import { Fault } from '../../kernel/fault.ts'
import { showsApps } from '../../kernel/mcp/apps.ts'
import type { ListKind, Target } from '../../kernel/mcp/catalog.ts'
import { RpcError, rpcErrorOf, unknownMethod, type Request } from '../../kernel/mcp/message.ts'
import { MODERN_REVISION, RPC } from '../../kernel/mcp/protocol.ts'
import type { JsonText } from '../../kernel/mcp/raw.ts'
import { RelayedError } from '../../kernel/mcp/relayed.ts'
import { askTarget } from './ask-target.ts'
import { callTool } from './call-tool.ts'
import type { Exchange } from './exchange.ts'
import { listTasks } from './list-tasks.ts'
import type { McpServer } from './server.ts'
import type { View } from './view.ts'

const LISTS: Readonly<Record<string, 'tools' | ListKind>> = {
  'tools/list': 'tools',
  'prompts/list': 'prompts',
  'resources/list': 'resources',
  'resources/templates/list': 'templates',
}

/** How long a client may keep a list without asking again; changes are announced besides. */
const LIST_TTL_MS = 60_000

/** Of the lists of several servers the shortest time counts. Behind a token, so not for a cache that several people share. */
export function cacheText(view: View): string {
  const ttls = view.providers().map(({ offers }) => offers?.ttlMs ?? LIST_TTL_MS)
  return `"ttlMs":${Math.min(LIST_TTL_MS, ...ttls)},"cacheScope":"private"`
}

/** Answers what both eras have in common. Throws RpcError, or RelayedError with what another server said. */
export function answerMethod(server: McpServer, request: Request, exchange: Exchange): Promise<JsonText> | JsonText {
  const { method, params } = request
  if (method === 'tools/call') return callTool(server, params, exchange)
  const kind = LISTS[method]
  if (kind !== undefined) return list(server, kind, request, exchange)
  if (method === 'tasks/list') return listTasks(server, params, exchange)
  return passOn(server, request, exchange)
}

function list(server: McpServer, kind: 'tools' | ListKind, request: Request, { client, caller }: Exchange): JsonText {
  const { revision, view, capabilities } = client
  server.limit(caller, request.method)
  const capability = kind === 'templates' ? 'resources' : kind
  if (!(capability in view.capabilities(revision))) throw unknownMethod(request.method)
  for (const { offers } of view.providers()) offers?.freshen?.()
  const page = view.page(kind, {
    params: request.params,
    revision,
    caller,
    showsApps: showsApps(capabilities),
  })
  if (revision !== MODERN_REVISION) return `{${page}}`
  return `{"resultType":"complete",${cacheText(view)},${page},"_meta":${server.metaText}}`
}

/** Hands a request to the provider whose thing it names. Where only they know, they are asked in turn. */
async function passOn(server: McpServer, request: Request, exchange: Exchange): Promise<JsonText> {
  const targets = targetsOf(server, request, exchange)
  let down: unknown
  let said: RelayedError | undefined
  for (const target of targets) {
    try {
      return await askTarget(server, target, request, exchange)
    } catch (error) {
      if (targets.length === 1 || !isUnknownThere(error)) throw forClient(error)
      if (target.isLikely && error instanceof RelayedError) said ??= error
      if (target === targets[0] && error instanceof Fault && error.code === 'unavailable') down = error
    }
  }
  // It may be there: who is the likeliest to know could not be asked.
  if (down !== undefined) throw forClient(down)
  throw said ?? nobodys(request, exchange)
}

/** Who may know what a request names, of those the client may see; the likeliest first. */
export function targetsOf(
  server: McpServer,
  { method, params }: Question,
  { client, caller }: Exchange,
): readonly Target[] {
  const targets = server.tasks.targets(method, params, caller) ?? client.view.catalog.route(method, params)
  return targets.filter(({ provider }) => client.view.includes(provider))
}

type Question = Pick<Request, 'method' | 'params'>

/** What a server answers that never heard of the thing: then another may know it. */
const UNKNOWN_CODES: ReadonlySet<number> = new Set([RPC.invalidParams, RPC.methodNotFound, -32002])

const isUnknownThere = (error: unknown): boolean =>
  error instanceof RelayedError
    ? UNKNOWN_CODES.has(error.error.code)
    : error instanceof Fault && (error.code === 'unavailable' || error.code === 'not_found')

/** A fault of a provider is no fault of the endpoint: only who may not ask hears of it in the HTTP status. */
export function forClient(error: unknown): unknown {
  if (!(error instanceof Fault) || error instanceof RelayedError) return error
  return rpcErrorOf(error, error.code === 'unauthenticated' || error.code === 'forbidden' ? error.status : 200)
}

/** 2026-07-28 knows one number for a resource that does not exist, earlier revisions another. */
const RESOURCE_NOT_FOUND = -32002

export function nobodys({ method, params }: Question, { revision }: Exchange): RpcError {
  const { name, uri, taskId } = params
  if (method === 'prompts/get')
    return new RpcError(
      RPC.invalidParams,
      `There is no prompt called ${quote(name)}. List the prompts to see what there is.`,
    )
  if (method.startsWith('resources/')) {
    const code = revision === MODERN_REVISION ? RPC.invalidParams : RESOURCE_NOT_FOUND
    return new RpcError(code, `Resource not found: ${quote(uri)}`, { data: { uri } })
  }
  if (method === 'completion/complete')
    return new RpcError(RPC.invalidParams, 'Nothing of that name or address has arguments to complete.')
  if (method.startsWith('tasks/') && typeof taskId === 'string')
    return new RpcError(RPC.invalidParams, `There is no task ${quote(taskId)}.`)
  return unknownMethod(method)
}

const quote = (value: unknown) => JSON.stringify(String(value).slice(0, 200))
