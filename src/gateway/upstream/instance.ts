import type { Caller } from '../../kernel/caller.ts'
import { Fault } from '../../kernel/fault.ts'
import { MODERN_REVISION } from '../../kernel/mcp/protocol.ts'
import type { JsonText } from '../../kernel/mcp/raw.ts'
import { RelayedError } from '../../kernel/mcp/relayed.ts'
import type { Replica, ServerDefinition } from '../../kernel/mcp/server-definition.ts'
import type { Member } from '../../kernel/resilience/member.ts'
import type { StatusReport } from '../../kernel/status.ts'
import type { ClientFace, Connection, ConnectionHandlers } from '../connection/connection.ts'
import { createLife, type Life } from '../life/life.ts'
import type { LifeState } from '../life/state.ts'
import { memoryOf } from '../process/process-table.ts'
import type { StderrRing } from '../process/stderr-lines.ts'
import type { ListKind, Relay } from '../relay/relay-options.ts'
import { createRelay } from '../relay/relay.ts'
import { modernMeta } from './fetch-lists.ts'
import { hidingOf } from './hiding.ts'
import { HUB_CAPABILITIES } from './hub-face.ts'
import type { UpstreamParts } from './parts.ts'
import { reachedBy } from './reached.ts'

/** What an upstream is made of: one replica's life, and the relay over its connections. */
export interface Instance extends Member<Connection> {
  readonly life: Life<Connection>
  readonly relay: Relay
  readonly reached: string
  /** The hub starts it and talks with it over pipes. */
  readonly isProgram: boolean
  /** Starts after the first, since the hub started. */
  readonly restarts: number
  /** Of the running process, where there is one. */
  pid(): number | undefined
  /** Asks it whether it is there, in milliseconds to the answer. Throws Fault when it is not up. */
  check(signal: AbortSignal): Promise<number>
  /** `why`: as that of its life. */
  close(why?: string): Promise<void>
}

export interface InstanceOptions {
  readonly parts: UpstreamParts
  readonly definition: ServerDefinition
  readonly replica: Replica
  /** `files`, `files#2`. */
  readonly id: string
  /** Whose connection it is, where everybody has their own; absent: the hub's. */
  readonly person?: Caller
  readonly log: StderrRing
  onState(state: LifeState): void
  onListChanged(kind: ListKind): void
  onGap(): void
  onResourceUpdated(uri: string, params: JsonText): void
}

/** A connection of one person's own that nobody uses is closed after so long. */
const PERSONAL_IDLE_MS = 10 * 60_000

export function createInstance(options: InstanceOptions): Instance {
  const { parts, definition, replica, id, person, log } = options
  const { clock, events, memory, secrets, clientInfo } = parts
  const ownLog = parts.log.child({ server: id })
  let pid: number | undefined
  let starts = 0
  const asked = new Set((memory.get(definition.id, 'asks') as string[] | undefined) ?? [])

  const hiding = hidingOf(definition.secrets)

  const connect = (face: ClientFace, handlers: ConnectionHandlers, signal: AbortSignal, isShared: boolean) =>
    parts
      .connect({
        definition,
        transport: replica.transport,
        face,
        handlers: { ...handlers, onClose: (reason) => handlers.onClose(hiding.text(reason)) },
        ...(person && { person }),
        signal,
        onStderr: (line) => log.push(line),
        onProcess(started) {
          log.push(`— process ${started}${isShared ? '' : ' for one client'}`)
          if (isShared) pid = started
        },
      })
      .catch((error: unknown) => Promise.reject(hiding.error(error)))

  const hubFace: ClientFace = { clientInfo, capabilities: HUB_CAPABILITIES }
  const relay = createRelay({
    name: definition.id,
    ...(person && { person: person.id }),
    shared: (signal) => life.current() ?? life.obtain(signal),
    connectFor: (face, handlers, signal) => connect(face, handlers, signal, false),
    sharing: definition.sharing,
    mostConnections: definition.mostConnections,
    roots: definition.roots,
    secrets,
    interactive: {
      asks: () => asked,
      learn: (capability) => void remember(capability),
    },
    events,
    clock,
    log: ownLog,
    hubFace,
    onListChanged: options.onListChanged,
    onGap: options.onGap,
    onParked: (delta) => life.busy(delta),
    onResourceUpdated: options.onResourceUpdated,
  })

  const remember = (capability: string) => {
    asked.add(capability)
    return memory
      .set(definition.id, 'asks', [...asked])
      .catch((error: unknown) => ownLog.warn('not remembered', { error }))
  }

  // Who is needed by others does not sleep.
  const idleStopMs = person ? PERSONAL_IDLE_MS : parts.needs.isNeeded(definition.id) ? undefined : definition.idleStopMs
  const life: Life<Connection> = createLife<Connection>({
    name: id,
    definition: {
      ...lifeOf(definition),
      ...(idleStopMs !== undefined && { idleStopMs }),
    },
    async open(signal, onClose) {
      pid = undefined
      const connection = await connect(hubFace, { ...relay.sharedHandlers, onClose }, signal, true)
      relay.begin(connection)
      starts++
      return connection
    },
    probe: (connection, signal) => probe(connection, signal, hubFace),
    blockedBy: () => parts.needs.blockedBy(definition.id),
    memory: async () => (pid === undefined ? undefined : await memoryOf(pid)),
    clock,
    log: ownLog,
    // What the hub tells of is the server as a whole, whose replicas may be down one by one.
    events: { ...events, emit: () => {} },
    onChange: (state) => options.onState(state),
  })

  return {
    id,
    weight: replica.weight,
    life,
    relay,
    reached: hiding.text(reachedBy(replica.transport)),
    isProgram: replica.transport.kind === 'stdio',
    get restarts() {
      return Math.max(0, starts - 1)
    },
    current: () => life.current(),
    obtain: (signal) => life.obtain(signal),
    report: () => life.report(),
    pid: () => (life.current() ? pid : undefined),
    async check(signal) {
      const connection = life.current()
      if (!connection) throw notUp(id, life.report())
      const startMs = clock.monotonic()
      await probe(connection, signal, hubFace)
      return clock.monotonic() - startMs
    },
    async close(why) {
      await relay.close()
      await life.close(why)
    },
  }
}

const notUp = (id: string, { status, reason }: StatusReport) =>
  new Fault('unavailable', `${id} is not up: ${reason ?? status}.`, { details: { provider: id } })

const lifeOf = ({ idleStopMs: _, ...definition }: ServerDefinition) => definition

/** Whether it still answers, by the question of its revision that costs it least. An error is an answer too. */
async function probe(connection: Connection, signal: AbortSignal, face: ClientFace): Promise<void> {
  const isModern = connection.revision === MODERN_REVISION
  const params = isModern ? JSON.stringify({ _meta: modernMeta(face) }) : '{}'
  try {
    await connection.request({ method: isModern ? 'server/discover' : 'ping', params: () => params, signal })
  } catch (error) {
    if (!(error instanceof RelayedError)) throw error
  }
}
