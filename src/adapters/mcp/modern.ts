import { callTool, type Exchange } from './call-tool.ts'
import { isObject, RpcError, unknownMethod, type Params, type Request } from '../../kernel/mcp/message.ts'
import {
  isLogLevel,
  LEGACY_REVISIONS,
  META,
  MODERN_REVISION,
  REVISIONS,
  RPC,
  type LogLevel,
} from '../../kernel/mcp/protocol.ts'
import { CAPABILITIES, type McpServer } from './server.ts'
import { listen } from './subscriptions.ts'

/** How long a client may keep a list without asking again; changes are announced besides. */
const LIST_TTL_MS = 60_000
/** Behind a token, so not for a cache that several people share. */
const CACHE = { ttlMs: LIST_TTL_MS, cacheScope: 'private' } as const

/** The revision a message claims in its `_meta`, or undefined: then it is from before 2026-07-28. */
export function claimedRevision(params: Params): unknown {
  const meta = params['_meta']
  return isObject(meta) ? meta[META.revision] : undefined
}

/**
 * Checks the metadata that every request carries (2026-07-28, basic, "_meta"); returns the log level it asks for.
 * `named` is the revision the transport's header names, where it has one. Throws RpcError with HTTP status 400.
 */
export function checkMetadata(params: Params, named?: string): LogLevel | undefined {
  const meta = isObject(params['_meta']) ? params['_meta'] : {}
  const revision = meta[META.revision]
  if (typeof revision !== 'string') throw badMeta(META.revision, 'must be a string')
  if (!isObject(meta[META.clientCapabilities])) throw badMeta(META.clientCapabilities, 'must be an object')
  if (META.clientInfo in meta && !isObject(meta[META.clientInfo])) throw badMeta(META.clientInfo, 'must be an object')
  if (named !== undefined && named !== revision) throw headerMismatch('MCP-Protocol-Version', named, revision)
  if (revision !== MODERN_REVISION) throw unsupportedRevision(revision)
  const level = meta[META.logLevel]
  if (level === undefined || isLogLevel(level)) return level
  throw badMeta(META.logLevel, 'is not a log level')
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

/** Answers one request of revision 2026-07-28, which needs nothing but itself. Throws RpcError. */
export async function answerModern(server: McpServer, request: Request, exchange: Exchange): Promise<object> {
  switch (request.method) {
    case 'server/discover':
      return complete(server, {
        ...CACHE,
        supportedVersions: REVISIONS,
        capabilities: CAPABILITIES,
        instructions: server.instructions,
      })
    case 'tools/list':
      return complete(server, { ...CACHE, ...server.tools.page(request.params, MODERN_REVISION) })
    case 'tools/call':
      return complete(server, { ...(await callTool(server.invoke, request.params, exchange)) })
    case 'subscriptions/listen':
      return await listen(server, request, exchange)
    default:
      throw unknownMethod(request.method)
  }
}

function complete(server: McpServer, result: { _meta?: object; [field: string]: unknown }): object {
  const meta = { ...result._meta, [META.serverInfo]: server.info }
  return { resultType: 'complete', ...result, _meta: meta }
}

/** Whether a version string can only come from a client of the new era. Revisions are dates. */
export const isModern = (revision: unknown): boolean =>
  typeof revision === 'string' && revision > LEGACY_REVISIONS[0] && /^\d{4}-\d{2}-\d{2}$/.test(revision)
