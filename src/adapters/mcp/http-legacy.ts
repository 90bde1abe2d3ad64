import { FAULTS } from '../../kernel/fault.ts'
import {
  batchTooLarge,
  invalidRequest,
  readMessage,
  RpcError,
  type Message,
  type Request,
} from '../../kernel/mcp/message.ts'
import { isLegacyRevision, MOST_IN_BATCH, RPC, since } from '../../kernel/mcp/protocol.ts'
import { readElements, type JsonText } from '../../kernel/mcp/raw.ts'
import { readEventId, type EventStream } from './event-stream.ts'
import { answerAccepted, challengeOf } from './http-error.ts'
import type { Asking, HttpParts, Posted } from './http-parts.ts'
import { headerMismatch, isModern, unsupportedRevision } from './modern.ts'
import { answerJson, Reply, serveStream } from './reply.ts'
import { ANNOUNCEMENTS, type HttpSession } from './session-table.ts'
import type { Answer } from './session.ts'

export async function initialize(parts: HttpParts, posted: Posted<Request>, named: string | undefined): Promise<void> {
  const { http, caller, view, message, text } = posted
  if (named !== undefined && isModern(named)) throw headerMismatch('MCP-Protocol-Version', named, 'initialize')
  // Before there is a session, which would take the place of another.
  parts.server.limit(caller, 'initialize')
  const { session } = parts.sessions.open(view, caller, message.params)
  const answer = await session.answer(message, text, { send: () => {} })
  answerJson(http, answer?.text ?? '', 200, { 'mcp-session-id': session.id })
}

export function postLegacy(parts: HttpParts, posted: Posted): void {
  const { http, caller, nowMs, message, text } = posted
  const place = findSession(parts, posted)
  take(place, message, text)
  if (message.kind !== 'request') return answerAccepted(http)
  const reply = new Reply(http, parts.patience, nowMs, () => place.openReply())
  const { session } = place
  // Before, a stream that ended early was an error.
  const back = since(session.revision, '2025-11-25') ? reply : withoutLetGo(reply)
  // A client that loses its connection has not cancelled: it may come back for the answer.
  void session.answer(message, text, back, caller).then((answer) => finish(answer, posted, reply))
}

const withoutLetGo = (reply: Reply): Pick<Reply, 'send'> => ({ send: (out) => reply.send(out) })

function finish(answer: Answer | undefined, { http, caller }: Posted, reply: Reply): void {
  const error = answer?.error
  if (error?.status === FAULTS.forbidden.status)
    reply.finish(answer?.text, error.status, challengeOf(error, http, caller))
  else reply.finish(answer?.text)
}

/** What is not a request asks for no answer. */
function take({ session }: HttpSession, message: Message, text: JsonText): void {
  if (message.kind === 'notification') session.notice(message)
  if (message.kind === 'response') session.receive(message, text)
}

/** Batches: revision 2025-03-26 has them, later ones took them back. Answers come on one stream, as they are ready. */
export function postBatch(
  place: HttpSession,
  { http, caller }: Asking,
  body: readonly unknown[],
  text: JsonText,
): void {
  const { session } = place
  if (session.revision > '2025-03-26') throw invalidRequest(`revision ${session.revision} has no batches`)
  if (body.length > MOST_IN_BATCH) throw batchTooLarge()
  const texts = readElements(text)
  const messages = body.map((value, index) => ({ message: readMessage(value, texts[index]), text: texts[index] ?? '' }))
  if (messages.length === 0 || messages.some(({ message }) => message.kind === 'invalid'))
    throw invalidRequest('a batch is a list of JSON-RPC messages')
  const answers: Promise<void>[] = []
  const stream = place.openReply()
  for (const one of messages) {
    take(place, one.message, one.text)
    if (one.message.kind !== 'request') continue
    const answer = session.answer(one.message, one.text, { send: (out) => stream.push(out) }, caller)
    answers.push(answer.then((out) => (out === undefined ? undefined : stream.push(out.text))))
  }
  if (answers.length === 0) return answerAccepted(http)
  serveStream(http, stream)
  void Promise.all(answers).then(() => stream.end())
}

export function openAnnouncements({ server }: HttpParts, place: HttpSession, { http, caller }: Asking): void {
  if (!(http.header('accept') ?? '').includes('text/event-stream'))
    throw new RpcError(RPC.invalidRequest, 'GET opens an event stream: accept text/event-stream.', { status: 406 })
  const last = http.header('last-event-id')
  const position = last === undefined ? undefined : readEventId(last)
  serveStream(http, streamOf(place, position?.name), position?.number, server.streams.take(caller))
}

/**
 * The stream that a reader comes back to. It must not get another in its place (2025-11-25, Streamable HTTP, "Resumability and
 * Redelivery"), and whoever reads that one would lose it. Not 404, which would end the session.
 */
function streamOf(place: HttpSession, name: string | undefined): EventStream {
  if (name === undefined || name === ANNOUNCEMENTS) return place.announcements
  const stream = place.replyStream(name)
  if (stream) return stream
  throw invalidRequest('the answer that was sent on this stream is not kept any more; send the request again')
}

export function findSession(parts: HttpParts, { http, caller, view, nowMs }: Asking): HttpSession {
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
  const place = parts.sessions.find(id, caller, nowMs)
  if (place && place.session.view.profile.name === view.profile.name) return place
  throw new RpcError(RPC.sessionNotFound, 'Session not found: it ended or is not yours. Initialize a new one.', {
    status: 404,
  })
}
