import type { Caller } from '../../kernel/caller.ts'
import type { Clock } from '../../kernel/clock.ts'
import type { Events } from '../../kernel/events.ts'
import type { Log } from '../../kernel/log.ts'
import type { ServerDefinition, Transport } from '../../kernel/mcp/server-definition.ts'
import type { Secrets } from '../../kernel/ports.ts'
import type { Registry } from '../../kernel/registry.ts'
import type { ClientFace, Connection, ConnectionHandlers } from '../connection/connection.ts'
import type { Needs } from '../life/needs-graph.ts'
import type { Memory } from './memory.ts'

/** What every upstream of a hub works with. */
export interface UpstreamParts {
  readonly registry: Registry
  readonly events: Events
  readonly clock: Clock
  readonly log: Log
  readonly secrets: Secrets
  readonly memory: Memory
  /** Who the hub says it is. */
  readonly clientInfo: { readonly name: string; readonly title: string; readonly version: string }
  /** Connects to one server, starting it where it is a program. */
  connect(connecting: Connecting): Promise<Connection>
  /** What it needs of others, and others of it. */
  readonly needs: Pick<Needs, 'blockedBy' | 'isNeeded'>
}

/** A connection to be made. */
export interface Connecting {
  readonly definition: ServerDefinition
  readonly transport: Transport
  readonly face: ClientFace
  readonly handlers: ConnectionHandlers
  /** Whose login it goes by, where the server asks for one; undefined: the owner's. */
  readonly person?: Caller
  readonly signal: AbortSignal
  /** What the program says on its standard error. */
  onStderr(line: string): void
  /** Its process, once it runs. */
  onProcess(pid: number): void
}
