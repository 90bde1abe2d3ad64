import { randomUUID } from 'node:crypto'
import type { Caller } from '../../kernel/caller.ts'
import { RpcError } from '../../kernel/mcp/message.ts'
import { RPC } from '../../kernel/mcp/protocol.ts'
import { isSameHolder } from '../../kernel/same-holder.ts'
import { createChannel, type Channel } from './channel.ts'
import { EventStream } from './event-stream.ts'
import { answerAccepted, answerError } from './http-error.ts'
import type { HttpExchange } from './http-exchange.ts'
import type { McpHttpOptions } from './http.ts'
import { serveStream } from './reply.ts'

/** The two endpoints of HTTP+SSE, the transport of 2024-11-05 (deprecated since 2025-03-26, still spoken). */
export interface OldSse {
  /** GET: a stream whose first event names where to POST. */
  open(http: HttpExchange, profile?: string): Promise<void>
  /** POST: one message; its answer comes on the stream. */
  post(http: HttpExchange): Promise<void>
  close(): void
}

export interface OldSseOptions extends Pick<McpHttpOptions, 'server' | 'mostSessions'> {
  /** Path of the POST endpoint. */
  readonly postPath: string
}

interface Place {
  readonly channel: Channel
  readonly caller: Caller
  readonly stream: EventStream
  /** Ends it for good. */
  end(): void
  /** Lets go of the token that it lasts with. */
  release(): void
}

export function createOldSse({ server, mostSessions, postPath }: OldSseOptions): OldSse {
  const places = new Map<string, Place>()

  const forget = (id: string) => {
    places.get(id)?.release()
    places.delete(id)
  }

  const begin = async (http: HttpExchange, profile: string | undefined) => {
    const caller = await http.authenticate()
    if (places.size >= mostSessions) {
      server.refusals.note('mcp_sessions', caller.id)
      throw new RpcError(RPC.invalidRequest, 'Too many open sessions.', { status: 503 })
    }
    // Before there is anything that it would have to be taken back from.
    const giveBack = server.streams.take(caller)
    try {
      serveStream(http, place(caller, profile), undefined, giveBack)
    } catch (error) {
      giveBack()
      throw error
    }
  }

  /** A channel and its stream. Throws Fault `not_found` for a profile that does not exist. */
  const place = (caller: Caller, profile: string | undefined): EventStream => {
    const id = randomUUID()
    const onLeave = () => {
      places.get(id)?.channel.close()
      forget(id)
    }
    const end = () => {
      const place = places.get(id)
      forget(id)
      place?.channel.close()
      place?.stream.end()
    }
    const opening = `event: endpoint\ndata: ${postPath}?session=${id}`
    const stream = new EventStream({ clock: server.clock, onLeave, opening })
    const channel = createChannel({
      server,
      caller,
      ...(profile !== undefined && { profile }),
      send: (text) => stream.push(text),
    })
    places.set(id, { channel, caller, stream, end, release: server.tenure.hold(caller, end) })
    return stream
  }

  const receive = async (http: HttpExchange) => {
    const caller = await http.authenticate()
    const id = http.query('session') ?? ''
    const place = places.get(id)
    if (!place || !isSameHolder(place.caller, caller)) throw notFound()
    // It lasts as long as the token that was shown last.
    place.release()
    place.release = server.tenure.hold(caller, place.end)
    const text = (await http.body()) ?? ''
    // It may have ended while the body came.
    if (places.get(id) !== place) throw notFound()
    place.channel.receive(text, caller)
    answerAccepted(http)
  }

  return {
    open: (http, profile) => begin(http, profile).catch((error: unknown) => answerError(http, server.errorOf(error))),
    post: (http) => receive(http).catch((error: unknown) => answerError(http, server.errorOf(error))),
    close() {
      for (const { end } of places.values()) end()
    },
  }
}

const notFound = () =>
  new RpcError(RPC.sessionNotFound, 'Session not found: its event stream is closed.', { status: 404 })
