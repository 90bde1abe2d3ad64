import type { AedesOptions, AedesPublishPacket, Client, Subscription } from 'aedes'
import type { Log } from '../../kernel/log.ts'
import { filterCovers } from '../../kernel/topic.ts'
import { mayPublish, mayReceive, maySubscribe, type Account } from './access.ts'
import { disconnect, type Member, type Members } from './members.ts'
import type { Packet } from './packet.ts'
import type { Persistence } from './persistence.ts'
import type { BrokerQuotas, NoteLimit } from './quotas.ts'
import { REASONS, refusedAck } from './refusal.ts'
import { isFilter, isTopic } from './topic.ts'

/** The hooks by which aedes asks who somebody is and what they may do. */
export type Authorization = Required<
  Pick<AedesOptions, 'preConnect' | 'authenticate' | 'authorizePublish' | 'authorizeSubscribe' | 'authorizeForward'>
>

export interface AuthorizationOptions {
  readonly members: Members
  readonly quotas: BrokerQuotas
  readonly note: NoteLimit
  readonly log: Log
  readonly persistence: Pick<
    Persistence,
    'storeFirst' | 'refuse' | 'isDraining' | 'retainedWith' | 'unreleased' | 'isUnreleased'
  >
  /** What an account may that is not here; undefined: it is no more. */
  readonly accountNamed: (name: string) => Account | undefined
  /** Whether the client's connection can take one more message now. */
  readonly hasRoom: (client: Client) => boolean
  /** Whether it is the broker's talk with itself: who connects, and to what they subscribe. */
  readonly isInternal: (topic: string) => boolean
}

type Callback = (error?: Error | null) => void

/** A message as it comes in. */
type Incoming = Parameters<Authorization['authorizePublish']>[1]

/** The access list and the quotas as aedes's hooks. */
export function authorization(options: AuthorizationOptions): Authorization {
  const { members, quotas, note, log, persistence, accountNamed, hasRoom, isInternal } = options

  /** Of a live message for a session: it is in the queue already. The queue itself comes without the mark `nl`. */
  const mustQueue = (client: Client, packet: AedesPublishPacket) =>
    packet.qos > 0 && 'nl' in packet && !client.clean && persistence.isDraining(client.id)

  const store = (client: Client | null, packet: Incoming, callback: Callback) => {
    try {
      if (packet.qos === 1) persistence.storeFirst(packet as unknown as Packet, client?.id)
    } catch (error) {
      return callback(error as Error)
    }
    callback(null)
  }

  /** A will of an earlier run, whose client is not here: what its account may now decides. Earlier versions noted none. */
  const maySpeak = (will: Incoming & { account?: string }): boolean => {
    if (will.account === undefined) return true
    const account = accountNamed(will.account)
    return account !== undefined && mayPublish(account, will.topic)
  }

  const holdsTooMuch = ({ account }: Member, packet: Incoming): boolean => {
    if (!packet.retain || packet.payload.length === 0) return false
    const { count, bytes } = persistence.retainedWith(packet, account.name)
    return count > quotas.retainedPerUser || bytes > quotas.retainedMegabytesPerUser * 1_000_000
  }

  /** A client of MQTT 5 hears why; of the others the message goes out, and is not kept. */
  const refuseRetained = (client: Client, packet: Incoming, callback: Callback) => {
    if (client.version !== 5 || packet.qos === 0) {
      packet.retain = false
      return store(client, packet, callback)
    }
    client.conn.write(
      refusedAck(packet.qos, packet.messageId ?? 0, REASONS.quotaExceeded, 'too much is retained for this user'),
    )
    // aedes publishes nothing that carries this mark of its own, and says nothing more about it.
    Object.assign(packet, { _notAuthorized: true })
    callback(null)
  }

  const overruns = (client: Client, { qos, messageId = 0 }: Incoming): boolean =>
    qos === 2 &&
    persistence.unreleased(client.id) >= quotas.inflightPerClient &&
    !persistence.isUnreleased(client.id, messageId)

  const publish = (client: Client, member: Member, packet: Incoming, callback: Callback) => {
    if (overruns(client, packet)) {
      note('mqtt_inflight_per_client', member.account.name)
      return disconnect(client, REASONS.receiveMaximumExceeded)
    }
    if (!holdsTooMuch(member, packet)) return store(client, packet, callback)
    note('mqtt_retained_per_user', member.account.name)
    refuseRetained(client, packet, callback)
  }

  return {
    preConnect(client, packet, callback) {
      // Kept by filter: `constructor` must not be found before it is subscribed to.
      Object.setPrototypeOf(subscriptionsOf(client), null)
      if (packet.will && !isTopic(packet.will.topic)) return callback(new Error('the will has no valid topic'), false)
      if (packet.will) members.noteWill(client, packet.will.topic)
      callback(null, true)
    },
    authenticate(client, username, password, done) {
      members.admit(client, { username, password }, done)
    },
    authorizePublish(client, packet, callback) {
      if (!client)
        return maySpeak(packet) ? store(null, packet, callback) : callback(new Error('whose will it is may not say it'))
      const member = members.of(client)
      if (!member || !mayPublish(member.account, packet.topic))
        return callback(new Error(`${member?.account.name ?? 'nobody'} may not publish to ${packet.topic}`))
      if (!member.bounds) return store(client, packet, callback)
      member.bounds.pacer.run(() => publish(client, member, packet, callback))
    },
    authorizeSubscribe(client, subscription, callback) {
      if (!isFilter(subscription.topic)) return callback(new Error('the topic filter is not valid'))
      const member = members.of(client)
      const { filters } = member?.bounds ?? {}
      if (member && maySubscribe(member.account, subscription.topic)) {
        if (!filters || filters.has(subscription.topic) || filters.size < quotas.subscriptionsPerClient) {
          filters?.add(subscription.topic)
          return callback(null, subscription)
        }
        note('mqtt_subscriptions_per_client', member.account.name)
      } else
        log.warn('a subscription was refused', {
          client: client.id,
          account: member?.account.name,
          filter: subscription.topic,
        })
      // Also where it was granted once, to a session that comes back.
      persistence.refuse(subscription, client.id)
      callback(null, null)
    },
    authorizeForward(client, packet) {
      if (isInternal(packet.topic)) return null
      const member = members.of(client)
      if (!member || !mayReceive(member.account, packet.topic) || !hasRoom(client) || mustQueue(client, packet))
        return null
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
