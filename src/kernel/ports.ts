import type { Kysely } from 'kysely'
import type { Caller } from './caller.ts'
import type { Identity, OwnerToken } from './identity.ts'
import type { Invoke } from './invoke.ts'
import type { Keys, SealedTexts } from './keys.ts'
import type { Logins } from './logins.ts'
import type { PartControl } from './part-control.ts'
import type { PeopleKeeper } from './people.ts'
import type { Performance } from './performance.ts'
import type { Registry } from './registry.ts'
import type { Strategy } from './resilience/balance.ts'
import type { GroupStatus } from './resilience/group-status.ts'
import type { ServerReport } from './server-report.ts'
import type { PartReport, StatusReport } from './status.ts'
import type { Trail } from './trail.ts'

export type { ReplicaReport, ServerReport } from './server-report.ts'
export type { PartReport } from './status.ts'

/**
 * What engines offer and services ask for. A service names a port in its `needs` and gets it when it starts; which
 * engine stands behind it is nobody's business but the composition's.
 */
export interface Ports {
  store: Store
  trail: Trail
  secrets: Secrets
  keys: Keys
  broker: Broker
  bus: Bus
  hub: Hub
  identity: Identity
  ownerToken: OwnerToken
  people: PeopleKeeper
  logins: Logins
  servers: Gateway
}

/** One step in the life of a service's tables. Steps are only ever added; each runs once, in a transaction. */
export interface Migration {
  readonly name: string
  /** Written so that SQLite and PostgreSQL both take it. */
  up(db: Kysely<unknown>): Promise<void>
}

/** The database: SQLite or PostgreSQL. What a write's promise has resolved for survives a crash. */
export interface Store {
  readonly dialect: 'sqlite' | 'postgres'
  /** Brings the owner's tables up to date. Throws Fault `storage_failed`. */
  migrate(owner: string, migrations: readonly Migration[]): Promise<void>
  /**
   * The query builder, typed with the caller's own tables. Values that both engines take alike: strings, numbers and
   * null (times as `bigint`, flags as integers, JSON as text). Inside a transaction use the transaction's own handle:
   * SQLite has one connection, and asking for another would wait for ever.
   */
  as<Tables>(): Kysely<Tables>
}

/** Authenticated encryption of what must be stored but not read. */
export interface Secrets {
  /** `context` says what the secret is for; it must be the same to open it again (associated data). */
  seal(plain: string, context: string): string
  /** Throws Fault `storage_failed` when the text was changed, the context differs or the key is gone. */
  open(sealed: string, context: string): string
  /** Whether it was sealed with an older key and should be sealed anew. */
  isStale(sealed: string): boolean
  /**
   * Has sealed texts that somebody stores sealed anew, in the background, when the key has changed; returns what ends that.
   * Without it a key stays needed that nobody knows to be needed.
   */
  tend(texts: SealedTexts): () => void
}

/** Who the hub lets in at its broker. `hub` may do anything; `session` may not speak for the hub (`alicia/#`). */
export type BrokerAccount = 'hub' | 'session'

export interface BrokerLogin {
  readonly username: string
  readonly password: string
}

/** The MQTT broker the hub runs or uses. */
export interface Broker {
  readonly kind: 'embedded' | 'mosquitto' | 'remote'
  /** `mqtt://host:port`, without credentials. */
  readonly url: string
  /** `ws://host:port`, where it has such a listener. */
  readonly webSocketUrl?: string
  /** Certificates to reach it with, where it is reached over TLS and the public authorities do not do. PEM. */
  readonly tls?: { readonly ca?: string; readonly cert?: string; readonly key?: string }
  /** What to log in with; undefined where the broker takes anybody. */
  login(account: BrokerAccount): BrokerLogin | undefined
  /**
   * Whether the broker itself makes sure that only the owner writes `alicia/v1/req/#` and only user U writes
   * `alicia/v1/as/U/#`. Only then does a request on MQTT carry an identity.
   */
  readonly enforcesIdentity: boolean
  /** How many messages it dropped for slow subscribers since it started; undefined where it does not say. */
  dropped(): Promise<number | undefined>
  report(): StatusReport
}

export interface BusMessage {
  readonly topic: string
  readonly payload: Buffer
  readonly qos: 0 | 1 | 2
  readonly retain: boolean
  readonly properties?: BusProperties
}

/** The MQTT 5 properties that requests and replies use. */
export interface BusProperties {
  readonly responseTopic?: string
  readonly correlationData?: Buffer
  readonly contentType?: string
  /** Seconds. */
  readonly messageExpiryInterval?: number
  readonly userProperties?: Readonly<Record<string, string | string[]>>
}

export interface PublishOptions {
  qos?: 0 | 1 | 2
  retain?: boolean
  properties?: BusProperties
}

/** The hub's own connection to its broker. It reconnects by itself and takes its subscriptions along. */
export interface Bus {
  /** Resolves when the broker confirmed it (QoS 1, 2) or it is written (QoS 0). Throws Fault `unavailable`. */
  publish(topic: string, payload: string | Buffer, options?: PublishOptions): Promise<void>
  /** Returns what ends the subscription. */
  subscribe(filter: string, qos: 0 | 1 | 2, listener: (message: BusMessage) => void): Promise<() => Promise<void>>
  /** Runs now if connected, and after each (re)connect: for retained state that the broker may have lost. */
  onConnect(task: () => void): () => void
  report(): StatusReport
}

/** The hub as its services see it. */
export interface Hub {
  readonly invoke: Invoke
  readonly registry: Registry
  /** Every part with its status: engines, services, adapters. */
  parts(): readonly PartReport[]
  readonly version: string
  /** Wall-clock milliseconds. */
  readonly startedMs: number
  /** Milliseconds since then, whatever the wall clock did meanwhile. */
  uptimeMs(): number
  /** Prometheus text. */
  metrics(): Promise<string>
  /** What calls were like. */
  readonly performance: Performance
  /** Starts and stops single parts. */
  readonly control: PartControl
  /** The other MCP servers; undefined while none can be run. Services that are about nothing else need `servers`. */
  gateway(): Gateway | undefined
  /** Services of other processes, each with the processes that run it. */
  processes(): readonly GroupStatus[]
}

/** The other MCP servers behind the hub, as its own services see them. Every method throws Fault `not_found` for a name it does not know. */
export interface Gateway {
  servers(): readonly ServerReport[]
  /** The same, with what it costs to find out. */
  server(name: string): Promise<ServerReport>
  /** What it said on its standard error and what befell it, oldest first. */
  log(name: string, most: number): readonly ServerLogLine[]
  /** Resolve when it is up. Throw Fault `unavailable` with the reason when it does not come up. */
  start(name: string, signal: AbortSignal): Promise<void>
  restart(name: string, signal: AbortSignal): Promise<void>
  /** Resolves when it is down; it stays so until somebody asks for it. */
  stop(name: string): Promise<void>
  /** Asks it whether it is there, in milliseconds to the answer. Starts nothing; harms no call. Throws Fault. */
  check(name: string, signal: AbortSignal): Promise<number>
  /** How calls are spread over its replicas, from the next one on and after a restart of the hub. Weights by replica. */
  setBalance(name: string, balance: BalanceChange): Promise<void>
  /** Where a person has to go to let the hub in. Throws Fault `conflict` when that server asks for no login. */
  login(name: string, caller: Caller, signal: AbortSignal): Promise<{ readonly authorizationUrl: string }>
  logout(name: string, caller: Caller, signal: AbortSignal): Promise<void>
  /** The login that waits for an answer with this state; undefined: none does. Looks, and uses nothing up. */
  waitingLogin(state: string): WaitingLogin | undefined
  /**
   * Ends a login that the authorization server sent back; resolves to the server's name. `account`: who is signed in with the
   * browser it came by. Throws Fault `forbidden` where it has to be somebody else.
   */
  finishLogin(answer: LoginAnswer, signal: AbortSignal, account?: string): Promise<string>
  /** Tools that wait for a person to look at them. */
  held(name?: string): readonly HeldToolReport[]
  /**
   * Approves tools as they are now, all of a server that are held or those named; resolves to their names. Throws Fault
   * `conflict` for one that is not what its fingerprint says: it changed again since a person looked.
   */
  approve(name: string, tools?: readonly ToolApproval[]): Promise<readonly string[]>
  /** Reads the files with servers now. Throws Fault `invalid_input` where one is broken; nothing changes then. */
  reload(): Promise<ServersReload>
}

export interface ToolApproval {
  readonly name: string
  /** Of the tool as it was looked at; absent: as it is now. */
  readonly fingerprint?: string
}

/** What reading the files anew did, by id. */
export interface ServersReload {
  readonly added: readonly string[]
  /** Started anew, because their definition changed. */
  readonly changed: readonly string[]
  /** In no file any more, or not to be run as they are written now. */
  readonly removed: readonly string[]
}

export interface BalanceChange {
  readonly strategy?: Strategy
  readonly weights?: Readonly<Record<string, number>>
}

/** The query of an authorization response (RFC 6749, 4.1.2; RFC 9207). */
export interface WaitingLogin {
  readonly server: string
  /** Who alone may end it: a person's id, or the owner's. Absent: whoever comes back with its state. */
  readonly account?: string
}

export interface LoginAnswer {
  readonly state: string
  readonly code?: string
  readonly error?: string
  readonly iss?: string
}

export interface ServerLogLine {
  /** Wall-clock milliseconds. */
  readonly atMs: number
  readonly text: string
}

export interface HeldToolReport {
  readonly server: string
  readonly name: string
  readonly why: 'new' | 'changed'
  /** Stands for everything a model or a person decides by. */
  readonly fingerprint: string
  readonly approvedAtMs?: number
  readonly changes: readonly { readonly member: string; readonly before?: unknown; readonly now?: unknown }[]
}
