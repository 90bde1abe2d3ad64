import type { Clock } from '../../kernel/clock.ts'
import { Fault } from '../../kernel/fault.ts'
import type { Connection } from './connection.ts'

/** How a session's main connection is. */
export type LinkState =
  | { readonly is: 'idle' }
  | { readonly is: 'connecting'; readonly opening: Promise<Connection> }
  | { readonly is: 'connected'; readonly connection: Connection; readonly sinceMs: number }
  | { readonly is: 'lost'; readonly reason: string; readonly atMs: number }

/** The connections of one session: opened when they are needed, closed when they were idle for long. */
export interface Links {
  state(): LinkState
  /** Whether something runs on it now. */
  inUse(): boolean
  /** Runs a task on the main connection, which it shares. */
  use<T>(signal: AbortSignal, task: (connection: Connection) => Promise<T>): Promise<T>
  /**
   * Runs a task on a connection that carries no other subscription. Subscriptions that overlap on one connection get
   * one copy of a message or several, as the broker likes (MQTT 5 §3.3.4); apart, each gets its own exactly once.
   */
  subscribeAlone<T>(signal: AbortSignal, task: (connection: Connection) => Promise<T>): Promise<T>
  /** Like `subscribeAlone`, for the session's index: outside of the limit, and no use that keeps the session alive. */
  watch<T>(signal: AbortSignal, task: (connection: Connection) => Promise<T>): Promise<T>
  /** Whether the index watches on it. */
  watched(): boolean
  close(): Promise<void>
}

export interface LinksOptions {
  /** The number tells connections of one session apart: two with one client id would throw each other out. */
  dial(signal: AbortSignal, number: number): Promise<Connection>
  clock: Clock
  idleMs: number
  maxSubscriptions: number
  /** A connection that is open already. */
  opened?: Connection
}

export function createLinks({ dial, clock, idleMs, maxSubscriptions, opened }: LinksOptions): Links {
  const closing = new AbortController()
  const extra = new Set<Connection>()
  const taken = new Set<number>()
  let state: LinkState = { is: 'idle' }
  let users = 0
  let watchers = 0
  let cancelIdle = () => {}

  const enter = async (connection: Connection) => {
    if (closing.signal.aborted) {
      await connection.close()
      throw closed()
    }
    state = { is: 'connected', connection, sinceMs: clock.now() }
    void connection.closed.then((reason) => {
      if (state.is === 'connected' && state.connection === connection) state = { is: 'lost', reason, atMs: clock.now() }
    })
    return connection
  }

  /** All who need it wait for the same attempt; one of them giving up does not end it for the others. */
  const open = (): Promise<Connection> => {
    if (state.is === 'connected' && state.connection.state().is === 'open') return Promise.resolve(state.connection)
    if (state.is === 'connecting') return state.opening
    const opening = dial(closing.signal, 0).then(enter, (error: unknown) => {
      state = { is: 'lost', reason: error instanceof Error ? error.message : String(error), atMs: clock.now() }
      throw error
    })
    state = { is: 'connecting', opening }
    return opening
  }

  const closeIdle = async () => {
    if (users > 0 || state.is !== 'connected') return
    const { connection } = state
    state = { is: 'idle' }
    await connection.close()
  }

  const using = async <T>(task: () => Promise<T>): Promise<T> => {
    users += 1
    cancelIdle()
    try {
      return await task()
    } finally {
      users -= 1
      if (users === 0 && !closing.signal.aborted) cancelIdle = clock.after(idleMs, () => void closeIdle())
    }
  }

  const use: Links['use'] = (signal, task) => using(async () => task(await unlessAborted(open(), signal)))

  const subscribeApart = async <T>(number: number, signal: AbortSignal, task: (link: Connection) => Promise<T>) => {
    const connection = await dial(AbortSignal.any([signal, closing.signal]), number)
    extra.add(connection)
    try {
      return await task(connection)
    } finally {
      extra.delete(connection)
      await connection.close()
    }
  }

  if (opened) {
    void enter(opened)
    cancelIdle = clock.after(idleMs, () => void closeIdle())
  }
  return {
    state: () => state,
    inUse: () => users > 0,
    use,
    async subscribeAlone(signal, task) {
      const number = Array.from({ length: maxSubscriptions }, (_, index) => index).find((free) => !taken.has(free))
      if (number === undefined) throw tooMany(maxSubscriptions)
      taken.add(number)
      try {
        return await (number === 0 ? use(signal, task) : using(() => subscribeApart(number, signal, task)))
      } finally {
        taken.delete(number)
      }
    },
    async watch(signal, task) {
      watchers += 1
      try {
        return await subscribeApart(maxSubscriptions, signal, task)
      } finally {
        watchers -= 1
      }
    },
    watched: () => watchers > 0,
    async close() {
      closing.abort(closed())
      cancelIdle()
      const connections = state.is === 'connected' ? [state.connection, ...extra] : [...extra]
      await Promise.all(connections.map((connection) => connection.close()))
    },
  }
}

/** Like `untilAborted` of the door: the attempt goes on for the others. */
function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise, resolve, reject } = Promise.withResolvers<T>()
  const aborted = () => reject(signal.reason)
  if (signal.aborted) aborted()
  else signal.addEventListener('abort', aborted, { once: true })
  work.then(resolve, reject)
  return promise.finally(() => signal.removeEventListener('abort', aborted))
}

const tooMany = (most: number) =>
  new Fault('conflict', `This session has ${most} subscriptions running already, the most it may have.`, {
    hint: 'Wait for one of them to end, or establish another session.',
  })

const closed = () =>
  new Fault('not_found', 'This MQTT session was closed meanwhile.', { hint: 'establish_connection makes a new one.' })
