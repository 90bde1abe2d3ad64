import type { Caller } from '../../kernel/caller.ts'
import type { Clock } from '../../kernel/clock.ts'
import { Fault } from '../../kernel/fault.ts'
import type { Params } from '../../kernel/mcp/message.ts'
import { since } from '../../kernel/mcp/protocol.ts'
import { isSameHolder } from '../../kernel/same-holder.ts'
import { accessEnded, concerns } from '../../kernel/tenure.ts'
import { EventStream } from './event-stream.ts'
import type { McpServer } from './server.ts'
import { negotiate, Session } from './session.ts'
import type { View } from './view.ts'

/** Name of the stream of GET, beside those of replies. */
export const ANNOUNCEMENTS = 'announcements'
/** How long the events of a reply are kept for a reader that lost its connection. */
const KEEP_REPLY_MS = 60_000
/** Replies of one session that are kept after their end. */
const MOST_KEPT_REPLIES = 16

/** A session over Streamable HTTP, with what lives between its requests. */
export interface HttpSession {
  readonly session: Session
  /** The stream of GET: what concerns no request. */
  readonly announcements: EventStream
  /** A stream for the reply to a POST; a reader can come back to it. */
  openReply(): EventStream
  /** The stream of that name, for a reader that comes back. */
  replyStream(name: string): EventStream | undefined
}

export interface SessionTable {
  /** Throws Fault `unavailable` when all places are taken by sessions in use. */
  open(view: View, caller: Caller, params: Params): HttpSession
  /**
   * Only who opened it finds a session, with the same credential that may no less; finding it counts as use, at that moment of the
   * monotonic clock.
   */
  find(id: string, caller: Caller, nowMs: number): HttpSession | undefined
  remove(id: string): void
  close(): void
}

interface Place extends HttpSession {
  usedAtMs: number
  /** When the token ends that was shown last, wall-clock milliseconds: what is open then was opened with it or an older one. */
  untilMs: number
}

const untilOf = ({ expiresMs = Number.POSITIVE_INFINITY }: Caller): number => expiresMs

export interface SessionTableOptions {
  server: McpServer
  most: number
  /** Of one caller. */
  mostOfOne: number
  idleMs: number
}

export function createSessionTable({ server, most, mostOfOne, idleMs }: SessionTableOptions): SessionTable {
  const { clock } = server
  const places = new Map<string, Place>()
  const isIdle = (place: Place, forMs: number) =>
    !place.announcements.isConnected && clock.monotonic() - place.usedAtMs > forMs
  const remove = (id: string, why?: Fault) => {
    const place = places.get(id)
    places.delete(id)
    place?.session.close(why)
    place?.announcements.end()
  }
  const endEnded = server.events.on('access.ended', (ended) => {
    for (const [id, { session }] of places) if (concerns(ended, session.caller)) remove(id, accessEnded())
  })
  /**
   * The one unused for longest makes room, unless it was in use within the last minute; then one of a caller that has
   * most of the places, so that nobody can take them all.
   */
  const makeRoom = (caller: Caller) => {
    const byUse = [...places].sort(([, a], [, b]) => a.usedAtMs - b.usedAtMs)
    const ofCaller = Map.groupBy(byUse, ([, { session }]) => session.caller.id)
    const isGreedy = ({ session: { caller: other } }: Place) =>
      other.id !== caller.id && (ofCaller.get(other.id)?.length ?? 0) > most / 2
    const oldest =
      byUse.find(([, place]) => isIdle(place, 60_000)) ??
      byUse.find(([, place]) => isIdle(place, -1) && isGreedy(place))
    if (!oldest) {
      server.refusals.note('mcp_sessions', caller.id)
      throw new Fault('unavailable', `All ${most} MCP sessions are in use.`, {
        hint: 'Close one, or raise limits.mcpSessions.',
        retryAfterMs: 60_000,
      })
    }
    remove(oldest[0])
  }
  /** Whoever opens sessions and never ends them loses their own, the one unused for longest first. */
  const keepToShare = ({ id, name }: Caller) => {
    const own = [...places].filter(([, { session }]) => session.caller.id === id)
    if (own.length < mostOfOne) return
    const [oldest] = own.filter(([, place]) => isIdle(place, -1)).sort(([, a], [, b]) => a.usedAtMs - b.usedAtMs)
    server.refusals.note('mcp_sessions_per_caller', id)
    if (!oldest)
      throw new Fault('rate_limited', `${name} has ${own.length} MCP sessions in use.`, {
        hint: 'Close one, or raise limits.mcpSessionsPerCaller.',
        retryAfterMs: 60_000,
      })
    remove(oldest[0])
  }
  const sweepMs = Math.min(idleMs, 60_000)
  const sweep = () => {
    for (const [id, place] of places) {
      if (isIdle(place, idleMs)) remove(id)
      // The session goes on with the next token; its stream is opened anew with that.
      else if (place.untilMs <= clock.now()) place.announcements.letGo()
    }
    stopSweep = clock.after(sweepMs, sweep)
  }
  let stopSweep = clock.after(sweepMs, sweep)

  return {
    open(view, caller, params) {
      keepToShare(caller)
      if (places.size >= most) makeRoom(caller)
      const primed = since(negotiate(params), '2025-11-25')
      const announcements = new EventStream({ clock, name: ANNOUNCEMENTS, primed })
      const session = new Session({ server, view, caller, params, send: (text) => announcements.push(text) })
      const place = {
        session,
        announcements,
        ...createReplies(clock, primed),
        usedAtMs: clock.monotonic(),
        untilMs: untilOf(caller),
      }
      places.set(session.id, place)
      return place
    },
    find(id, caller, nowMs) {
      const place = places.get(id)
      if (!place || !isSameHolder(place.session.caller, caller)) return undefined
      place.usedAtMs = nowMs
      place.untilMs = untilOf(caller)
      return place
    },
    remove: (id) => remove(id),
    close() {
      stopSweep()
      endEnded()
      for (const id of places.keys()) remove(id)
    },
  }
}

/** The streams of replies, kept for a while after their end. */
function createReplies(clock: Clock, primed: boolean): Pick<HttpSession, 'openReply' | 'replyStream'> {
  const streams = new Map<string, EventStream>()
  const ended = new Set<string>()
  let count = 0
  const forget = (name: string | undefined) => {
    if (name !== undefined && ended.delete(name)) streams.delete(name)
  }
  return {
    openReply() {
      const name = `reply${++count}`
      const onEnd = () => {
        ended.add(name)
        clock.after(KEEP_REPLY_MS, () => forget(name))
        if (ended.size > MOST_KEPT_REPLIES) forget(ended.values().next().value)
      }
      const stream = new EventStream({ clock, name, primed, onEnd })
      streams.set(name, stream)
      return stream
    },
    replyStream: (name) => streams.get(name),
  }
}
