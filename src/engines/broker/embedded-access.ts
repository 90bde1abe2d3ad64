import type { AedesOptions, AedesPublishPacket, Client, Subscription } from 'aedes'
import type { Log } from '../../kernel/log.ts'
import { mayPublish, mayReceive, maySubscribe, type Access, type Account } from './access.ts'
import type { Packet } from './packet.ts'
import { filterCovers } from '../../kernel/topic.ts'
import { isFilter, isTopic } from './topic.ts'

/** CONNACK return codes of MQTT 3.1.1, 3.2.2.3; aedes translates them for MQTT 5 (to 0x85, 0x86 and 0x87). */
const IDENTIFIER_REJECTED = 2
const BAD_USERNAME_OR_PASSWORD = 4
const NOT_AUTHORIZED = 5

/** Characters of a name in the log: those who are not let in must not fill it with 64 KiB a line. */
const LONGEST_LOGGED = 64

type Refusal = Error & { returnCode: number }

/** The hooks by which aedes asks who somebody is and what they may do. */
export type Authorization = Required<
  Pick<AedesOptions, 'preConnect' | 'authenticate' | 'authorizePublish' | 'authorizeSubscribe' | 'authorizeForward'>
>

export interface AuthorizationOptions {
  readonly access: Access
  readonly log: Log
  /** Stores a message of QoS 1 that may be published, before aedes acknowledges it. */
  readonly storeFirst: (packet: Packet, publisher: string | undefined) => void
  /** Leaves a refused subscription out of the session. */
  readonly refuse: (subscription: object) => void
  /** Whether the client's connection can take one more message now. */
  readonly hasRoom: (client: Client) => boolean
  /** Whether what is new has to wait for what the client missed. */
  readonly isDraining: (client: string) => boolean
  /** Told of everybody who is let in. */
  readonly admit: (client: string, account: string) => void
  /** The client that has this identifier now. */
  readonly connected: (id: string) => Client | undefined
  /** Whether it is the broker's talk with itself: who connects, and to what they subscribe. */
  readonly isInternal: (topic: string) => boolean
}

/** The access list as aedes's hooks. */
export function authorization({
  access,
  log,
  storeFirst,
  refuse,
  hasRoom,
  isDraining,
  admit,
  connected,
  isInternal,
}: AuthorizationOptions): Authorization {
  const accounts = new WeakMap<Client, Account>()
  const willTopics = new WeakMap<Client, string>()

  const refusal = (client: Client, account: Account | undefined, anonymous: boolean): Refusal | undefined => {
    if (!account) return authenticateError(anonymous ? NOT_AUTHORIZED : BAD_USERNAME_OR_PASSWORD)
    // A client's identifier is no secret; with it, one login could throw out another's clients, the hub's own included.
    const other = connected(client.id)
    if (other && accounts.get(other) !== account) return authenticateError(IDENTIFIER_REJECTED)
    const willTopic = willTopics.get(client)
    // Refused now rather than unheard later: whoever relies on a will must know that it counts.
    return willTopic !== undefined && !mayPublish(account, willTopic) ? authenticateError(NOT_AUTHORIZED) : undefined
  }

  /** Of a live message for a session: it is in the queue already. The queue itself comes without the mark `nl`. */
  const mustQueue = (client: Client, packet: AedesPublishPacket) =>
    packet.qos > 0 && 'nl' in packet && !client.clean && isDraining(client.id)

  return {
    preConnect(client, packet, callback) {
      // Kept by filter: `constructor` must not be found before it is subscribed to.
      Object.setPrototypeOf(subscriptionsOf(client), null)
      if (packet.will) willTopics.set(client, packet.will.topic)
      if (packet.will && !isTopic(packet.will.topic)) return callback(new Error('the will has no valid topic'), false)
      callback(null, true)
    },
    authenticate(client, username, password, done) {
      const account = access.authenticate(username, password)
      const error = refusal(client, account, username === undefined)
      if (error || !account) {
        const [id, name] = [client.id, username].map((text) => text?.slice(0, LONGEST_LOGGED))
        log.warn('a client was refused', { client: id, username: name, reason: error?.message })
        return done(error ?? null, false)
      }
      accounts.set(client, account)
      admit(client.id, account.name)
      done(null, true)
    },
    authorizePublish(client, packet, callback) {
      // Without a client it is the will of an earlier run, which was checked when its client connected.
      const account = client && accounts.get(client)
      if (client && !(account && mayPublish(account, packet.topic)))
        return callback(new Error(`${account?.name ?? 'nobody'} may not publish to ${packet.topic}`))
      try {
        if (packet.qos === 1) storeFirst(packet as unknown as Packet, client?.id)
      } catch (error) {
        return callback(error as Error)
      }
      callback(null)
    },
    authorizeSubscribe(client, subscription, callback) {
      if (!isFilter(subscription.topic)) return callback(new Error('the topic filter is not valid'))
      const account = accounts.get(client)
      if (account && maySubscribe(account, subscription.topic)) return callback(null, subscription)
      log.warn('a subscription was refused', { client: client.id, account: account?.name, filter: subscription.topic })
      refuse(subscription)
      callback(null, null)
    },
    authorizeForward(client, packet) {
      if (isInternal(packet.topic)) return null
      const account = accounts.get(client)
      if (!account || !mayReceive(account, packet.topic) || !hasRoom(client) || mustQueue(client, packet)) return null
      // aedes lowers the QoS to the subscription's only where the filter has no wildcard (MQTT 5.0, 3.8.4).
      if (packet.qos === 2) packet.qos = grantedQos(client, packet.topic)
      return packet
    },
  }
}

/** The highest QoS among the client's subscriptions that match. */
function grantedQos(client: Client, topic: string): 0 | 1 | 2 {
  const granted = Object.entries(subscriptionsOf(client)).filter(([filter]) => filterCovers(filter, topic))
  // A message from the queue of a session may have no live subscription any more: it keeps what it was queued with.
  return granted.length === 0 ? 2 : (Math.max(...granted.map(([, { qos }]) => qos)) as 0 | 1 | 2)
}

const subscriptionsOf = (client: Client) =>
  (client as unknown as { subscriptions: Record<string, Subscription> }).subscriptions

const REFUSALS = {
  [IDENTIFIER_REJECTED]: 'a client of another login has this identifier',
  [BAD_USERNAME_OR_PASSWORD]: 'the user name or password is wrong',
  [NOT_AUTHORIZED]: 'not authorized',
}

const authenticateError = (returnCode: keyof typeof REFUSALS): Refusal =>
  Object.assign(new Error(REFUSALS[returnCode]), { returnCode })
