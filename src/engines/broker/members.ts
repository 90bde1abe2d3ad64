import type { Duplex } from 'node:stream'
import type { AuthenticateError, Client } from 'aedes'
import type { Clock } from '../../kernel/clock.ts'
import { Fault } from '../../kernel/fault.ts'
import type { Log } from '../../kernel/log.ts'
import { BucketTable } from '../../kernel/token-bucket.ts'
import { mayPublish, type Account } from './access.ts'
import type { Admission, createGate } from './gate.ts'
import type { Guest, IdentityLogins } from './identity-logins.ts'
import type { Lobby } from './lobby.ts'
import { createPacer, type Pacer } from './pacer.ts'
import type { BrokerQuotas, NoteLimit } from './quotas.ts'
import { REASONS, refuseConnect, refusalOf, REFUSALS, type Refusal } from './refusal.ts'
import type { SessionStore } from './session-store.ts'

/** A client that was let in. */
export interface Member {
  readonly account: Account
  /** Undefined: the hub itself, which has no bounds. */
  readonly bounds: { readonly pacer: Pacer; readonly filters: Set<string> } | undefined
}

export interface MembersOptions {
  readonly gate: ReturnType<typeof createGate>
  readonly quotas: BrokerQuotas
  readonly lobby: Lobby
  readonly clock: Clock
  readonly log: Log
  readonly note: NoteLimit
  readonly sessions: SessionStore
  readonly endSession: (client: string) => void
  /** What an account may that is not here; undefined: it is no more. */
  readonly accountNamed: (name: string) => Account | undefined
  /** The client that has this identifier now. */
  readonly connected: (id: string) => Client | undefined
  readonly hold: IdentityLogins['hold']
  /** Told of each login that was wrong. */
  readonly onWrong: (shown: { name: string | undefined; address: string | undefined }) => void
}

export interface Members {
  of(client: Client): Member | undefined
  /** Notes the topic of a will, before its client says who it is. */
  noteWill(client: Client, topic: string): void
  admit(client: Client, login: Login, done: Done): void
  /** What they came with is good no more: from now on they may do nothing, not even leave a will. */
  expel(client: Client, reasonCode: number): void
}

export interface Login {
  readonly username: string | undefined
  readonly password: Uint8Array | undefined
}

type Done = (error: AuthenticateError | null, success: boolean | null) => void

/** Characters of a name in the log: those who are not let in must not fill it with 64 KiB a line. */
const LONGEST_LOGGED = 64

/** A user may send so many seconds' worth of messages at once: a bridge that starts reports every device. */
const BURST_SECONDS = 10

/** Who is connected as whom, and what each may hold. */
export function createMembers(options: MembersOptions): Members {
  const { gate, quotas, lobby, clock, log, note, sessions, connected } = options
  const members = new WeakMap<Client, Member>()
  const wills = new WeakMap<Client, string>()
  const connections = new Map<string, number>()
  const perMinute = quotas.messagesPerSecond * 60
  const buckets = new BucketTable({ perMinute, burst: quotas.messagesPerSecond * BURST_SECONDS })

  const boundsOf = ({ name }: Account): Member['bounds'] => {
    if (name === HUB_ACCOUNT) return undefined
    const onWait = () => note('mqtt_messages_per_second', name)
    return { pacer: createPacer(buckets.of(name), () => clock.monotonic(), onWait), filters: new Set() }
  }

  /** A client's identifier is no secret; with it, one login could take another's place, or its session. */
  const isOthers = (id: string, { name }: Account): boolean => {
    const other = connected(id)
    if (other) return members.get(other)?.account.name !== name
    const owner = sessions.ownerOf(id)
    if (owner === undefined || owner === name) return false
    if (owner !== '' && options.accountNamed(owner)) return true
    options.endSession(id)
    return false
  }

  const problemOf = (client: Client, account: Account): Refusal | undefined => {
    if (isOthers(client.id, account)) return REFUSALS.identifier
    const willTopic = wills.get(client)
    // Refused now rather than unheard later: whoever relies on a will must know that it counts.
    if (willTopic !== undefined && !mayPublish(account, willTopic)) return REFUSALS.unauthorized
    return account.name === HUB_ACCOUNT ? undefined : quotaProblem(client, account.name)
  }

  const quotaProblem = (client: Client, name: string): Refusal | undefined => {
    if ((connections.get(name) ?? 0) >= quotas.connectionsPerUser) {
      note('mqtt_connections_per_user', name)
      return REFUSALS.quota
    }
    if (client.clean || sessions.ownerOf(client.id) === name) return undefined
    if (sessions.ownedBy(name).length < quotas.sessionsPerUser) return undefined
    note('mqtt_sessions_per_user', name)
    return REFUSALS.quota
  }

  const count = (stream: Duplex, name: string) => {
    connections.set(name, (connections.get(name) ?? 0) + 1)
    stream.once('close', () => {
      const left = (connections.get(name) ?? 1) - 1
      if (left === 0) connections.delete(name)
      else connections.set(name, left)
    })
  }

  const expel: Members['expel'] = (client, reasonCode) => {
    log.info('a client was disconnected: its access ended', {
      client: client.id,
      account: members.get(client)?.account.name,
    })
    members.delete(client)
    disconnect(client, reasonCode)
  }

  /** The guest's access may end while they are here. */
  const follow = (client: Client, guest: Guest) => {
    const release = options.hold(guest, (why) =>
      expel(client, why.message.includes('expired') ? REASONS.maximumConnectTime : REASONS.notAuthorized),
    )
    client.conn.once('close', release)
  }

  const enter = (client: Client, { account, guest }: Admission) => {
    members.set(client, { account, bounds: boundsOf(account) })
    lobby.leave(client.conn as Duplex)
    count(client.conn as Duplex, account.name)
    sessions.admit(client.id, account.name)
    if (guest) follow(client, guest)
  }

  return {
    of: (client) => members.get(client),
    expel,
    noteWill: (client, topic) => void wills.set(client, topic),
    admit(client, { username, password }, done) {
      const address = lobby.addressOf(client.conn as Duplex)
      const refuse = (refusal: Refusal) => {
        const [id, name] = [client.id, username].map((text) => text?.slice(0, LONGEST_LOGGED))
        log.warn('a client was refused', { client: id, username: name, reason: refusal.reason })
        refuseConnect(client, refusal, done)
      }
      const fail = (error: unknown) => {
        if (!(error instanceof Fault)) log.error('a login failed', { error })
        const refusal = refusalOf(error, username === undefined)
        if (refusal === REFUSALS.rate) note('mqtt_logins', address)
        if (refusal === REFUSALS.password) options.onWrong({ name: username?.slice(0, LONGEST_LOGGED), address })
        refuse(refusal)
      }
      const admit = (admission: Admission) => {
        if (client.closed) return
        const problem = problemOf(client, admission.account)
        if (problem) return refuse(problem)
        enter(client, admission)
        done(null, true)
      }
      try {
        const admission = gate({ username, password, address })
        if (admission instanceof Promise) admission.then(admit).catch(fail)
        else admit(admission)
      } catch (error) {
        fail(error)
      }
    },
  }
}

const HUB_ACCOUNT = 'alicia/hub'

/** aedes can say why to clients of MQTT 5; its types do not know yet. */
export function disconnect(client: Client, reasonCode: number): void {
  ;(client as unknown as { disconnect(options: { reasonCode: number }): void }).disconnect({ reasonCode })
}
