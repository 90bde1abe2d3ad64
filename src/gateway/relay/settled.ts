import type { ClientSession } from '../../kernel/mcp/peer.ts'
import type { Connection } from '../connection/connection.ts'

/** Sessions that have called on the shared connection: what the server keeps for them is there, as long as it is that one. */
export class Settled {
  #sessions = new WeakMap<ClientSession, Connection>()

  add(session: ClientSession, shared: Connection): void {
    this.#sessions.set(session, shared)
  }

  has(session: ClientSession, shared: Connection): boolean {
    return this.#sessions.get(session) === shared
  }

  remove(session: ClientSession): void {
    this.#sessions.delete(session)
  }

  clear(): void {
    this.#sessions = new WeakMap()
  }
}
