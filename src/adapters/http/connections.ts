import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { busyPoll } from '../../kernel/busy-poll.ts'
import { systemClock, type Clock } from '../../kernel/clock.ts'
import { networkOf } from '../../kernel/network-of.ts'
import { othersFirst } from '../../kernel/others-first.ts'
import { noRefusals, type Refusals } from '../../kernel/refusals.ts'
import { Connection, type Origin } from './connection.ts'

export interface ConnectionLimits {
  /** Connections at once. */
  readonly sockets: number
  /** Of one address; IPv6: of one /64. */
  readonly socketsPerAddress: number
  /** Connections at once on which no whole request ever came. */
  readonly halfOpen: number
  /** Requests that a client may send on one connection before it has the answers to those before. */
  readonly pipelined: number
  /** Milliseconds that a whole answer may wait for a client that reads nothing of it. */
  readonly unreadMs: number
  /** Milliseconds a connection may idle between requests; an eighth more before anybody looks. */
  readonly keepAliveMs: number
}

export interface ConnectionsOptions {
  readonly limits: ConnectionLimits
  /** Whose connections are not counted by address: those of a proxy are many people's. Loopback's never are. */
  readonly isProxy?: (address: string) => boolean
  readonly refusals?: Refusals
  readonly clock?: Clock
}

/**
 * The connections of a server: not too many, and room for those who have something to say. Where places run out, the one goes
 * that has kept the hub waiting for longest, of those from where most come: whoever opens thousands and sends nothing pushes out
 * themselves, and nobody else whose request is on its way.
 */
export class Connections {
  readonly #limits: ConnectionLimits
  readonly #isProxy: (address: string) => boolean
  readonly #refusals: Refusals
  readonly #clock: Clock
  readonly #open = new Map<Socket, Connection>()
  readonly #origins = new Map<string, Origin>()
  #fresh = 0
  #turns = 0
  #isMakingRoom = false

  constructor(server: Server, options: ConnectionsOptions) {
    const { limits, isProxy = () => false, refusals = noRefusals, clock = systemClock } = options
    this.#limits = limits
    this.#isProxy = isProxy
    this.#refusals = refusals
    this.#clock = clock
    server.on('connection', (socket: Socket) => this.#take(socket))
    const everyMs = Math.min(limits.unreadMs, limits.keepAliveMs) / LOOKS
    let cancel = () => {}
    const look = () => {
      this.#look()
      cancel = clock.after(everyMs, look)
    }
    cancel = clock.after(everyMs, look)
    server.once('close', () => cancel())
    server.on('upgrade', (_, socket) => this.#use(this.#open.get(socket as Socket), 'upgraded'))
  }

  get size(): number {
    return this.#open.size
  }

  /** Notes that a request began. False: nobody answers it, its connection was ended. */
  admits({ socket }: IncomingMessage, response: ServerResponse): boolean {
    busyPoll.stayAwake()
    // What was pipelined is handed on though its connection was ended at an earlier one. An answer to it would overtake those that
    // wait, and Node fails an assertion (`resOnFinish`), which ends the process.
    if (socket.destroyed || socket.writableEnded) return false
    const connection = this.#open.get(socket)
    if (!connection) return true
    this.#use(connection, 'used')
    connection.began(response, ++this.#turns)
    if (connection.pipelined <= this.#limits.pipelined) return true
    this.#refuse('pipelined', socket)
    return false
  }

  /** Whether the answer to the latest request is not out yet: it would come after whatever is said on the connection now. */
  isWaitedFor(socket: Socket): boolean {
    const response = this.#open.get(socket)?.response
    return response !== undefined && !response.writableFinished
  }

  /** Whether an answer to the latest request has begun on that connection, so that nothing else can be said on it. */
  isAnswering(socket: Socket): boolean {
    const response = this.#open.get(socket)?.response
    return response !== undefined && response.headersSent && !response.writableEnded
  }

  #take(socket: Socket): void {
    const { remoteAddress } = socket
    const { sockets, socketsPerAddress } = this.#limits
    const network = this.#countedNetwork(remoteAddress)
    const name = network ?? remoteAddress ?? LOCAL
    if (network !== undefined && (this.#origins.get(network)?.open ?? 0) >= socketsPerAddress)
      return this.#refuse('sockets_per_address', socket)
    if (this.#open.size >= sockets && !this.#makeRoom('sockets')) return this.#refuse('sockets', socket)
    const origin = this.#origins.get(name) ?? { name, open: 0, fresh: 0 }
    this.#origins.set(name, origin)
    const connection = new Connection(origin, ++this.#turns)
    this.#open.set(socket, connection)
    origin.open++
    origin.fresh++
    this.#fresh++
    void this.#keepHalfOpenFew()
    socket.once('close', () => this.#forget(socket, connection))
  }

  /** After a look at what has arrived: of many that were accepted in one turn, some have sent a request that was not read yet. */
  async #keepHalfOpenFew(): Promise<void> {
    const { halfOpen } = this.#limits
    if (this.#fresh <= halfOpen || this.#isMakingRoom) return
    this.#isMakingRoom = true
    await othersFirst()
    this.#isMakingRoom = false
    while (this.#fresh > halfOpen && this.#makeRoom('half_open'));
  }

  #countedNetwork(address: string | undefined): string | undefined {
    if (address === undefined || this.#isProxy(address)) return undefined
    const network = networkOf(address)
    return network === LOCAL ? undefined : network
  }

  #use(connection: Connection | undefined, is: 'used' | 'upgraded'): void {
    if (!connection) return
    if (connection.isFresh) this.#countFreshOut(connection)
    connection.is = is
  }

  #forget(socket: Socket, connection: Connection): void {
    if (!this.#open.delete(socket)) return
    if (connection.isFresh) this.#countFreshOut(connection)
    const { origin } = connection
    if (--origin.open === 0) this.#origins.delete(origin.name)
  }

  #countFreshOut({ origin }: Connection): void {
    origin.fresh--
    this.#fresh--
  }

  /** Ends one as the class says; false: there is none. Looks at all, which takes microseconds, in a flood alone. */
  #makeRoom(limit: 'half_open' | 'sockets'): boolean {
    const [mayGo, countOf] = limit === 'half_open' ? HALF_OPEN : WAITING
    let victim: Socket | undefined
    let most = 0
    let turn = 0
    for (const [socket, connection] of this.#open) {
      if (!mayGo(connection)) continue
      const count = countOf(connection.origin)
      if (count < most || (count === most && connection.turn >= turn)) continue
      victim = socket
      most = count
      turn = connection.turn
    }
    const connection = victim && this.#open.get(victim)
    if (!victim || !connection) return false
    this.#refuse(limit, victim)
    // Now, not when it is closed: the next one asks before that.
    this.#forget(victim, connection)
    return true
  }

  #look(): void {
    const { unreadMs, keepAliveMs } = this.#limits
    const nowMs = this.#clock.monotonic()
    for (const [socket, connection] of this.#open) {
      // Ended already, and not closed yet.
      if (socket.destroyed) continue
      if (connection.isUnread(socket, nowMs, unreadMs)) this.#refuse('slow_reader', socket)
      // Instead of Node's `keepAliveTimeout`, which sets a timer after each answer and takes it back at the next request.
      else if (connection.isLeft(nowMs, keepAliveMs)) socket.destroy()
    }
  }

  #refuse(limit: 'pipelined' | 'sockets_per_address' | 'half_open' | 'sockets' | 'slow_reader', socket: Socket): void {
    this.#refusals.note(limit, socket.remoteAddress)
    socket.destroy()
  }
}

/** Which may go, and whose. */
type Going = readonly [mayGo: (connection: Connection) => boolean, countOf: (origin: Origin) => number]

const HALF_OPEN: Going = [({ isFresh }) => isFresh, ({ fresh }) => fresh]

const WAITING: Going = [({ isWaiting }) => isWaiting, ({ open }) => open]

const LOCAL = networkOf(undefined)

/** How often it is looked, within the shortest time that is looked for. */
const LOOKS = 8
