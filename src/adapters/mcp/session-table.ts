import type { Caller } from '../../kernel/caller.ts'
import type { Clock } from '../../kernel/clock.ts'
import type { Events } from '../../kernel/events.ts'
import { Fault } from '../../kernel/fault.ts'
import { createEventStream, type EventStream } from './event-stream.ts'
import { notificationMessage } from '../../kernel/mcp/message.ts'
import { since } from '../../kernel/mcp/protocol.ts'
import type { Session } from './session.ts'

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
  add(session: Session): HttpSession
  /** Only its own caller finds a session; finding it counts as use. */
  find(id: string, caller: Caller): HttpSession | undefined
  remove(id: string): void
  readonly size: number
  close(): void
}

interface Place extends HttpSession {
  usedAtMs: number
}

export interface SessionTableOptions {
  clock: Clock
  events: Events
  most: number
  idleMs: number
}

export function createSessionTable({ clock, events, most, idleMs }: SessionTableOptions): SessionTable {
  const places = new Map<string, Place>()
  const isIdle = (place: Place, forMs: number) =>
    !place.announcements.isConnected() && clock.monotonic() - place.usedAtMs > forMs
  const remove = (id: string) => {
    const place = places.get(id)
    places.delete(id)
    place?.session.close()
    place?.announcements.end()
  }
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
    if (!oldest)
      throw new Fault('unavailable', `All ${most} MCP sessions are in use.`, {
        hint: 'Close one, or raise limits.mcpSessions.',
        retryAfterMs: 60_000,
      })
    remove(oldest[0])
  }
  const sweepMs = Math.min(idleMs, 60_000)
  const sweep = () => {
    for (const [id, place] of places) if (isIdle(place, idleMs)) remove(id)
    stopSweep = clock.after(sweepMs, sweep)
  }
  let stopSweep = clock.after(sweepMs, sweep)
  const stopAnnouncing = events.on('tools.changed', () => {
    for (const { announcements } of places.values())
      announcements.push(notificationMessage('notifications/tools/list_changed'))
  })

  return {
    add(session) {
      if (places.size >= most) makeRoom(session.caller)
      const place: Place = { ...createHttpSession(session, clock), usedAtMs: clock.monotonic() }
      places.set(session.id, place)
      return place
    },
    find(id, caller) {
      const place = places.get(id)
      if (place?.session.caller.id !== caller.id) return undefined
      place.usedAtMs = clock.monotonic()
      return place
    },
    remove,
    get size() {
      return places.size
    },
    close() {
      stopSweep()
      stopAnnouncing()
      for (const id of places.keys()) remove(id)
    },
  }
}

function createHttpSession(session: Session, clock: Clock): HttpSession {
  const replies = new Map<string, EventStream>()
  const primed = since(session.revision, '2025-11-25')
  const ended = new Set<string>()
  let count = 0
  const forget = (name: string | undefined) => {
    if (name === undefined || !ended.delete(name)) return
    replies.delete(name)
  }
  return {
    session,
    announcements: createEventStream({ clock, name: 'announcements', primed }),
    openReply() {
      const name = `reply${++count}`
      const stream = createEventStream({ clock, name, primed })
      const reply: EventStream = {
        push: (message) => stream.push(message),
        connect: (after) => {
          replies.set(name, reply)
          return stream.connect(after)
        },
        end() {
          stream.end()
          ended.add(name)
          clock.after(KEEP_REPLY_MS, () => forget(name))
          if (ended.size > MOST_KEPT_REPLIES) forget(ended.values().next().value)
        },
        isConnected: () => stream.isConnected(),
      }
      return reply
    },
    replyStream: (name) => replies.get(name),
  }
}
