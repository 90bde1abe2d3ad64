import type { Clock } from '../../kernel/clock.ts'
import { Fault } from '../../kernel/fault.ts'
import type { Log } from '../../kernel/log.ts'
import { isObject, type Params } from '../../kernel/mcp/message.ts'
import { MODERN_REVISION, RPC } from '../../kernel/mcp/protocol.ts'
import type { JsonText } from '../../kernel/mcp/raw.ts'
import { RelayedError } from '../../kernel/mcp/relayed.ts'
import type { Connection, ServerNotification } from '../connection/connection.ts'
import { prepend } from './params.ts'
import type { News } from './news.ts'

/** How long a server may take to say what it agrees to. */
const ACKNOWLEDGE_MS = 10_000
/** Waits before a stream that ended is opened again. */
const FIRST_WAIT_MS = 1_000
const LONGEST_WAIT_MS = 60_000
/** A stream that lived as long as this was a good one: the next wait is short again. */
const GOOD_MS = 10_000

const NO_CALLS: ReadonlySet<never> = new Set()

export interface ListeningOptions {
  readonly name: string
  readonly clock: Clock
  readonly log: Log
  readonly news: News
  /** Members of `_meta`: who the hub is. */
  readonly identity: string
  /** Aborts when the relay closes. */
  readonly signal: AbortSignal
  /** Nobody listened for a while: what changed then was not reported. */
  onGap(): void
}

/**
 * What clients want to hear of a server, kept over its restarts. On a server of 2026-07-28 one `subscriptions/listen`
 * (patterns, "Subscriptions") hears it for all of them: its lists, and the resources that somebody subscribed to. A stream
 * has its filter for life: another filter is another stream, and the old one ends when the new one is agreed to, so that
 * nothing is missed between them.
 */
export class Listening {
  readonly #options: ListeningOptions
  readonly #uris = new Set<string>()
  #connection: Connection | undefined
  #stream: AbortController | undefined
  #opened: Promise<ReadonlySet<string>> = Promise.resolve(new Set())
  #next: Promise<ReadonlySet<string>> | undefined
  #waitMs = FIRST_WAIT_MS
  /** Monotonic milliseconds of the latest stream's beginning. */
  #openedAtMs = 0

  constructor(options: ListeningOptions) {
    this.#options = options
  }

  /** The server has a new connection, and knows nothing of what somebody wanted to hear. Its revision may be another. */
  begin(connection: Connection): void {
    const modern = connection.revision === MODERN_REVISION
    this.#connection = modern ? connection : undefined
    this.#stream = undefined
    this.#waitMs = FIRST_WAIT_MS
    if (modern) this.#reopen().catch((error: unknown) => this.#failed(error))
    else for (const uri of this.#uris) void this.#again(connection, uri)
  }

  /** A server of before was told itself; the next one has to be told again. */
  keep(uri: string, subscribed: boolean): void {
    if (subscribed) this.#uris.add(uri)
    else this.#uris.delete(uri)
  }

  /** Resolves when the server agreed to it. Throws Fault `conflict` when it did not, and what the request throws. */
  async subscribe(uri: string): Promise<void> {
    const isNew = !this.#uris.has(uri)
    this.#uris.add(uri)
    try {
      const agreed = await this.#reopen()
      if (agreed.has(uri)) return
      const { name } = this.#options
      throw new Fault('conflict', `${name} does not report changes of that resource.`, { details: { provider: name } })
    } catch (error) {
      // Somebody else may hear of it already.
      if (isNew) this.#uris.delete(uri)
      throw error
    }
  }

  async unsubscribe(uri: string): Promise<void> {
    if (this.#uris.delete(uri)) await this.#reopen()
  }

  async #again(connection: Connection, uri: string): Promise<void> {
    const { signal, log } = this.#options
    const params = JSON.stringify({ uri })
    try {
      await connection.request({ method: 'resources/subscribe', params: () => params, signal })
    } catch (error) {
      log.debug('a resource is not reported any more', { uri, error })
    }
  }

  /** After the one that is being opened; whoever wants another filter meanwhile shares the next. */
  #reopen(): Promise<ReadonlySet<string>> {
    return (this.#next ??= this.#opened
      .catch(() => undefined)
      .then(() => {
        this.#next = undefined
        return (this.#opened = this.#open())
      }))
  }

  async #open(): Promise<ReadonlySet<string>> {
    const connection = this.#connection
    const before = this.#stream
    const filter = connection && filterOf(connection.capabilities, this.#uris)
    if (!connection || !filter) {
      this.#stream = undefined
      before?.abort()
      return new Set()
    }
    const stream = new AbortController()
    const agreed = await this.#listen(connection, filter, stream)
    if (stream.signal.aborted) throw this.#endedAtOnce()
    this.#stream = stream
    this.#openedAtMs = this.#options.clock.monotonic()
    before?.abort()
    const uris = agreed['resourceSubscriptions']
    return new Set(Array.isArray(uris) ? uris.map(String) : [])
  }

  /** Resolves with what the server agreed to, while the stream goes on. */
  #listen(connection: Connection, filter: JsonText, stream: AbortController): Promise<Params> {
    const { clock, news, signal, identity, name } = this.#options
    const { promise, resolve, reject } = Promise.withResolvers<Params>()
    const late = () => {
      reject(new Fault('timeout', `${name} did not agree to report changes.`, { details: { provider: name } }))
      stream.abort()
    }
    const cancelLate = clock.after(ACKNOWLEDGE_MS, late)
    const heard = (notification: ServerNotification) => {
      const agreed = acknowledged(notification)
      if (agreed) resolve(agreed)
      else news.ofConnection(NO_CALLS, { is: 'everybody' }, notification)
    }
    const ended = (error?: unknown) => {
      reject(error ?? this.#endedAtOnce())
      if (this.#stream === stream) this.#failed(error)
      // It may have been agreed to in the same moment, and not be in use yet.
      stream.abort()
    }
    connection
      .request({
        method: 'subscriptions/listen',
        params: () => prepend(`{"notifications":${filter}}`, `"_meta":{${identity}}`),
        signal: AbortSignal.any([signal, stream.signal]),
        onNotification: heard,
      })
      .then(() => ended(), ended)
    return promise.finally(cancelLate)
  }

  /** It is opened again after a while, unless the server does not know it or is gone: its next connection begins anew. */
  #failed(error: unknown): void {
    const { clock, log, signal } = this.#options
    const connection = this.#connection
    if (this.#stream && clock.monotonic() - this.#openedAtMs >= GOOD_MS) this.#waitMs = FIRST_WAIT_MS
    this.#stream = undefined
    if (signal.aborted || (error instanceof RelayedError && error.error.code === RPC.methodNotFound)) return
    log.debug('changes are not reported for the moment', { error })
    const waitMs = this.#waitMs
    this.#waitMs = Math.min(waitMs * 2, LONGEST_WAIT_MS)
    clock.after(waitMs, () => {
      if (signal.aborted || this.#connection !== connection || this.#stream) return
      this.#reopen().then(
        () => this.#options.onGap(),
        (again: unknown) => this.#failed(again),
      )
    })
  }

  #endedAtOnce(): Fault {
    return new Fault(
      'upstream_failed',
      `${this.#options.name} ended the stream of changes as soon as it was asked for.`,
    )
  }
}

function acknowledged({ method, params }: ServerNotification): Params | undefined {
  if (method !== 'notifications/subscriptions/acknowledged') return undefined
  const { notifications } = JSON.parse(params) as { notifications?: unknown }
  return isObject(notifications) ? notifications : {}
}

/** Undefined: there is nothing to hear. */
function filterOf(capabilities: Params, uris: ReadonlySet<string>): JsonText | undefined {
  const filter: Record<string, unknown> = {}
  for (const list of ['tools', 'prompts', 'resources']) {
    const declared = capabilities[list]
    if (isObject(declared) && declared['listChanged'] === true) filter[`${list}ListChanged`] = true
  }
  if (uris.size > 0) filter['resourceSubscriptions'] = [...uris]
  return Object.keys(filter).length === 0 ? undefined : JSON.stringify(filter)
}
