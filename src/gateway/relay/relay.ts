import type { EventMap } from '../../kernel/events.ts'
import { Fault } from '../../kernel/fault.ts'
import type { Peer } from '../../kernel/mcp/peer.ts'
import { MODERN_REVISION } from '../../kernel/mcp/protocol.ts'
import { RelayedResult } from '../../kernel/mcp/relayed.ts'
import type { Connection } from '../connection/connection.ts'
import { createExchange } from './exchange.ts'
import { Leases } from './leases.ts'
import { Line } from './line.ts'
import { Listening } from './listening.ts'
import { SharedLogLevel } from './log-levels.ts'
import { resume, returnedState } from './modern-to-legacy.ts'
import { News } from './news.ts'
import { identityOf } from './params.ts'
import { Parking } from './parking.ts'
import { invalidParams } from './refusals.ts'
import type { Relay, RelayOptions } from './relay-options.ts'
import { Settled } from './settled.ts'
import type { Asked } from './running-call.ts'

const NO_HEADERS = {}
/** Gone in 2026-07-28, whose servers are asked by `subscriptions/listen` instead. */
const WATCHING: ReadonlySet<string> = new Set(['resources/subscribe', 'resources/unsubscribe'])

/** After these the server may keep something for the session that made them. */
const STATEFUL: ReadonlySet<string> = new Set(['tools/call', 'resources/subscribe'])

/** Joins one server to every client of the hub. `close` ends what it began. */
export function createRelay(options: RelayOptions): Relay {
  const { name, clock, log, events, hubFace, secrets } = options
  const closing = new AbortController()
  const news = new News(options)
  const settled = new Settled()
  const lineOptions = { ...options, news, settled }
  const line = new Line({ is: 'everybody' }, lineOptions)
  const parking = new Parking(options)
  const hubIdentity = identityOf({ clientInfo: hubFace.clientInfo, capabilities: {} })
  const exchange = createExchange({ name, clock, parking, secrets, hubIdentity })
  const leases = new Leases({ ...lineOptions, signal: closing.signal })
  const onGap = () => options.onGap?.()
  const listening = new Listening({
    name,
    clock,
    log,
    news,
    identity: hubIdentity,
    signal: closing.signal,
    onGap,
  })
  const level = new SharedLogLevel(closing.signal, log)
  let known: Connection | undefined

  const begin = (connection: Connection) => {
    if (connection === known) return
    known = connection
    line.begin()
    level.begin(connection)
    listening.begin(connection)
  }

  const onShared = (connection: Connection, asked: Asked): Promise<RelayedResult> => {
    begin(connection)
    const { peer } = asked.context
    if (WATCHING.has(asked.method)) return onWatch(connection, asked)
    if (peer === undefined) return exchange({ line, connection }, asked)
    if (peer.revision === MODERN_REVISION && connection.revision !== MODERN_REVISION) {
      if (returnedState(asked.method, asked.params) !== undefined) return resume(asked, { name, clock, parking })
      if (peer.logLevel !== undefined) level.wanted(peer.logLevel)
    }
    if (leases.wanted(peer, connection)) return onLease(peer, asked)
    if (peer.session && STATEFUL.has(asked.method)) settled.add(peer.session, connection)
    return exchange({ line, connection }, asked)
  }

  /**
   * One subscription serves all clients that want to hear of a resource, so it is the shared connection's; a client with
   * a connection of its own hears by that.
   */
  const onWatch = async (connection: Connection, asked: Asked): Promise<RelayedResult> => {
    const { uri } = JSON.parse(asked.params) as { uri?: unknown }
    if (typeof uri !== 'string') throw invalidParams(name, 'uri must be a string')
    const subscribes = asked.method === 'resources/subscribe'
    const { peer } = asked.context
    if (peer && leases.wanted(peer, connection)) return await onLease(peer, asked, subscribes)
    if (connection.revision !== MODERN_REVISION) {
      const result = await exchange({ line, connection }, asked)
      listening.keep(uri, subscribes)
      return result
    }
    await (subscribes ? listening.subscribe(uri) : listening.unsubscribe(uri))
    return new RelayedResult('{}')
  }

  const onLease = async (peer: Peer, asked: Asked, keeps = false): Promise<RelayedResult> => {
    const { lease, connection } = await leases.take(peer, asked.context)
    if (keeps) leases.keep(lease)
    try {
      return await exchange({ line: lease.line, connection }, asked)
    } finally {
      leases.put(lease)
    }
  }

  const changed = async ({ session, change }: EventMap['mcp.session']): Promise<void> => {
    level.changed({ session, change })
    if (change === 'level') await leases.levelChanged(session)
    if (change === 'roots') await leases.rootsChanged(session)
    if (change === 'closed') await leases.closed(session)
  }
  const forget = events.on('mcp.session', (event) => {
    changed(event).catch((error: unknown) => log.debug('a session could not be followed', { error }))
  })

  return {
    request(method, params, context, headers = NO_HEADERS) {
      const asked = { method, params, context, headers }
      // No `async`: most calls find the connection ready, and each wait costs them.
      try {
        const ready = options.shared(context.signal)
        return ready instanceof Promise
          ? ready.then((connection) => onShared(connection, asked))
          : onShared(ready, asked)
      } catch (error) {
        return Promise.reject(error)
      }
    },
    begin,
    sharedHandlers: { onNotification: line.onNotification, onRequest: line.onRequest, onGap },
    holds: (method, params) => parking.holds(returnedState(method, params)),
    leases: () => leases.size,
    async close() {
      forget()
      const reason = new Fault('unavailable', `The hub closed its connections to ${name}.`, {
        details: { provider: name },
      })
      closing.abort(reason)
      parking.close(reason)
      await leases.close()
    },
  }
}
