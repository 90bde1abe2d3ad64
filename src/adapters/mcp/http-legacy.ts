import type { Caller } from '../../kernel/caller.ts'
import { FAULTS } from '../../kernel/fault.ts'
import { readEventId, SSE_HEADERS } from './event-stream.ts'
import { accepted, challengeOf } from './http-error.ts'
import {
  batchTooLarge,
  invalidRequest,
  readMessage,
  RpcError,
  type Message,
  type Outgoing,
  type Request,
} from '../../kernel/mcp/message.ts'
import { headerMismatch, isModern, unsupportedRevision } from './modern.ts'
import { isLegacyRevision, MOST_IN_BATCH, RPC } from '../../kernel/mcp/protocol.ts'
import { createReply, jsonResponse } from './reply.ts'
import type { HttpParts, HttpRequest } from './http-parts.ts'
import { createSession, negotiate } from './session.ts'
import type { HttpSession } from './session-table.ts'

export async function initialize(
  parts: HttpParts,
  caller: Caller,
  request: Request,
  named: string | undefined,
): Promise<Response> {
  if (named !== undefined && isModern(named)) throw headerMismatch('MCP-Protocol-Version', named, 'initialize')
  const { session } = parts.sessions.add(createSession(parts.server, caller, negotiate(request.params)))
  const answer = await session.answer(request, () => {})
  return jsonResponse(answer, 200, { 'mcp-session-id': session.id })
}

export async function postLegacy(
  parts: HttpParts,
  http: HttpRequest,
  caller: Caller,
  message: Message,
): Promise<Response> {
  const place = findSession(parts, http, caller)
  if (message.kind === 'notification') place.session.notice(message)
  if (message.kind !== 'request') return accepted()
  const reply = createReply(parts.server.clock, place.openReply())
  const notify = (method: string, params: object) => reply.send({ jsonrpc: '2.0', method, params })
  // A client that loses its connection has not cancelled: it may come back for the answer.
  void place.session.answer(message, notify).then((answer) => {
    const status = statusOf(answer)
    reply.finish(answer, status, status === FAULTS.forbidden.status ? challenge(answer) : {})
  })
  return await reply.response
}

/** Batches: revision 2025-03-26 has them, later ones took them back. Answers come on one stream, as they are ready. */
export async function postBatch(place: HttpSession, body: readonly unknown[]): Promise<Response> {
  const { session } = place
  if (session.revision > '2025-03-26') throw invalidRequest(`revision ${session.revision} has no batches`)
  if (body.length > MOST_IN_BATCH) throw batchTooLarge()
  const messages = body.map(readMessage)
  if (messages.length === 0 || messages.some(({ kind }) => kind === 'invalid'))
    throw invalidRequest('a batch is a list of JSON-RPC messages')
  for (const message of messages) if (message.kind === 'notification') session.notice(message)
  const requests = messages.filter((message) => message.kind === 'request')
  if (requests.length === 0) return accepted()
  const stream = place.openReply()
  const notify = (method: string, params: object) => stream.push({ jsonrpc: '2.0', method, params })
  const response = new Response(stream.connect(), { headers: SSE_HEADERS })
  void Promise.all(
    requests.map(async (request) => {
      const answer = await session.answer(request, notify)
      if (answer) stream.push(answer)
    }),
  ).then(() => stream.end())
  return response
}

export function openAnnouncements(place: HttpSession, http: HttpRequest): Response {
  if (!(http.header('accept') ?? '').includes('text/event-stream'))
    throw new RpcError(RPC.invalidRequest, 'GET opens an event stream: accept text/event-stream.', { status: 406 })
  const last = http.header('last-event-id')
  const position = last === undefined ? undefined : readEventId(last)
  const stream = (position && place.replyStream(position.name)) ?? place.announcements
  return new Response(stream.connect(position?.number), { headers: SSE_HEADERS })
}

export function findSession(parts: HttpParts, http: HttpRequest, caller: Caller): HttpSession {
  const named = http.header('mcp-protocol-version')
  if (named !== undefined && !isLegacyRevision(named) && !isModern(named)) throw unsupportedRevision(named)
  const id = http.header('mcp-session-id')
  if (id === undefined) {
    if (http.method !== 'POST')
      throw new RpcError(FAULTS.method_not_allowed.rpc, 'Without a session the MCP endpoint takes POST only.', {
        status: 405,
      })
    throw invalidRequest('begin with initialize and send its Mcp-Session-Id, or send _meta as of 2026-07-28')
  }
  const place = parts.sessions.find(id, caller)
  if (place) return place
  throw new RpcError(RPC.sessionNotFound, 'Session not found: it ended or is not yours. Initialize a new one.', {
    status: 404,
  })
}

const statusOf = (answer: Outgoing | undefined): number => {
  const error = answer?.['error'] as { code: number } | undefined
  return error?.code === FAULTS.forbidden.rpc ? FAULTS.forbidden.status : 200
}

const challenge = (answer: Outgoing | undefined) => {
  const error = answer?.['error'] as { message: string; data?: unknown } | undefined
  return challengeOf(new RpcError(FAULTS.forbidden.rpc, error?.message ?? '', { data: error?.data, status: 403 }))
}
