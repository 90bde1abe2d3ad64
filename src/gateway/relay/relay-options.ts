import type { Clock } from '../../kernel/clock.ts'
import type { Events } from '../../kernel/events.ts'
import type { Log } from '../../kernel/log.ts'
import type { JsonText } from '../../kernel/mcp/raw.ts'
import type { RelayedResult } from '../../kernel/mcp/relayed.ts'
import type { ServerDefinition } from '../../kernel/mcp/server-definition.ts'
import type { Secrets } from '../../kernel/ports.ts'
import type { CallContext } from '../../kernel/tool.ts'
import type { ClientFace, Connection, ConnectionHandlers } from '../connection/connection.ts'

/** Which of a server's lists changed. */
export type ListKind = 'tools' | 'prompts' | 'resources'

/** What a server is known to ask its clients for, by the capability that answers it (`roots`, `sampling`, `elicitation`). */
export interface Interactive {
  asks(): ReadonlySet<string>
  learn(capability: string): void
}

/** What a relay works with. */
export interface RelayOptions {
  /** The server's id: it stands in every fault. */
  readonly name: string
  /** Whose connections these are, where each person has their own: the caller's id. */
  readonly person?: string
  /** The connection that all clients share. Not a promise when it is ready: that is the path of most calls. */
  shared(signal: AbortSignal): Connection | Promise<Connection>
  /** A connection of its own for one client, to a process of its own where the server is one. */
  connectFor(face: ClientFace, handlers: ConnectionHandlers, signal: AbortSignal): Promise<Connection>
  readonly sharing: ServerDefinition['sharing']
  readonly mostConnections: number
  readonly roots: ServerDefinition['roots']
  readonly secrets: Secrets
  /** Whether this server is known to ask its clients questions; kept over restarts. */
  readonly interactive: Interactive
  readonly events: Events
  readonly clock: Clock
  readonly log: Log
  /** Who the hub is where no client stands behind a request. */
  readonly hubFace: ClientFace
  onListChanged(kind: ListKind): void
  /** For a while the server's changes were not heard: its lists may be others now. */
  onGap?(): void
  /** A call stays open at the server while its client is asked (1), or is over (-1). */
  onParked?(delta: 1 | -1): void
  /** `uri` as the server knows it, and the notification's params. */
  onResourceUpdated(uri: string, params: JsonText): void
}

/** Brings one server's requests and answers across the two hops, whatever revision either side speaks. */
export interface Relay {
  /**
   * One request. `params` have the server's own names; `headers` are those of 2026-07-28 that follow from them. Throws
   * RelayedError with an error of the server's; any other Fault names the server.
   */
  request(
    method: string,
    params: JsonText,
    context: CallContext,
    headers?: Readonly<Record<string, string>>,
  ): Promise<RelayedResult>
  /**
   * The shared connection is ready: from then on the relay hears what changes on the server. Without this it is found out at
   * the next request. Calling it again for the same one does nothing.
   */
  begin(connection: Connection): void
  /** For the shared connection. */
  readonly sharedHandlers: Omit<ConnectionHandlers, 'onClose'>
  /** Whether the request goes on with a call that this relay keeps parked: where a server has several, no other can. */
  holds(method: string, params: JsonText): boolean
  /** Connections beside the shared one. */
  leases(): number
  /** Withdraws what waits for a person and closes every connection but the shared one. */
  close(): Promise<void>
}
