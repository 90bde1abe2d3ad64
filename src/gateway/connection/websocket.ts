import { WebSocket } from 'ws'
import type { Clock } from '../../kernel/clock.ts'
import { Fault } from '../../kernel/fault.ts'
import type { Transport } from '../../kernel/mcp/server-definition.ts'
import { Channel } from './channel.ts'
import { brokenOff, redirectFault, refusalOf } from './http-fault.ts'
import type { WireOptions } from './wire.ts'

/** Bytes that may wait for a server that does not read. */
const LARGEST_QUEUE_BYTES = 8 * 1024 * 1024
/** A connection on which nothing came for so long is asked for a sign of life, and given up when none comes. */
const QUIET_MS = 30_000
/** How long the other side may take to say goodbye. */
const GOODBYE_MS = 1000

/** MCP over a WebSocket: one message a frame, subprotocol `mcp`. Throws Fault, LoginRequired. */
export async function overWebSocket(
  transport: Extract<Transport, { kind: 'websocket' }>,
  options: WireOptions & { readonly moreHeaders?: () => Promise<Readonly<Record<string, string>>> },
  signal: AbortSignal,
): Promise<Channel> {
  const headers = { ...transport.headers, ...(await options.moreHeaders?.()) }
  const address = { url: transport.url, headers }
  const socket = await open(address, ['mcp'], options, signal).catch((error: unknown) => {
    // Some servers don't know the subprotocol, and name none.
    if (error instanceof Fault && /no subprotocol/i.test(String(error.cause))) return open(address, [], options, signal)
    throw error
  })
  return channelOver(socket, options)
}

interface Address {
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
}

function open(address: Address, protocols: string[], options: WireOptions, signal: AbortSignal): Promise<WebSocket> {
  const { name, clock, maxMessageBytes } = options
  signal.throwIfAborted()
  return new Promise((resolve, reject) => {
    const { headers } = address
    const limits = { maxPayload: maxMessageBytes, perMessageDeflate: false, followRedirects: false }
    const socket = new WebSocket(address.url, protocols, { headers, ...limits })
    const giveUp = () => {
      reject(signal.reason)
      socket.terminate()
    }
    const done = () => signal.removeEventListener('abort', giveUp)
    signal.addEventListener('abort', giveUp)
    socket.once('open', () => {
      done()
      resolve(socket)
    })
    socket.once('unexpected-response', (request, { statusCode = 0, headers }) => {
      done()
      const url = new URL(address.url)
      const answer = { status: statusCode, header: (field: string) => headers[field]?.toString() }
      const isRedirect = statusCode >= 300 && statusCode < 400
      reject(
        isRedirect
          ? redirectFault(name, statusCode, URL.parse(headers.location ?? '', url))
          : refusalOf(name, url, answer, { body: '', clock }),
      )
      request.destroy()
    })
    socket.on('error', (error) => {
      done()
      reject(brokenOff(name, error))
    })
  })
}

function channelOver(socket: WebSocket, options: WireOptions): Channel {
  const { name, clock } = options
  const channel = new Channel(options, {
    write(message) {
      if (socket.bufferedAmount > LARGEST_QUEUE_BYTES)
        throw new Fault('unavailable', `${name} does not read what it is sent.`, { details: { provider: name } })
      socket.send(message)
      return undefined
    },
    close: () => goodbye(socket, clock),
  })
  const stopWatching = watch(socket, clock)
  let broken = ''
  socket.on('message', (data: Buffer) => channel.receive(data.toString()))
  socket.on('error', (error) => (broken = ` (${error.message})`))
  socket.once('close', (code) => {
    stopWatching()
    channel.lost(`its connection closed with code ${code}${broken}`)
  })
  return channel
}

/** A peer that vanished closes nothing: it is noticed by its silence. Returns what ends the watch. */
function watch(socket: WebSocket, clock: Clock): () => void {
  let heard = true
  const hear = () => void (heard = true)
  socket.on('message', hear)
  socket.on('pong', hear)
  let cancel = () => {}
  const look = () => {
    if (!heard) return socket.terminate()
    heard = false
    socket.ping()
    cancel = clock.after(QUIET_MS, look)
  }
  cancel = clock.after(QUIET_MS, look)
  return () => cancel()
}

async function goodbye(socket: WebSocket, clock: Clock): Promise<void> {
  if (socket.readyState === WebSocket.CLOSED) return
  const { promise, resolve } = Promise.withResolvers<void>()
  socket.once('close', () => resolve())
  const cancel = clock.after(GOODBYE_MS, () => socket.terminate())
  socket.close()
  await promise
  cancel()
}
