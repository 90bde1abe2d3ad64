import type { Clock } from '../../kernel/clock.ts'
import { Fault } from '../../kernel/fault.ts'
import type { Broker, BrokerLogin } from '../../kernel/ports.ts'
import type { StatusReport } from '../../kernel/status.ts'
import { openConnection } from './connection.ts'
import { droppedMessages } from './dropped.ts'
import type { TlsMaterial } from './tls.ts'

export interface RemoteOptions {
  /** `mqtt[s]://[user:password@]host[:port]` or `ws[s]://…[/path]`. */
  readonly url: string
  readonly tls?: TlsMaterial
  /** For sessions of assistants. Absent: the login of the URL. */
  readonly session?: BrokerLogin
  /** Whether that broker's access list keeps the promises of `Broker.enforcesIdentity`: its owner must have seen to it. */
  readonly enforcesIdentity: boolean
  readonly clock: Clock
}

export interface RemoteBroker extends Broker {
  readonly kind: 'remote'
  readonly tls?: TlsMaterial
  /** Connects once to see how it is; `report` tells from then on, and looks again by itself. Never throws. */
  check(signal: AbortSignal): Promise<void>
  /** Ends a look that is under way. */
  stop(): Promise<void>
}

/** A report that is older than this makes the next one look anew. */
const STALE_MS = 10_000

const LOOK_TIMEOUT_MS = 5000

const SCHEMES = new Set(['mqtt:', 'mqtts:', 'ws:', 'wss:'])

/**
 * A broker that runs elsewhere. Nothing connects until something asks, so it may be down when the hub starts. Throws
 * Fault `invalid_input` when the URL is not one of a broker.
 */
export function remoteBroker({ url: text, tls, session, enforcesIdentity, clock }: RemoteOptions): RemoteBroker {
  const { url, login } = parseUrl(text)
  let report: StatusReport = { status: 'unknown', sinceMs: clock.now(), reason: 'nobody has asked for it yet' }
  const enter = (status: StatusReport['status'], reason?: string) => {
    if (report.status === status && report.reason === reason) return
    report = { status, sinceMs: clock.now(), ...(reason !== undefined && { reason }) }
  }
  const ending = new AbortController()
  let lookedMs = clock.monotonic()
  const check = async (signal: AbortSignal) => {
    lookedMs = clock.monotonic()
    try {
      const { client, version } = await openConnection(
        url,
        { ...login, ...tls },
        AbortSignal.any([signal, ending.signal]),
      )
      client.end(true)
      if (version === 5) enter('available')
      else enter('degraded', 'the broker speaks MQTT 3.1.1 only: requests over MQTT carry no properties')
    } catch (error) {
      enter('unavailable', error instanceof Error ? error.message : String(error))
    }
  }
  const isWebSocket = url.startsWith('ws')
  return {
    kind: 'remote',
    url,
    ...(isWebSocket && { webSocketUrl: url }),
    ...(tls && { tls }),
    login: (account) => (account === 'session' ? (session ?? login) : login),
    enforcesIdentity,
    dropped: () => droppedMessages(url, login, tls),
    report() {
      const isStale = clock.monotonic() - lookedMs > STALE_MS
      if (isStale && !ending.signal.aborted) void check(AbortSignal.timeout(LOOK_TIMEOUT_MS))
      return report
    },
    check,
    async stop() {
      ending.abort(new Fault('stopping', 'The hub is shutting down.'))
    },
  }
}

function parseUrl(text: string): { url: string; login: BrokerLogin | undefined } {
  const url = URL.parse(text)
  if (!url || !SCHEMES.has(url.protocol) || url.hostname === '')
    // The text itself may hold a password.
    throw new Fault('invalid_input', 'The URL of the broker is not valid.', {
      hint: 'It looks like mqtt://user:password@host:1883; mqtts, ws and wss work too.',
    })
  const { username, password } = url
  url.username = ''
  url.password = ''
  const plain = url.pathname === '/' ? url.href.replace(/\/$/, '') : url.href
  const login = { username: decodeURIComponent(username), password: decodeURIComponent(password) }
  return { url: plain, login: username === '' ? undefined : login }
}
