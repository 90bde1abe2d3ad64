import type { MqttClient } from 'mqtt'
import type { Clock } from '../../kernel/clock.ts'
import { Fault } from '../../kernel/fault.ts'
import type { Log } from '../../kernel/log.ts'
import type { Broker, Bus } from '../../kernel/ports.ts'
import { announce, arrivalOf, busLogin, disconnect, publishProperties, refused, type BusWill } from './bus-protocol.ts'
import { openConnection, type Connection } from './connection.ts'
import { createSubscriberList, type Subscriber } from './subscriber-list.ts'
import type { TlsMaterial } from './tls.ts'
import { isFilter, isTopic } from './topic.ts'

export interface BusOptions {
  readonly broker: Broker & { readonly tls?: TlsMaterial }
  readonly clientId: string
  readonly will?: BusWill
  readonly clock: Clock
  readonly log: Log
  /** Ends the wait for the first connection. */
  readonly signal: AbortSignal
}

export interface RunningBus extends Bus {
  /** Disconnects without the will being spoken. */
  stop(): Promise<void>
}

type State =
  | { is: 'connecting'; sinceMs: number; reason: string }
  | { is: 'connected'; sinceMs: number; connection: Connection }
  | { is: 'stopped'; sinceMs: number }

const FIRST_DELAY_MS = 100
const LONGEST_DELAY_MS = 5000
const CONNECT_TIMEOUT_MS = 10_000

/**
 * The hub's own connection. It resolves after the first attempt, whether that came through or not: a remote broker may
 * be down for the moment, and the bus keeps trying. Throws what aborted the signal.
 */
export async function connectBus(options: BusOptions): Promise<RunningBus> {
  const { broker, clock, log } = options
  const subscribers = createSubscriberList((error) => log.error('a listener of the bus failed', { error }))
  const tasks = new Set<() => void>()
  const ending = new AbortController()
  let state: State = { is: 'connecting', sinceMs: clock.now(), reason: 'it is connecting' }
  let cancelRetry = () => {}

  const client = (): MqttClient => {
    if (state.is === 'connected') return state.connection.client
    throw new Fault('unavailable', `The bus is not connected to the broker at ${broker.url}.`, {
      hint: state.is === 'connecting' ? state.reason : 'The hub is shutting down.',
    })
  }

  const connectOnce = async (signal: AbortSignal, delayMs = FIRST_DELAY_MS): Promise<void> => {
    try {
      adopt(
        await openConnection(
          broker.url,
          { ...busLogin(broker, options.clientId, options.will), connectTimeout: CONNECT_TIMEOUT_MS },
          signal,
        ),
      )
    } catch (error) {
      if (state.is === 'stopped') return
      const reason = error instanceof Error ? error.message : String(error)
      // Once for each reason: a broker that is away for a night would fill the log.
      if (state.is !== 'connecting' || state.reason !== reason) log.warn('the bus could not connect', { reason })
      state = { is: 'connecting', sinceMs: state.sinceMs, reason }
      retry(delayMs)
    }
  }

  const retry = (delayMs: number) => {
    // Half of it by chance, so that many clients of a restarted broker do not come all at once.
    const jitteredMs = delayMs / 2 + (Math.random() * delayMs) / 2
    const next = Math.min(delayMs * 2, LONGEST_DELAY_MS)
    cancelRetry = clock.after(jitteredMs, () => void connectOnce(ending.signal, next))
  }

  const adopt = (connection: Connection) => {
    const { client } = connection
    client.on('message', (topic, payload, packet) =>
      subscribers.dispatch(arrivalOf(connection, { topic, payload, packet })),
    )
    client.once('close', () => {
      // Makes what is in flight fail now instead of never.
      client.end(true)
      if (state.is !== 'connected' || state.connection !== connection) return
      log.warn('the bus lost its connection', { broker: broker.url })
      state = { is: 'connecting', sinceMs: clock.now(), reason: 'the connection to the broker broke' }
      retry(FIRST_DELAY_MS)
    })
    if (state.is === 'stopped') return void client.end(true)
    state = { is: 'connected', sinceMs: clock.now(), connection }
    for (const { filter, qos, identifier } of subscribers.renew())
      announce(connection, filter, qos, identifier).catch((error: unknown) =>
        log.error('the bus could not subscribe again', { filter, error }),
      )
    for (const task of tasks) run(task)
  }

  const run = (task: () => void) => {
    try {
      task()
    } catch (error) {
      log.error('a task of the bus failed', { error })
    }
  }

  const end = async (subscriber: Subscriber) => {
    if (subscribers.remove(subscriber) > 0 || state.is !== 'connected') return
    // A connection that breaks meanwhile has ended the subscription as well.
    await state.connection.client.unsubscribeAsync(subscriber.filter).catch(() => undefined)
  }

  await connectOnce(AbortSignal.any([options.signal, ending.signal]))
  if (options.signal.aborted) {
    state = { is: 'stopped', sinceMs: clock.now() }
    cancelRetry()
    throw options.signal.reason
  }

  return {
    async publish(topic, payload, { qos = 0, retain = false, properties } = {}) {
      if (!isTopic(topic)) throw new Fault('invalid_input', `${JSON.stringify(topic)} is not a topic to publish to.`)
      const connected = client()
      await new Promise<void>((resolve, reject) => {
        connected.publish(
          topic,
          payload,
          { qos, retain, ...(properties && { properties: publishProperties(properties) }) },
          (error) => (error ? reject(refused(error, `The message to ${topic} was not delivered`)) : resolve()),
        )
      })
    },
    async subscribe(filter, qos, listener) {
      if (!isFilter(filter)) throw new Fault('invalid_input', `${JSON.stringify(filter)} is not a topic filter.`)
      const subscriber = subscribers.add(filter, qos, listener)
      let ended = false
      const stop = async () => {
        if (ended) return
        ended = true
        await end(subscriber)
      }
      // While it is not connected, the next connection takes the subscription along.
      if (state.is !== 'connected') return stop
      const { connection } = state
      try {
        await announce(connection, filter, subscribers.qosOf(filter), subscriber.identifier)
      } catch (error) {
        if (state.is === 'connected' && state.connection === connection) {
          subscribers.remove(subscriber)
          throw refused(error, `The subscription to ${filter} was not made`)
        }
      }
      return stop
    },
    onConnect(task) {
      tasks.add(task)
      if (state.is === 'connected') run(task)
      return () => void tasks.delete(task)
    },
    report() {
      const { sinceMs } = state
      if (state.is === 'connected') return { status: 'available', sinceMs }
      return { status: 'unavailable', sinceMs, reason: state.is === 'connecting' ? state.reason : 'it was stopped' }
    },
    async stop() {
      const before = state
      state = { is: 'stopped', sinceMs: clock.now() }
      cancelRetry()
      ending.abort(new Fault('stopping', 'The bus is stopping.'))
      if (before.is === 'connected') await disconnect(before.connection.client)
    },
  }
}
