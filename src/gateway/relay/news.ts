import type { Events } from '../../kernel/events.ts'
import type { ClientSession, Peer } from '../../kernel/mcp/peer.ts'
import { atLeast, isLogLevel, META, type LogLevel } from '../../kernel/mcp/protocol.ts'
import { readMembers, withoutMeta, writeMembers, type JsonText } from '../../kernel/mcp/raw.ts'
import type { CallContext, Progress } from '../../kernel/tool.ts'
import type { ServerNotification } from '../connection/connection.ts'
import { mayHold } from './params.ts'
import type { ListKind, RelayOptions } from './relay-options.ts'
import type { RunningCall } from './running-call.ts'

/** Whose connection something came by. */
export type Owner =
  | { readonly is: 'everybody' }
  | { readonly is: 'session'; readonly session: ClientSession }
  /** A client of 2026-07-28, for the length of a call. */
  | { readonly is: 'caller' }

const LIST_CHANGED: ReadonlyMap<string, ListKind> = new Map([
  ['notifications/tools/list_changed', 'tools'],
  ['notifications/prompts/list_changed', 'prompts'],
  ['notifications/resources/list_changed', 'resources'],
])

type NewsOptions = Pick<RelayOptions, 'name' | 'person' | 'onListChanged' | 'onResourceUpdated'> & {
  readonly events: Events
}

/** Kept for a client that is away: more is a server that goes on without its answer. */
const MOST_MISSED = 200

/** Takes what the server says without being asked to whom it concerns. */
export class News {
  readonly #options: NewsOptions

  constructor(options: NewsOptions) {
    this.#options = options
  }

  /** What is known to belong to a call. */
  ofCall(call: RunningCall, notification: ServerNotification): void {
    const { context } = call
    if (this.#ofServer(notification)) return
    if (context === undefined) {
      if (call.missed.length < MOST_MISSED) call.missed.push(notification)
      return
    }
    if (context.signal.aborted) return
    const { method, params } = notification
    if (method === 'notifications/progress') return progress(call, context, params)
    const { peer } = context
    if (peer === undefined || !mayHear(peer, method)) return
    if (method !== 'notifications/message' || wantsLog(peer, params)) peer.notify(method, params)
  }

  /** What came by a connection with these calls, and nothing says to which of them it belongs. */
  ofConnection(calls: Iterable<RunningCall>, owner: Owner, notification: ServerNotification): void {
    if (this.#ofServer(notification)) return
    const { method, params } = notification
    // Its token belongs to no call, or to one that is over.
    if (method === 'notifications/progress') return
    if (method === 'notifications/message' && logged(calls, params)) return
    if (owner.is === 'session' && method === 'notifications/message') return tellLog(owner.session, params)
    if (owner.is === 'caller') return
    const { events, name, person } = this.#options
    events.emit('mcp.notified', {
      provider: name,
      method,
      params,
      ...(owner.is === 'session' && { session: owner.session.id }),
      ...(person !== undefined && { caller: person }),
    })
  }

  /** What concerns the server as a whole. */
  #ofServer({ method, params }: ServerNotification): boolean {
    const kind = LIST_CHANGED.get(method)
    if (kind !== undefined) {
      this.#options.onListChanged(kind)
      return true
    }
    if (method !== 'notifications/resources/updated') return false
    const { uri } = JSON.parse(params) as { uri?: unknown }
    if (typeof uri === 'string') {
      // The subscription that it came by is the hub's own.
      const isNamed = mayHold(params, META.subscription)
      this.#options.onResourceUpdated(uri, isNamed ? withoutMeta(params, META.subscription) : params)
    }
    return true
  }
}

/** It shows that the server is at work: the time limit begins anew, whether the client wants to see it or not. */
function progress({ token }: RunningCall, context: CallContext, params: JsonText): void {
  if (context.peer === undefined) return context.emit(progressOf(params))
  context.extend()
  if (token === undefined) return
  const members = readMembers(params).set('progressToken', token)
  context.peer.notify('notifications/progress', writeMembers(members))
}

function progressOf(params: JsonText): Progress {
  const { progress, total, message } = JSON.parse(params) as Record<string, unknown>
  return {
    progress: Number(progress),
    ...(typeof total === 'number' && { total }),
    ...(typeof message === 'string' && { message }),
  }
}

/** 2026-07-28 has no such notification any more (changelog, minor changes, 11). */
const mayHear = (peer: Peer, method: string) =>
  peer.session !== undefined || method !== 'notifications/elicitation/complete'

/** Up to 2025-11-25 a server sends what it likes until it is told a level; in 2026-07-28, nothing that was not asked for. */
function wantsLog({ logLevel, session }: Pick<Peer, 'logLevel' | 'session'>, params: JsonText): boolean {
  if (logLevel === undefined) return session !== undefined
  const level = levelOf(params)
  return level === undefined || atLeast(level, logLevel)
}

function levelOf(params: JsonText): LogLevel | undefined {
  const { level } = JSON.parse(params) as { level?: unknown }
  return isLogLevel(level) ? level : undefined
}

/**
 * A log message of one of these calls goes to all of them while they are one person's; nobody sees what may be about somebody
 * else's, sessions that call nothing no more than those that do. A session hears it once.
 */
function logged(calls: Iterable<RunningCall>, params: JsonText): boolean {
  let callerId: string | undefined
  for (const call of calls) {
    if (callerId !== undefined && callerId !== call.callerId) return true
    callerId = call.callerId
  }
  const told = new Set<ClientSession>()
  let heard = false
  for (const { context, session } of calls) {
    const peer = context?.peer
    if (peer === undefined || (session !== undefined && told.has(session))) continue
    if (session !== undefined) told.add(session)
    heard = true
    if (wantsLog(peer, params)) peer.notify('notifications/message', params)
  }
  return heard
}

function tellLog(session: ClientSession, params: JsonText): void {
  if (wantsLog({ logLevel: session.logLevel, session }, params)) session.notify('notifications/message', params)
}
