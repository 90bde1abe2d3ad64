import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { WebSocketServer, type WebSocket } from 'ws'
import type { Caller } from '../../kernel/caller.ts'
import { createChannel } from './channel.ts'
import type { McpServer } from './server.ts'

/** RFC 6455 §7.4.1. */
const CLOSE = { goingAway: 1001, unsupportedData: 1003, policyViolation: 1008, tryAgainLater: 1013 } as const
/** How often the other side must show that it is there, milliseconds. */
const PING_MS = 30_000
/** Unsent bytes at which a client counts as too slow. */
const LARGEST_BACKLOG_BYTES = 16 * 1024 * 1024

export interface McpWebSocketOptions {
  readonly server: McpServer
  readonly largestMessageBytes: number
}

/** An upgrade request that was let in already. */
export interface McpUpgrade {
  readonly request: IncomingMessage
  readonly socket: Duplex
  readonly head: Buffer
  readonly caller: Caller
  /** Whether the token that let it in is still good: the connection can outlive it. */
  readonly isStillKnown: () => boolean | Promise<boolean>
  /** Absent: everything. */
  readonly profile?: string
}

export interface McpWebSocket {
  /** Throws Fault `not_found` for a profile that does not exist, `rate_limited` where the caller has too many open. */
  accept(upgrade: McpUpgrade): void
  close(): void
}

/**
 * MCP over WebSocket: one JSON-RPC message per text frame, as on stdio. The specification leaves custom transports
 * free; subprotocol `mcp` is accepted where a client offers it.
 */
export function createMcpWebSocket({ server, largestMessageBytes }: McpWebSocketOptions): McpWebSocket {
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: largestMessageBytes,
    // A compressed bomb would be inflated before its size is known; messages are small.
    perMessageDeflate: false,
    handleProtocols: (offered) => (offered.has('mcp') ? 'mcp' : false),
  })
  return {
    accept(upgrade) {
      const { request, socket, head, profile } = upgrade
      server.view(profile)
      const giveBack = server.streams.take(upgrade.caller)
      socket.once('close', giveBack)
      sockets.handleUpgrade(request, socket, head, (webSocket) => serve(server, webSocket, upgrade))
    },
    close() {
      for (const webSocket of sockets.clients) webSocket.close(CLOSE.goingAway, 'The hub is shutting down.')
      sockets.close()
    },
  }
}

function serve(server: McpServer, webSocket: WebSocket, { caller, profile, isStillKnown }: McpUpgrade): void {
  const channel = createChannel({
    server,
    caller,
    ...(profile !== undefined && { profile }),
    send(message) {
      if (webSocket.readyState !== webSocket.OPEN) return
      if (webSocket.bufferedAmount > LARGEST_BACKLOG_BYTES)
        return webSocket.close(CLOSE.tryAgainLater, 'The client reads too slowly.')
      webSocket.send(message)
    },
  })
  let alive = true
  let stopPinging = () => {}
  const dismiss = () => webSocket.close(CLOSE.policyViolation, 'The access token is not valid any more.')
  const release = server.tenure.hold(caller, dismiss)
  const whileKnown = (task: () => void): void => {
    const known = isStillKnown()
    if (known instanceof Promise) void known.then((isKnown) => (isKnown ? task() : dismiss()))
    else if (known) task()
    else dismiss()
  }
  const ping = () => {
    if (!alive) return webSocket.terminate()
    whileKnown(() => undefined)
    alive = false
    webSocket.ping()
    stopPinging = server.clock.after(PING_MS, ping)
  }
  stopPinging = server.clock.after(PING_MS, ping)
  webSocket.on('pong', () => (alive = true))
  webSocket.on('message', (data, isBinary) => {
    alive = true
    if (isBinary) return webSocket.close(CLOSE.unsupportedData, 'MCP messages are text.')
    whileKnown(() => channel.receive((data as Buffer).toString()))
  })
  webSocket.on('error', (error) => server.log.debug('MCP WebSocket failed', { error }))
  webSocket.on('close', () => {
    stopPinging()
    release()
    channel.close()
  })
}
