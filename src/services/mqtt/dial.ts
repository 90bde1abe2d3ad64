import type { Clock } from '../../kernel/clock.ts'
import { Fault } from '../../kernel/fault.ts'
import type { Broker } from '../../kernel/ports.ts'
import { connectFault } from './connect-fault.ts'
import type { Connection, TlsMaterial } from './connection.ts'
import { addressOf, parseConnectionString, type Target } from './connection-string.ts'
import { ClosedEarly, openConnection } from './open-connection.ts'
import type { SessionRules } from './guard/session-rules.ts'
import { isVersionRefusal } from './reason-codes.ts'

/** What a session must remember to connect again. It holds secrets: stored sealed, opened to dial. */
export interface ConnectionSpec {
  /** `own`: the hub's broker, whose address and login may change from start to start. */
  readonly broker: 'own' | Target
  /** `auto` tries 5 and falls back to 3.1.1. */
  readonly protocol: 'auto' | '5' | '3.1.1'
  readonly clientId: string
  readonly keepAliveSeconds: number
  readonly connectTimeoutMs: number
  readonly tls: TlsMaterial
  /** Absent in sessions of before there was an index: they have one. */
  readonly isIndexed?: boolean
  /** Absent in sessions older than rules: the default ones hold. */
  readonly rules?: SessionRules
}

/** Opens a connection for a spec; `clientId` replaces the spec's. Throws Fault. */
export type Dial = (spec: ConnectionSpec, signal: AbortSignal, clientId?: string) => Promise<Connection>

export function createDial(broker: Broker, clock: Clock): Dial {
  return async (spec, signal, clientId = spec.clientId) => {
    const target = spec.broker === 'own' ? ownTarget(broker) : spec.broker
    const address = addressOf(target)
    const late = new AbortController()
    const cancel = clock.after(spec.connectTimeoutMs, () => late.abort(noAnswer(address, spec.connectTimeoutMs)))
    const { keepAliveSeconds } = spec
    // What reaches the hub's own broker is in the hub's configuration; a caller can still say otherwise.
    const tls = spec.broker === 'own' ? { ...broker.tls, ...spec.tls } : spec.tls
    const attempt = (protocolVersion: 4 | 5) =>
      openConnection(
        { target, clientId, protocolVersion, keepAliveSeconds, tls },
        AbortSignal.any([signal, late.signal]),
      )
    try {
      if (spec.protocol !== 'auto') return await attempt(spec.protocol === '5' ? 5 : 4)
      return await attempt(5).catch((error: unknown) => {
        if (speaksOlder(error)) return attempt(4)
        throw error
      })
    } catch (error) {
      if (signal.aborted) throw signal.reason
      throw connectFault(error, { address, atOwnBroker: spec.broker !== 'own' && isAddressOf(target, broker) })
    } finally {
      cancel()
    }
  }
}

/** Brokers before MQTT 5 refuse the protocol level, or close or reset the connection without a word. */
function speaksOlder(error: unknown): boolean {
  if (error instanceof ClosedEarly) return true
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  return code === 'ECONNRESET' || (typeof code === 'number' && isVersionRefusal(code))
}

export function ownTarget(broker: Broker): Target {
  return { ...parseConnectionString(broker.url), ...broker.login('session') }
}

const LOOPBACK = new Set(['localhost', '127.0.0.1', '::1', '0.0.0.0'])

function isAddressOf(target: Target, broker: Broker): boolean {
  const urls = broker.webSocketUrl === undefined ? [broker.url] : [broker.url, broker.webSocketUrl]
  return urls.map(parseConnectionString).some(({ host, port }) => {
    const sameHost = host === target.host || (LOOPBACK.has(host) && LOOPBACK.has(target.host))
    return sameHost && port === target.port
  })
}

const noAnswer = (address: string, timeoutMs: number) =>
  new Fault('upstream_failed', `No connection to ${address}: no answer within ${timeoutMs / 1000} s.`, {
    hint: 'Check that an MQTT broker listens there and nothing in between holds it up; connect_timeout can be raised.',
  })
