import type { TLSSocket } from 'node:tls'
import type { IConnackPacket, MqttClient } from 'mqtt'
import { Fault } from '../../kernel/fault.ts'
import type { Connection, ConnectionState, Endpoint, Wanted } from './connection.ts'
import { createEnding } from './ending.ts'
import { reasonText } from './reason-codes.ts'

/** How long a broker may take to confirm the end of a subscription or of the connection, milliseconds. */
const GOODBYE_MS = 1000

/** A broker that says nothing for so long, while an answer is due, is as good as gone. Milliseconds. */
const ANSWER_MS = 20_000

/** What `openConnection` makes of an mqtt.js client whose CONNACK has come. */
export function liveConnection(
  client: MqttClient,
  endpoint: Endpoint,
  connack: IConnackPacket,
  tlsSocket: TLSSocket | undefined,
): Connection {
  let state: ConnectionState = { is: 'open' }
  let said: string | undefined
  const ending = createEnding()
  const routes = new Set<Wanted>()
  const waiting = new Set<(error: Fault) => void>()
  const pings: (() => void)[] = []

  client.on('message', (_topic, _payload, packet) => {
    for (const route of routes) if (route.matches(packet.topic)) route.listener(packet)
  })
  // Bytes that are no MQTT, or an answer to nothing: what follows could not be trusted (MQTT 5 §4.13.1).
  client.on('error', (error) => {
    said ??= error.message
    client.stream.destroy()
  })
  client.on('disconnect', ({ reasonCode }) => (said = `the broker ended it: ${reasonText(reasonCode ?? 0)}`))
  client.once('close', () => {
    state = { is: 'closed', reason: said ?? 'the broker closed the connection' }
    ending.end(state.reason)
    for (const fail of waiting) fail(lost(state.reason))
  })
  // mqtt.js pings by itself too: answers come in order, so each request sent takes its place in the queue.
  let ownPing: (() => void) | undefined
  client.on('packetsend', ({ cmd }) => {
    if (cmd !== 'pingreq') return
    pings.push(ownPing ?? (() => undefined))
    ownPing = undefined
  })
  client.on('packetreceive', ({ cmd }) => {
    if (cmd === 'pingresp') pings.shift()?.()
  })

  /** The answer, or a fault as soon as the connection ends or the signal aborts: mqtt.js would wait for ever. */
  const answered = <T>(ask: (done: (error: unknown, value: T) => void) => void, signal: AbortSignal): Promise<T> => {
    const { promise, resolve, reject } = Promise.withResolvers<T>()
    const aborted = () => reject(signal.reason)
    let silence: NodeJS.Timeout | undefined
    if (signal.aborted) aborted()
    else if (state.is === 'closed') reject(lost(state.reason))
    else {
      signal.addEventListener('abort', aborted, { once: true })
      waiting.add(reject)
      silence = setTimeout(() => {
        said ??= `it did not answer within ${ANSWER_MS / 1000} s`
        client.stream.destroy()
      }, ANSWER_MS)
      ask((error, value) => (error instanceof Error ? reject(error) : resolve(value)))
    }
    return promise.finally(() => {
      clearTimeout(silence)
      signal.removeEventListener('abort', aborted)
      waiting.delete(reject)
    })
  }

  const close = async () => {
    if (state.is === 'closed') return
    said ??= 'it was closed by the hub'
    client.end(false)
    const force = setTimeout(() => client.stream.destroy(), GOODBYE_MS)
    await ending.closed
    clearTimeout(force)
  }

  return {
    clientId: endpoint.clientId,
    protocolVersion: endpoint.protocolVersion,
    connack,
    tlsSocket,
    state: () => state,
    closed: ending.closed,
    onClosed: (listener) => ending.onClosed(listener),
    close,
    async subscribe(wanted, qos, signal) {
      // Before the request: retained messages may arrive before its acknowledgement (MQTT 5 §3.8.4).
      for (const route of wanted) routes.add(route)
      const filters = wanted.map(({ filter }) => filter)
      const end = async () => {
        for (const route of wanted) routes.delete(route)
        if (state.is === 'closed') return
        const patience = AbortSignal.timeout(GOODBYE_MS)
        await answered<unknown>((done) => client.unsubscribe(filters, done), patience).catch(close)
      }
      try {
        const granted = await answered<readonly number[]>(
          (done) =>
            // A refusal of one filter is an error to mqtt.js, but the broker answers each by itself.
            client.subscribe(filters, { qos }, (error, _grants, packet) =>
              packet === undefined ? done(error, []) : done(null, packet.granted.map(Number)),
            ),
          signal,
        )
        return { granted, end }
      } catch (error) {
        await end()
        throw error
      }
    },
    publish: ({ topic, payload, qos, retain, properties }, signal) =>
      answered<number>(
        (done) =>
          client.publish(topic, payload, { qos, retain, ...(properties && { properties }) }, (error, packet) =>
            // A refusal is an answer: the caller knows best what it means.
            isRefusal(error) ? done(null, error.code) : done(error, reasonCodeOf(packet)),
          ),
        signal,
      ),
    ping: (signal) => {
      const startMs = performance.now()
      return answered<number>((done) => {
        ownPing = () => done(null, performance.now() - startMs)
        client.sendPing()
      }, signal)
    },
  }
}

const isRefusal = (error: unknown): error is { code: number } =>
  error instanceof Error && 'code' in error && typeof error.code === 'number'

const reasonCodeOf = (packet: object | undefined): number =>
  packet !== undefined && 'reasonCode' in packet && typeof packet.reasonCode === 'number' ? packet.reasonCode : 0

const lost = (reason: string) =>
  new Fault('unavailable', `The connection to the broker was lost: ${reason}.`, {
    hint: 'Try again: the session connects anew by itself.',
  })
