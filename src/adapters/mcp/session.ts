import { randomUUID } from 'node:crypto'
import type { Caller } from '../../kernel/caller.ts'
import { callTool, type Exchange } from './call-tool.ts'
import {
  errorMessage,
  refuseTooMany,
  resultMessage,
  RpcError,
  unknownMethod,
  type Id,
  type Notification,
  type Outgoing,
  type Params,
  type Request,
} from '../../kernel/mcp/message.ts'
import {
  isLegacyRevision,
  isLogLevel,
  LEGACY_REVISIONS,
  RPC,
  since,
  type LegacyRevision,
  type LogLevel,
} from '../../kernel/mcp/protocol.ts'
import { CAPABILITIES, type McpServer } from './server.ts'

/** A client of a revision up to 2025-11-25, from its `initialize` on. */
export interface Session {
  readonly id: string
  readonly caller: Caller
  readonly revision: LegacyRevision
  /** Answers one request; undefined when the client cancelled it. Never throws. */
  answer(request: Request, notify: Exchange['notify']): Promise<Outgoing | undefined>
  notice(notification: Notification): void
  /** Cancels what still runs. */
  close(): void
}

/** What a client that set no level gets to see. */
const DEFAULT_LOG_LEVEL: LogLevel = 'warning'

/** The revision the client asked for if Alicia knows it, else the newest that begins with a handshake. */
export const negotiate = (params: Params): LegacyRevision =>
  isLegacyRevision(params['protocolVersion']) ? params['protocolVersion'] : LEGACY_REVISIONS[0]

export function createSession(server: McpServer, caller: Caller, revision: LegacyRevision): Session {
  const running = new Map<Id, AbortController>()
  let logLevel: LogLevel = DEFAULT_LOG_LEVEL

  const result = async (request: Request, exchange: Exchange): Promise<object> => {
    switch (request.method) {
      case 'initialize':
        return initializeResult(server, revision)
      case 'ping':
        return {}
      case 'tools/list':
        return server.tools.page(request.params, revision)
      case 'tools/call':
        return await callTool(server.invoke, request.params, exchange)
      case 'logging/setLevel':
        logLevel = levelOf(request.params)
        return {}
      default:
        throw unknownMethod(request.method)
    }
  }

  return {
    id: randomUUID(),
    caller,
    revision,
    async answer(request, notify) {
      const { id } = request
      if (running.has(id))
        return errorMessage(id, new RpcError(RPC.invalidRequest, `Invalid request: id ${id} is in use already.`))
      const cancel = new AbortController()
      try {
        refuseTooMany(running.size)
        running.set(id, cancel)
        const exchange = { caller, revision, logLevel, signal: cancel.signal, notify }
        const answer = resultMessage(id, await result(request, exchange))
        return cancel.signal.aborted ? undefined : answer
      } catch (error) {
        return cancel.signal.aborted ? undefined : errorMessage(id, server.errorOf(error))
      } finally {
        running.delete(id)
      }
    },
    notice({ method, params }) {
      if (method === 'notifications/cancelled') running.get(params['requestId'] as Id)?.abort()
    },
    close() {
      for (const cancel of running.values()) cancel.abort()
    },
  }
}

function initializeResult(server: McpServer, revision: LegacyRevision): object {
  const { title, ...info } = server.info
  return {
    protocolVersion: revision,
    capabilities: CAPABILITIES,
    serverInfo: since(revision, '2025-06-18') ? { ...info, title } : info,
    instructions: server.instructions,
  }
}

function levelOf(params: Params): LogLevel {
  if (isLogLevel(params['level'])) return params['level']
  throw new RpcError(RPC.invalidParams, 'Invalid params: level is not a log level.')
}
