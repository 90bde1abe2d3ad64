import { Fault, FAULTS, isEndless } from '../../kernel/fault.ts'
import { readJsonText } from '../../kernel/json.ts'
import { invalidRequest, readMessage, RpcError, type Message, type Request } from '../../kernel/mcp/message.ts'
import { RPC } from '../../kernel/mcp/protocol.ts'
import { othersFirst } from '../../kernel/others-first.ts'
import { answerError } from './http-error.ts'
import type { HttpExchange } from './http-exchange.ts'
import { findSession, initialize, openAnnouncements, postBatch, postLegacy } from './http-legacy.ts'
import { postModern } from './http-modern.ts'
import type { Asking, HttpParts, Posted } from './http-parts.ts'
import { claimedRevision, isModern } from './modern.ts'
import { Patience } from '../../kernel/patience.ts'
import { PATIENCE_MS } from './reply.ts'
import type { McpServer } from './server.ts'
import { SmallSet } from '../../kernel/small-set.ts'
import { accessEnded, concerns } from '../../kernel/tenure.ts'
import { createSessionTable } from './session-table.ts'

export interface McpHttpOptions {
  readonly server: McpServer
  readonly mostSessions: number
  /** Of one caller; absent: as many as there are places. */
  readonly mostSessionsOfOne?: number
  /** Milliseconds after its last use that a session of an old revision is forgotten. */
  readonly sessionIdleMs: number
}

export interface McpHttp {
  /**
   * Serves the MCP endpoint of a profile (absent: of everything): POST for every revision, GET and DELETE for those with
   * sessions. Resolves when the answer has begun or is left to what runs. Never throws.
   */
  handle(http: HttpExchange, profile?: string): Promise<void>
  /** Ends every stream and session: modern ones with a result that says so. */
  close(): void
}

/** Streamable HTTP of every revision on one endpoint (2026-07-28 and 2025-03-26 to 2025-11-25, "Streamable HTTP"). */
export function createMcpHttp(options: McpHttpOptions): McpHttp {
  const { server } = options
  const sessions = createSessionTable({
    server,
    most: options.mostSessions,
    mostOfOne: options.mostSessionsOfOne ?? Number.POSITIVE_INFINITY,
    idleMs: options.sessionIdleMs,
  })
  const patience = new Patience(server.clock, PATIENCE_MS)
  const endEnded = server.events.on('access.ended', (ended) => {
    for (const exchange of parts.running) if (concerns(ended, exchange.caller)) exchange.end(accessEnded())
  })
  const parts: HttpParts = { server, sessions, patience, running: new SmallSet() }
  return {
    async handle(http, profile) {
      try {
        const shown = http.authenticate()
        const caller = shown instanceof Promise ? await shown : shown
        const view = server.view(profile)
        const sinceMs = server.clock.monotonic()
        if (http.method !== 'POST') return answerWithoutBody(parts, { http, caller, view, nowMs: sinceMs })
        const text = (await http.body()) ?? ''
        const nowMs = server.clock.monotonic()
        const isSlow = nowMs - sinceMs > SLOW_BODY_MS
        post(parts, { http, caller: isSlow ? await http.authenticate() : caller, view, nowMs }, text)
      } catch (error) {
        if (error instanceof Fault && isEndless(error.code)) await othersFirst()
        answerError(http, server.errorOf(parseError(error)))
      }
    },
    close() {
      endEnded()
      for (const exchange of parts.running) exchange.withdraw()
      sessions.close()
    },
  }
}

/** A body that is sent for longer may outlast the access of whoever sends it: they are asked once more. */
const SLOW_BODY_MS = 50

function answerWithoutBody(parts: HttpParts, asking: Asking): void {
  const { http } = asking
  switch (http.method) {
    case 'GET':
      return openAnnouncements(parts, findSession(parts, asking), asking)
    case 'DELETE':
      parts.sessions.remove(findSession(parts, asking).session.id)
      return http.answer(204, {})
    default:
      throw new RpcError(FAULTS.method_not_allowed.rpc, 'The MCP endpoint takes POST, GET and DELETE.', { status: 405 })
  }
}

/** Which era a message is of shows in itself; the header only has to agree (SEP-2575). */
function post(parts: HttpParts, asking: Asking, text: string): void {
  const body = readJsonText(text, 'The body')
  if (Array.isArray(body)) return postBatch(findSession(parts, asking), asking, body, text)
  const message = readMessage(body, text)
  const { http } = asking
  if (message.kind === 'invalid') return answerError(http, invalidRequest(message.why), message.id)
  const named = http.header('mcp-protocol-version')
  const posted: Posted = { ...asking, message, text }
  const refuse = (error: unknown): void =>
    answerError(http, parts.server.errorOf(error), message.kind === 'request' ? message.exactId : undefined)
  try {
    const claim = 'params' in message ? claimedRevision(message.params) : undefined
    if (opensSession(message, claim)) void initialize(parts, { ...posted, message }, named).catch(refuse)
    else if (claim !== undefined || isModern(named)) postModern(parts, posted)
    else postLegacy(parts, posted)
  } catch (error) {
    refuse(error)
  }
}

const opensSession = (message: Message, claim: unknown): message is Request =>
  message.kind === 'request' && message.method === 'initialize' && !isModern(claim)

/** What is malformed before it is a message has a number of JSON-RPC's own. */
function parseError(error: unknown): unknown {
  if (!(error instanceof Fault) || error.code !== 'invalid_request') return error
  return new RpcError(RPC.parseError, `Parse error: ${error.message}`, { status: 400 })
}
