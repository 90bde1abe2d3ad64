import type { Caller } from '../../kernel/caller.ts'
import { isObject, RpcError, unknownMethod, type Params, type Request } from '../../kernel/mcp/message.ts'
import { isLogLevel, LEGACY_REVISIONS, META, MODERN_REVISION, REVISIONS, RPC } from '../../kernel/mcp/protocol.ts'
import type { JsonText } from '../../kernel/mcp/raw.ts'
import type { Client, Exchange } from './exchange.ts'
import { answerMethod, cacheText } from './methods.ts'
import type { McpServer } from './server.ts'
import { listen } from './subscriptions.ts'
import type { View } from './view.ts'

/** The revision a message claims in its `_meta`, or undefined: then it is from before 2026-07-28. */
export function claimedRevision(params: Params): unknown {
  const meta = params['_meta']
  return isObject(meta) ? meta[META.revision] : undefined
}

/**
 * Who asks, from the metadata that every request carries (2026-07-28, basic, "_meta"). `named` is the revision the
 * transport's header names, where it has one. Throws RpcError with HTTP status 400.
 */
export function readClient(caller: Caller, view: View, params: Params, named?: string): Client {
  const meta = isObject(params['_meta']) ? params['_meta'] : {}
  const revision = meta[META.revision]
  const capabilities = meta[META.clientCapabilities]
  const clientInfo = meta[META.clientInfo]
  const logLevel = meta[META.logLevel]
  if (typeof revision !== 'string') throw badMeta(META.revision, 'must be a string')
  if (!isObject(capabilities)) throw badMeta(META.clientCapabilities, 'must be an object')
  if (clientInfo !== undefined && !isObject(clientInfo)) throw badMeta(META.clientInfo, 'must be an object')
  if (named !== undefined && named !== revision) throw headerMismatch('MCP-Protocol-Version', named, revision)
  if (revision !== MODERN_REVISION) throw unsupportedRevision(revision)
  if (logLevel !== undefined && !isLogLevel(logLevel)) throw badMeta(META.logLevel, 'is not a log level')
  return { caller, view, revision, capabilities, clientInfo, logLevel }
}

/** A header that says something else than the body: whoever routes by headers would be misled. */
export const headerMismatch = (header: string, says: string | undefined, body: string): RpcError =>
  new RpcError(
    RPC.headerMismatch,
    says === undefined
      ? `Header mismatch: ${header} is missing; the body says ${JSON.stringify(body)}.`
      : `Header mismatch: ${header} says ${JSON.stringify(says)}, the body ${JSON.stringify(body)}.`,
    { status: 400 },
  )

const badMeta = (key: string, problem: string) =>
  new RpcError(RPC.invalidParams, `Invalid params: _meta["${key}"] ${problem}.`, {
    status: 400,
    data: { envelope: { key, problem } },
  })

export const unsupportedRevision = (requested: string): RpcError =>
  new RpcError(RPC.unsupportedRevision, 'Unsupported protocol version', {
    status: 400,
    data: { supported: REVISIONS, requested: requested.slice(0, 100) },
  })

/** What 2026-07-28 took back: no server gets it from a client of that revision. */
const GONE: ReadonlySet<string> = new Set([
  'initialize',
  'ping',
  'logging/setLevel',
  'resources/subscribe',
  'resources/unsubscribe',
  'tasks/list',
  'tasks/result',
])

/** Answers one request of revision 2026-07-28, which needs nothing but itself. Throws RpcError. */
export function answerModern(server: McpServer, request: Request, exchange: Exchange): Promise<JsonText> | JsonText {
  const { method } = request
  if (method === 'server/discover') return discover(server, exchange)
  if (method === 'subscriptions/listen') {
    server.limit(exchange.caller, method)
    return listen(server, request, exchange)
  }
  if (GONE.has(method)) throw unknownMethod(method)
  return answerMethod(server, request, exchange)
}

function discover({ metaText, limit }: McpServer, { caller, client: { view } }: Exchange): JsonText {
  limit(caller, 'server/discover')
  const facts = JSON.stringify({
    supportedVersions: REVISIONS,
    capabilities: view.capabilities(MODERN_REVISION),
    instructions: view.instructions(caller),
  })
  return `{"resultType":"complete",${cacheText(view)},${facts.slice(1, -1)},"_meta":${metaText}}`
}

/** Whether a version string can only come from a client of the new era. Revisions are dates. */
export const isModern = (revision: unknown): boolean =>
  typeof revision === 'string' && revision > LEGACY_REVISIONS[0] && /^\d{4}-\d{2}-\d{2}$/.test(revision)
