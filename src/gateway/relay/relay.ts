import type { EventMap } from '../../kernel/events.ts'
import { hubStopping } from '../../kernel/fault.ts'
import type { Peer } from '../../kernel/mcp/peer.ts'
import { MODERN_REVISION } from '../../kernel/mcp/protocol.ts'
import type { RelayedResult } from '../../kernel/mcp/relayed.ts'
import type { Connection } from '../connection/connection.ts'
import { createExchange } from './exchange.ts'
import { Leases } from './leases.ts'
import { Line } from './line.ts'
import { SharedLogLevel } from './log-levels.ts'
import { resume, returnedState } from './modern-to-legacy.ts'
import { News } from './news.ts'
import { Parking } from './parking.ts'
import type { Relay, RelayOptions } from './relay-options.ts'
import type { Asked } from './running-call.ts'

const NO_HEADERS = {}

/** Joins one server to every client of the hub. `close` ends what it began. */
export function createRelay(options: RelayOptions): Relay {
  const { name, clock, log, events, hubFace } = options
  const closing = new AbortController()
  const lineOptions = { ...options, news: new News(options) }
  const line = new Line({ is: 'everybody' }, lineOptions)
  const parking = new Parking(options)
  const exchange = createExchange({ name, clock, parking, hubFace })
  const leases = new Leases({ ...lineOptions, signal: closing.signal })
  const level = new SharedLogLevel(closing.signal, log)
  let known: Connection | undefined

  const begin = (connection: Connection) => {
    known = connection
    line.begin()
    level.begin(connection)
  }

  const onShared = (connection: Connection, asked: Asked): Promise<RelayedResult> => {
    if (connection !== known) begin(connection)
    const { peer } = asked.context
    if (peer === undefined) return exchange({ line, connection }, asked)
    if (peer.revision === MODERN_REVISION && connection.revision !== MODERN_REVISION) {
      if (returnedState(asked.method, asked.params) !== undefined) return resume(asked, { name, clock, parking })
      if (peer.logLevel !== undefined) level.wanted(peer.logLevel)
    }
    return leases.wanted(peer, connection) ? onLease(peer, asked) : exchange({ line, connection }, asked)
  }

  const onLease = async (peer: Peer, asked: Asked): Promise<RelayedResult> => {
    const { lease, connection } = await leases.take(peer, asked.context)
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
    sharedHandlers: { onNotification: line.onNotification, onRequest: line.onRequest },
    holds: (method, params) => parking.holds(returnedState(method, params)),
    leases: () => leases.size,
    async close() {
      forget()
      closing.abort(hubStopping())
      parking.close(hubStopping())
      await leases.close()
    },
  }
}
