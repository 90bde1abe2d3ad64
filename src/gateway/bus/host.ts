import type { Clock } from '../../kernel/clock.ts'
import type { Events } from '../../kernel/events.ts'
import { Fault, faultBody, hubStopping, toFault } from '../../kernel/fault.ts'
import type { Invoke } from '../../kernel/invoke.ts'
import type { Log } from '../../kernel/log.ts'
import type { Broker, Bus, BusMessage } from '../../kernel/ports.ts'
import type { Registry } from '../../kernel/registry.ts'
import type { StatusReport } from '../../kernel/status.ts'
import { describe } from './description.ts'
import { LONGEST_MESSAGE_BYTES, readRequest, type Answer, type Request } from './messages.ts'
import { ServedCalls } from './served-calls.ts'
import type { Status } from './status.ts'
import { answerTopic, isLevel, metaTopic, requestTopic, statusTopic, type Place } from './topics.ts'

export interface BusHostOptions {
  readonly bus: Bus
  readonly broker: Pick<Broker, 'enforcesIdentity'>
  readonly invoke: Invoke
  readonly registry: Registry
  readonly events: Events
  readonly clock: Clock
  readonly log: Log
  readonly version: string
  readonly place: Place
  /** Services that this process could run and does not: what an earlier run of it told hubs of them is taken back. */
  readonly others: readonly string[]
  /** This run of the process; the will that its connection leaves says the same. */
  readonly boot: string
}

export interface BusHost {
  /** Says goodbye, refuses new calls, and lets the running ones end for `graceMs`. */
  stop(graceMs: number): Promise<void>
}

/** Calls that run at once, of all hubs. */
const MOST_RUNNING = 1024

/** Runs of hubs whose calls are remembered; the one that was silent for longest goes. */
const MOST_HUBS = 16

/** A status that changes often is told once. */
const STATUS_DELAY_MS = 50

/** What the broker says of the process when it went without a word: at once, because hubs wait for its answers. */
export const hostWill = (place: Place, boot: string) => ({
  topic: statusTopic(place),
  payload: JSON.stringify({ is: 'gone', boot } satisfies Status),
  qos: 1 as const,
  retain: true,
})

/**
 * Offers the services of this process to the hubs at its broker. Who asks is what the hub says: only hubs can write where
 * requests come from. Throws Fault `forbidden` where the broker is not known to see to that.
 */
export async function startBusHost(options: BusHostOptions): Promise<BusHost> {
  const { bus, invoke, registry, events, clock, log, version, place, others, boot } = options
  if (!options.broker.enforcesIdentity) throw unguarded()
  const hubs = new Map<string, ServedCalls>()
  const metas = new Map<string, string>()
  const startedMs = clock.now()
  let turns = 0
  let cancelStatus = () => {}
  let isStopping = false
  let drained = () => {}

  const retain = (topic: string, payload: string) =>
    bus
      .publish(topic, payload, { qos: 1, retain: true })
      .catch((error: unknown) => log.debug('presence was not published', { topic, error }))

  const publishStatus = () => {
    const services = Object.fromEntries([...registry.providers()].map(({ id, report }) => [id, reportOf(report())]))
    return retain(statusTopic(place), JSON.stringify({ is: 'here', boot, startedMs, services } satisfies Status))
  }

  const publishStatusSoon = () => {
    cancelStatus()
    cancelStatus = clock.after(STATUS_DELAY_MS, () => void publishStatus())
  }

  const publishDescriptions = () => {
    for (const provider of registry.providers()) {
      try {
        const text = describe(provider, version)
        if (metas.get(provider.id) === text) continue
        metas.set(provider.id, text)
        void retain(metaTopic(place, provider.id), text)
      } catch (error) {
        log.error(`${provider.id} cannot be offered`, { error })
      }
    }
  }

  const publishAll = () => {
    // The broker may have lost what it retained.
    metas.clear()
    // In this order: what is described is there already then.
    void publishStatus()
    publishDescriptions()
    for (const service of others) void retain(metaTopic(place, service), '')
  }

  const callsOf = (hub: string): ServedCalls => {
    const known = hubs.get(hub)
    if (known) {
      known.turn = ++turns
      return known
    }
    const byTurn = [...hubs].toSorted(([, a], [, b]) => a.turn - b.turn)
    const [silent] = byTurn.find(([, { running }]) => running === 0) ?? []
    if (hubs.size >= MOST_HUBS && silent !== undefined) hubs.delete(silent)
    const calls = new ServedCalls(++turns)
    hubs.set(hub, calls)
    return calls
  }

  const send = (hub: string, text: string) =>
    bus.publish(answerTopic(place, hub), text).catch((error: unknown) =>
      // The hub asks again when it sees this process come back.
      log.debug('an answer waits for the broker', { hub, error }),
    )

  const say = (hub: string, answer: Answer) => void send(hub, JSON.stringify(answer))

  const running = () => [...hubs.values()].reduce((sum, calls) => sum + calls.running, 0)

  const perform = async (calls: ServedCalls, call: CallRequest): Promise<void> => {
    const { hub, number, operation, input, caller, trace } = call
    const controller = new AbortController()
    calls.begin(number, controller)
    let text: string
    try {
      const value = await invoke({
        operation,
        input,
        caller,
        controller,
        // The hub does that, if anybody: it has others to ask.
        retry: false,
        ...(trace !== undefined && { trace }),
        emit: (progress) => say(hub, { is: 'progress', boot, number, progress }),
      })
      text = resultOf(operation, { is: 'result', boot, number, value: value ?? null })
    } catch (error) {
      const fault = toFault(error, (reference, cause) => log.error('a call failed', { reference, error: cause }))
      text = JSON.stringify({
        is: 'fault',
        boot,
        number,
        ran: fault.code !== 'unknown_operation',
        fault: faultBody(fault),
      })
    }
    calls.end(number, text)
    void send(hub, text)
    if (isStopping && running() === 0) drained()
  }

  const onCall = (call: CallRequest) => {
    const { hub, number, floor } = call
    const calls = callsOf(hub)
    calls.settle(floor)
    const state = calls.look(number)
    if (state === 'ignore') return
    if (typeof state === 'object') return void send(hub, state.answer)
    const refuse = (fault: Fault, ran: boolean) => say(hub, { is: 'fault', boot, number, ran, fault: faultBody(fault) })
    if (state === 'lost') return refuse(answerLost(call.operation), true)
    if (isStopping) return refuse(hubStopping(), false)
    if (running() >= MOST_RUNNING) return refuse(tooMany(), false)
    void perform(calls, call)
  }

  const onRequest = ({ payload, retain: isRetained, topic }: BusMessage) => {
    // A retained call would run again with every start.
    if (isRetained) return log.warn('a retained request was ignored', { topic })
    const request = readRequest(payload)
    if (!request || !isLevel(request.hub)) return log.warn('a request was ignored: this version cannot read it')
    if (request.is === 'hello') return say(request.hub, { is: 'here', boot })
    if (request.is === 'cancel') return hubs.get(request.hub)?.cancel(request.number, withdrawn())
    return onCall(request)
  }

  const endRequests = await bus.subscribe(requestTopic(place), 0, (message) => {
    try {
      onRequest(message)
    } catch (error) {
      log.warn('a request was ignored', { error })
    }
  })
  const ends = [
    bus.onConnect(publishAll),
    events.on('tools.changed', publishDescriptions),
    events.on('status.changed', publishStatusSoon),
  ]

  return {
    async stop(graceMs) {
      isStopping = true
      for (const end of ends) end()
      cancelStatus()
      await retain(statusTopic(place), JSON.stringify({ is: 'stopped', boot, atMs: clock.now() } satisfies Status))
      if (running() > 0) {
        const done = new Promise<void>((resolve) => (drained = resolve))
        const cancel = clock.after(graceMs, () => {
          for (const calls of hubs.values()) calls.cancelAll(hubStopping())
        })
        await done
        cancel()
      }
      await endRequests().catch((error: unknown) => log.debug('a subscription was not ended', { error }))
    },
  }
}

type CallRequest = Extract<Request, { is: 'call' }>

const reportOf = ({ status, sinceMs, reason }: StatusReport): StatusReport => ({
  status,
  sinceMs,
  ...(reason !== undefined && { reason: reason.slice(0, 1000) }),
})

function resultOf(operation: string, answer: Answer): string {
  const text = JSON.stringify(answer)
  if (text.length <= LONGEST_MESSAGE_BYTES && Buffer.byteLength(text) <= LONGEST_MESSAGE_BYTES) return text
  throw new Fault('too_large', `The result of ${operation} is longer than ${LONGEST_MESSAGE_BYTES} bytes.`, {
    hint: 'Ask for less at once.',
  })
}

const withdrawn = () => new Fault('cancelled', 'The call was withdrawn by its caller.')

const answerLost = (operation: string) =>
  new Fault('upstream_failed', `${operation} was done, and its answer is lost: the connection was away for too long.`)

const tooMany = () =>
  new Fault('rate_limited', `${MOST_RUNNING} calls run already.`, {
    hint: 'Try again in a moment.',
    retryAfterMs: 1000,
  })

const unguarded = () =>
  new Fault('forbidden', 'Calls over this broker are refused: it is not known to check who writes them.', {
    hint:
      'Use the broker of a hub, and say so with broker.enforcesIdentity (ALICIA_BROKER_ENFORCES_IDENTITY=true); for ' +
      'another broker, see what its access list has to say in docs/guide/services-as-processes.md.',
  })
