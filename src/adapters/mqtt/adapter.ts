import type { Caller } from '../../kernel/caller.ts'
import { Fault } from '../../kernel/fault.ts'
import { OWNER, type Holder } from '../../kernel/identity.ts'
import type { Invoke } from '../../kernel/invoke.ts'
import type { Broker, BusMessage } from '../../kernel/ports.ts'
import type { Role } from '../../kernel/role.ts'
import type { Progress } from '../../kernel/tool.ts'
import { createCalls, type MqttCall } from './calls.ts'
import { startPresence, type PresenceOptions } from './presence.ts'
import { progressReporter } from './progress.ts'
import { faultAnswer, replyOf, type Reply, type ReplyRoute } from './reply.ts'
import { readRequest, type Request } from './request.ts'
import { addressOf, mayAnswerAt, OWNER_LOGIN, REQUEST_FILTERS, type Address } from './topics.ts'

/** A configured user of the hub's broker, as far as operations are concerned. */
export interface MqttUser {
  readonly name: string
  readonly scopes: readonly string[]
  /** Absent: it decides alone. */
  readonly role?: Role
}

export interface MqttAdapterOptions extends PresenceOptions {
  broker: Pick<Broker, 'enforcesIdentity'>
  invoke: Invoke
  users: readonly MqttUser[]
  /** Whom else the broker lets write below `alicia/v1/as/<login>/`: people and tokens of the hub, as they are now. */
  holderOf?: (login: string) => Holder | undefined
}

export interface MqttAdapter {
  /** Says that the hub is gone, takes no more requests and answers those that run. */
  stop(): Promise<void>
}

/** How long running requests may take to end when the hub stops. */
const STOP_GRACE_MS = 1000

/** An answer without a deadline of its request waits this long for a caller that is away. */
const REPLY_EXPIRY_SECONDS = 300

/** Offers every operation as request and response over MQTT, and announces the hub and its services there. */
export async function createMqttAdapter(options: MqttAdapterOptions): Promise<MqttAdapter> {
  const { bus, broker, invoke, clock, log, users, holderOf = () => undefined } = options
  const calls = createCalls({ invoke, clock, log })
  const replies = new Set<Promise<void>>()
  const holders = new Map<string, Holder>(
    users.map(({ name, scopes, role }) => [
      name,
      { id: `mqtt:${name}`, name, scopes, credential: `mqtt:${name}`, ...(role && { role }) },
    ]),
  )

  const send = ({ topic, payload, options }: Reply): Promise<void> =>
    bus.publish(topic, payload, options).catch((error: unknown) => log.warn('an answer was lost', { topic, error }))

  /** Who sends it. Nothing but the topic says so, and only where the broker guards it. */
  const callerOf = ({ login }: Address): Caller => {
    if (!broker.enforcesIdentity) throw unguarded()
    const holder = login === OWNER_LOGIN ? OWNER : (holders.get(login) ?? holderOf(login))
    if (holder) return { ...holder, via: 'mqtt' }
    throw new Fault('unauthenticated', `There is no MQTT user called ${JSON.stringify(login)}.`, {
      hint: 'Users are the people of the hub, those of its tokens that are logged in, and broker.users of the configuration.',
    })
  }

  const perform = async (address: Address, request: Request, payload: Buffer): Promise<void> => {
    const route = routeOf(request)
    const startMs = clock.monotonic()
    const progress = route && request.wantsProgress ? progressReporter(route, send) : undefined
    const emit = progress && ((news: Progress) => progress.emit(news))
    const answer = await answerTo(address, request, payload, emit)
    if (!route) return log.debug('nobody asked for the answer', { operation: address.operation, status: answer.status })
    const late = { ...route, expirySeconds: remaining(route.expirySeconds, clock.monotonic() - startMs) }
    await send(replyOf(late, answer, progress?.end()))
  }

  const answerTo = async (address: Address, request: Request, payload: Buffer, emit?: MqttCall['emit']) => {
    try {
      const { operation } = address
      return await calls.answer({ caller: callerOf(address), operation, request, payload, ...(emit && { emit }) })
    } catch (error) {
      if (error instanceof Fault) return faultAnswer(error)
      throw error
    }
  }

  const onRequest = (message: BusMessage) => {
    const { topic } = message
    const address = addressOf(topic)
    if (!address) return
    // A retained command would be run again by every start of the hub.
    if (message.retain) return log.warn('a retained request was ignored: publish requests without retain', { topic })
    const request = readRequest(message)
    const { replyTo } = request
    if (replyTo.form !== 'none' && !mayAnswerAt(replyTo.topic, address))
      return log.warn(`a request was refused: its answer may only go below ${address.replyPrefix}`, {
        topic,
        responseTopic: replyTo.topic.slice(0, 200),
      })
    const reply = perform(address, request, message.payload).finally(() => replies.delete(reply))
    replies.add(reply)
  }

  const ends = await Promise.all(REQUEST_FILTERS.map((filter) => bus.subscribe(filter, 1, onRequest)))
  const presence = await startPresence(options)

  return {
    async stop() {
      await presence.stop()
      const unsubscribed = ends.map((end) => end().catch((error: unknown) => log.debug('still subscribed', { error })))
      await Promise.all([...unsubscribed, calls.close(STOP_GRACE_MS)])
      await Promise.all(replies)
    },
  }
}

function routeOf({ replyTo, qos, timeoutMs }: Request): ReplyRoute | undefined {
  if (replyTo.form === 'none') return undefined
  return { to: replyTo, qos, expirySeconds: timeoutMs === undefined ? REPLY_EXPIRY_SECONDS : timeoutMs / 1000 }
}

/** Whole seconds that are left, at least one: an answer that expires at once would never arrive. */
const remaining = (seconds: number, passedMs: number) => Math.max(1, Math.ceil(seconds - passedMs / 1000))

const unguarded = () =>
  new Fault('forbidden', 'Requests over MQTT are refused: this broker is not known to check who writes them.', {
    hint:
      'Use the hub’s own broker; or let yours keep alicia/v1/req/# for the owner and alicia/v1/as/<user>/# for that ' +
      'user, and set broker.enforcesIdentity.',
  })
