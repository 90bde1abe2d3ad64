import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

/** Where connections come from: a network; loopback and proxies, behind which are many people, by their addresses. */
export interface Origin {
  readonly name: string
  open: number
  /** Of those that are open: on which no whole request ever came. */
  fresh: number
}

/** What is known of one connection, and how long nobody did anything on it. */
export class Connection {
  readonly origin: Origin
  is: 'fresh' | 'used' | 'upgraded' = 'fresh'
  #turn: number
  #response: ServerResponse | undefined
  #pipelined = 0
  /** Bytes of a whole answer that wait to be read, and since when that many. */
  #unread = 0
  #unreadSinceMs = 0
  /** The turn after which it was seen idle, and since when; 0: none yet. */
  #idleAfter = 0
  #idleSinceMs = 0

  constructor(origin: Origin, turn: number) {
    this.origin = origin
    this.#turn = turn
  }

  /** Its place in the order in which connections were opened, or their latest requests began. */
  get turn(): number {
    return this.#turn
  }

  /** To its latest request. */
  get response(): ServerResponse | undefined {
    return this.#response
  }

  /** Requests that came before the answers to those before them, without a break. */
  get pipelined(): number {
    return this.#pipelined
  }

  /** No whole request ever came. */
  get isFresh(): boolean {
    return this.is === 'fresh'
  }

  /** For the rest of a request, or the next one: nobody works for it. Idle ones are opened anew by their clients. */
  get isWaiting(): boolean {
    const response = this.#response
    if (this.is !== 'used' || response === undefined) return this.is === 'fresh'
    return !response.req.complete || response.writableFinished
  }

  /** A request began, with this for its answer. */
  began(response: ServerResponse, turn: number): void {
    const before = this.#response
    this.#pipelined = before === undefined || before.writableEnded ? 0 : this.#pipelined + 1
    this.#response = response
    this.#turn = turn
  }

  /** Whether nobody read a byte of a whole answer for so long, as far as was looked: it is in memory until the connection ends. */
  isUnread(socket: Socket, nowMs: number, unreadMs: number): boolean {
    const response = this.#response
    const isWaiting = response?.writableEnded === true && !response.writableFinished
    const waiting = isWaiting ? socket.writableLength : 0
    if (waiting > 0 && waiting === this.#unread) return nowMs - this.#unreadSinceMs >= unreadMs
    this.#unread = waiting
    this.#unreadSinceMs = nowMs
    return false
  }

  /** Whether nobody asked anything for so long since the latest answer, as far as was looked. */
  isLeft(nowMs: number, keepAliveMs: number): boolean {
    const response = this.#response
    if (this.is !== 'used' || response === undefined || !response.writableFinished || !response.req.complete)
      return false
    if (this.#idleAfter === this.#turn) return nowMs - this.#idleSinceMs >= keepAliveMs
    this.#idleAfter = this.#turn
    this.#idleSinceMs = nowMs
    return false
  }
}
