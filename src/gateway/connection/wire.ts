import type { Clock } from '../../kernel/clock.ts'
import type { Log } from '../../kernel/log.ts'
import type { JsonText } from '../../kernel/mcp/raw.ts'
import type { Revision } from '../../kernel/mcp/protocol.ts'
import type { Connection, ConnectionHandlers } from './connection.ts'

/** What a handshake found out. */
export type Agreement = Pick<Connection, 'revision' | 'capabilities' | 'serverInfo' | 'instructions'>

/** A way to a server, whatever was said on it so far: what a handshake needs, and what a connection is made of. */
export interface Wire extends Pick<Connection, 'correlates' | 'running' | 'request' | 'close'> {
  /** It is of no use any more. */
  readonly ended: boolean
  /** Resolves when the server has it, as far as the transport can tell. Throws Fault. */
  notify(method: string, params: JsonText): Promise<void>
  /** The revision is agreed on: HTTP names it in a header from now on. */
  agreed(revision: Revision): void
  /** The handshake is over: what the server says unasked is to be heard, where that takes a stream of its own. */
  listen(): void
}

/** What every kind of wire needs. */
export interface WireOptions {
  /** The upstream's id, which every fault names. */
  readonly name: string
  readonly handlers: ConnectionHandlers
  readonly clock: Clock
  readonly log: Log
  /** A longer message is refused; the connection lives on where the transport allows it. */
  readonly maxMessageBytes: number
}
