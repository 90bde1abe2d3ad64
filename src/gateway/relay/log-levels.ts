import type { EventMap } from '../../kernel/events.ts'
import type { Log } from '../../kernel/log.ts'
import { LOG_LEVELS, MODERN_REVISION, type LogLevel } from '../../kernel/mcp/protocol.ts'
import type { Connection } from '../connection/connection.ts'

/** Tells a server of before 2026-07-28 from which level on to send log messages. One that refuses goes on as it did. */
export async function setLevel(connection: Connection, level: LogLevel, signal: AbortSignal, log: Log): Promise<void> {
  if (connection.revision === MODERN_REVISION || !('logging' in connection.capabilities)) return
  const params = JSON.stringify({ level })
  try {
    await connection.request({ method: 'logging/setLevel', params: () => params, signal })
  } catch (error) {
    log.debug('the log level was not set', { error })
  }
}

/** The level of a connection that clients share: the lowest that one of them asked for. Each gets what it asked for. */
export class SharedLogLevel {
  readonly #bySession = new Map<string, LogLevel>()
  readonly #signal: AbortSignal
  readonly #log: Log
  #ofRequests: LogLevel | undefined
  #connection: Connection | undefined
  #sent: LogLevel | undefined

  constructor(signal: AbortSignal, log: Log) {
    this.#signal = signal
    this.#log = log
  }

  /** The server was started again and knows nothing of it. */
  begin(connection: Connection): void {
    this.#connection = connection
    this.#sent = undefined
    this.#send()
  }

  changed({ session, change }: EventMap['mcp.session']): void {
    if (change === 'closed' || session.logLevel === undefined) this.#bySession.delete(session.id)
    else this.#bySession.set(session.id, session.logLevel)
    this.#send()
  }

  /** A client of 2026-07-28 says it in each request; the lowest stays. */
  wanted(level: LogLevel): void {
    if (this.#ofRequests === level) return
    this.#ofRequests = lowest([level, ...(this.#ofRequests === undefined ? [] : [this.#ofRequests])])
    this.#send()
  }

  #send(): void {
    const level = lowest([...this.#bySession.values(), ...(this.#ofRequests === undefined ? [] : [this.#ofRequests])])
    if (this.#connection === undefined || level === undefined || level === this.#sent) return
    this.#sent = level
    void setLevel(this.#connection, level, this.#signal, this.#log)
  }
}

function lowest(levels: readonly LogLevel[]): LogLevel | undefined {
  return LOG_LEVELS.find((level) => levels.includes(level))
}
