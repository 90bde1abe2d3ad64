import { once } from 'node:events'
import type { Readable, Writable } from 'node:stream'
import { WebSocket } from 'ws'
import { sleep, type Clock } from '../../kernel/clock.ts'
import { Fault } from '../../kernel/fault.ts'
import { aborted } from './context.ts'
import { HubUnreachable } from './exit-codes.ts'
import type { HubAddress } from './hub-client.ts'
import { readLines } from './message-lines.ts'
import { createOutstanding } from './outstanding.ts'
import { write } from './terminal.ts'

/** A longer line is refused: what it would need in memory would be anybody's to choose. */
const LARGEST_LINE_BYTES = 16 * 1024 * 1024
const HANDSHAKE_MS = 10_000
/** How long answers are waited for once the input has ended: longer than any call may take. */
const DRAIN_MS = 3_660_000

export interface Bridge {
  readonly hub: HubAddress
  /** Absent: everything. */
  readonly profile?: string
  readonly input: Readable
  readonly output: Writable
  readonly clock: Clock
  readonly signal: AbortSignal
}

/**
 * Joins two streams to a hub's MCP endpoint: one JSON-RPC message per line here, one per WebSocket text message there.
 * Resolves when the input has ended and its requests are answered. Throws `HubUnreachable` when the hub goes away.
 */
export async function bridgeToHub({ hub, profile, input, output, clock, signal }: Bridge): Promise<void> {
  const socket = await open(hub, profile, signal)
  const outstanding = createOutstanding()
  const over = closed(socket, hub.url)
  socket.on('message', (data) => {
    const message = (data as Buffer).toString()
    // A line feed is white space in JSON, and here the end of the message.
    if (!output.write(`${message.replaceAll('\n', ' ')}\n`)) {
      socket.pause()
      output.once('drain', () => socket.resume())
    }
    outstanding.received(message)
  })
  const pump = async () => {
    for await (const line of readLines(input, LARGEST_LINE_BYTES)) {
      if (line.is === 'too-long') output.write(`${tooLong()}\n`)
      else if (line.text.trim() !== '') {
        outstanding.sent(line.text)
        await send(socket, line.text)
      }
    }
    await Promise.race([outstanding.settled(), sleep(clock, DRAIN_MS, signal)])
    await write(output, '')
  }
  try {
    await Promise.race([pump(), over, aborted(signal)])
  } finally {
    input.destroy()
    over.catch(() => undefined)
    socket.close(1000)
    if (signal.aborted) socket.terminate()
  }
}

async function open({ url, token }: HubAddress, profile: string | undefined, signal: AbortSignal): Promise<WebSocket> {
  const path = profile === undefined ? 'mcp' : `mcp/${encodeURIComponent(profile)}`
  const address = new URL(path, url.endsWith('/') ? url : `${url}/`)
  address.protocol = address.protocol === 'https:' ? 'wss:' : 'ws:'
  const socket = new WebSocket(address, 'mcp', {
    perMessageDeflate: false,
    handshakeTimeout: HANDSHAKE_MS,
    followRedirects: false,
    ...(token !== undefined && { headers: { authorization: `Bearer ${token}` } }),
  })
  const refused = new Promise<never>((_, reject) =>
    socket.once('unexpected-response', (request, response) => {
      request.destroy()
      reject(refusal(response.statusCode ?? 0, url, profile))
    }),
  )
  try {
    // `once` rejects with the event `error`.
    await Promise.race([once(socket, 'open', { signal }), refused])
    return socket
  } catch (error) {
    socket.on('error', () => undefined).terminate()
    refused.catch(() => undefined)
    if (signal.aborted) throw signal.reason
    throw error instanceof Fault ? error : unreachable(url, error)
  }
}

function refusal(status: number, url: string, profile: string | undefined): Fault {
  if (status === 401 || status === 403)
    return new Fault(status === 401 ? 'unauthenticated' : 'forbidden', `The hub at ${url} refused the access token.`, {
      hint: '`alicia token` prints the one that is valid.',
    })
  if (status === 404 && profile !== undefined)
    return new Fault('not_found', `The hub at ${url} has no profile ${JSON.stringify(profile)}.`, {
      hint: 'Profiles stand in mcp.json; `alicia tools --cost` lists them.',
    })
  return new HubUnreachable(`The hub at ${url} answered ${status} to the WebSocket.`, 'Is it a hub of this version?')
}

const unreachable = (url: string, error: unknown) =>
  new HubUnreachable(`No hub answers at ${url} (${(error as Error).message}).`, 'Start it with `alicia start`.', error)

/** RFC 6455, 7.4.1: the message was larger than the receiver takes. */
const TOO_BIG = 1009

/** Rejects when the connection ends, whoever ended it. */
function closed(socket: WebSocket, url: string): Promise<never> {
  return new Promise((_, reject) => {
    let cause: Error | undefined
    socket.on('error', (error) => (cause = error))
    socket.once('close', (code) =>
      reject(
        code === TOO_BIG
          ? new Fault('too_large', 'A message was larger than the hub takes.', { hint: 'See limits.bodyMegabytes.' })
          : new HubUnreachable(
              `The hub at ${url} went away (${cause?.message ?? `code ${code}`}).`,
              'Start again when it is back.',
            ),
      ),
    )
  })
}

function send(socket: WebSocket, text: string): Promise<void> {
  return new Promise((resolve, reject) => socket.send(text, (error) => (error ? reject(error) : resolve())))
}

/** JSON-RPC 2.0, 5.1: the id is null where the request could not be read. */
const tooLong = () =>
  JSON.stringify({
    jsonrpc: '2.0',
    id: null,
    error: { code: -32600, message: `A line is at most ${LARGEST_LINE_BYTES / 1024 / 1024} MiB long.` },
  })
