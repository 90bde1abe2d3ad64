import type { Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import { connect, type IConnackPacket, type MqttClient } from 'mqtt'
import { WebSocket } from 'ws'
import type { Connection, Endpoint } from './connection.ts'
import { liveConnection } from './live-connection.ts'
import { createPacketMeter } from './packet-meter.ts'

/** The broker closed the connection before it answered: what brokers of old do on a protocol they do not know. */
export class ClosedEarly extends Error {}

/**
 * The largest packet it takes in, bytes: about what a collection may hold. MQTT allows 256 MB, all of which would be in
 * memory before anybody saw it.
 */
const LARGEST_PACKET = 64 * 1024 * 1024

/** The longest delay a timer takes: how long to wait for the broker is the caller's signal's to say. */
const NEVER_MS = 2_147_483_647

/** Connects and waits for the CONNACK. Throws what the socket, TLS, mqtt.js or the signal said. */
export async function openConnection(endpoint: Endpoint, signal: AbortSignal): Promise<Connection> {
  signal.throwIfAborted()
  const { target, tls } = endpoint
  let upgraded: Socket | undefined
  const client = connect({
    protocol: target.protocol,
    host: target.host,
    port: target.port,
    ...(target.path !== undefined && { path: target.path }),
    clientId: endpoint.clientId,
    protocolVersion: endpoint.protocolVersion,
    ...(target.username !== undefined && { username: target.username }),
    ...(target.password !== undefined && { password: target.password }),
    keepalive: endpoint.keepAliveSeconds,
    clean: true,
    reconnectPeriod: 0,
    connectTimeout: NEVER_MS,
    // Brokers that speak MQTT 5 then leave larger messages out; the others are stopped by the meter.
    ...(endpoint.protocolVersion === 5 && { properties: { maximumPacketSize: LARGEST_PACKET } }),
    ...(tls.ca !== undefined && { ca: tls.ca }),
    ...(tls.cert !== undefined && { cert: tls.cert }),
    ...(tls.key !== undefined && { key: tls.key }),
    rejectUnauthorized: tls.rejectUnauthorized,
    createWebsocket: (url: string, protocols: string[], { wsOptions }: { wsOptions?: object }) =>
      new WebSocket(url, protocols, wsOptions).on('upgrade', ({ socket }) => (upgraded = socket)),
  })
  client.stream.on(
    'data',
    createPacketMeter(LARGEST_PACKET, (bytes) => {
      client.emit('error', new Error(`it sent a packet of ${bytes} bytes; at most ${LARGEST_PACKET} are taken`))
    }),
  )
  try {
    const connack = await greeted(client, signal)
    const socket = upgraded ?? client.stream
    // Without it the last small packet of an exchange waits for the peer's delayed acknowledgement: 40 ms a call.
    if ('setNoDelay' in socket) socket.setNoDelay(true)
    return liveConnection(client, endpoint, connack, socket instanceof TLSSocket ? socket : undefined)
  } catch (error) {
    client.end(true)
    throw error
  }
}

function greeted(client: MqttClient, signal: AbortSignal): Promise<IConnackPacket> {
  const { promise, resolve, reject } = Promise.withResolvers<IConnackPacket>()
  const aborted = () => reject(signal.reason)
  signal.addEventListener('abort', aborted, { once: true })
  client.once('connect', resolve)
  // It stays for the life of the connection: later errors end in the state, and one without a listener would be thrown.
  client.on('error', reject)
  // mqtt.js keeps errors without a code to itself; those of WebSocket have none.
  client.stream.on('error', reject)
  client.once('close', () => reject(new ClosedEarly('The connection was closed before the broker answered.')))
  return promise.finally(() => signal.removeEventListener('abort', aborted))
}
