import { STATUS_CODES, type IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import type { Caller, Via } from '../../kernel/caller.ts'
import { Fault, toFault } from '../../kernel/fault.ts'
import type { Log } from '../../kernel/log.ts'
import type { Authenticate } from './authenticate.ts'
import type { AddressOf } from './client-address.ts'
import type { Guard } from './guard.ts'
import { problem, type ProblemContext } from './problem.ts'
import { requireOneMeaning } from './request-form.ts'

/** A request to speak another protocol on the connection, from a caller who may. */
export interface Upgrade {
  readonly request: IncomingMessage
  readonly socket: Duplex
  /** What came on the connection after the request. */
  readonly head: Buffer
  readonly caller: Caller
}

export interface UpgradeRoute {
  readonly via: Via
  /** Where tokens of its own may be shown. */
  readonly resource?: string
  /** Where it describes itself as a protected resource (RFC 9728). */
  metadataUrl?(request: IncomingMessage): string
  /** Takes the connection over; it is the route's to end, within the grace time of the server's stop. */
  accept(upgrade: Upgrade): void
}

/** What listens at a path (without its query), if anything. */
export type OnUpgrade = (path: string) => UpgradeRoute | undefined

export interface UpgradeOptions {
  guard: Guard
  addressOf: AddressOf
  authenticate: Authenticate
  onUpgrade: OnUpgrade
  log: Log
}

/** The listener for a server's `upgrade` event. It keeps `sockets` as the set of connections that left HTTP. */
export function upgradeListener(options: UpgradeOptions, sockets: Set<Duplex>) {
  const { guard, addressOf, authenticate, onUpgrade, log } = options
  const accept = async (request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> => {
    // Until the route listens itself, a reset by the peer would be an unhandled error and end the hub.
    socket.on('error', () => socket.destroy())
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
    const { host, origin, authorization } = request.headers
    let route: UpgradeRoute | undefined
    try {
      requireOneMeaning(request)
      guard(host, origin)
      const [path = '/'] = (request.url ?? '/').split('?', 1)
      route = onUpgrade(path)
      if (!route) throw new Fault('not_found', `Nothing at ${path.slice(0, 100)} speaks WebSocket.`)
      const from = { address: addressOf(request), resource: route.resource }
      const caller = await authenticate(authorization, route.via, from)
      route.accept({ request, socket, head, caller })
    } catch (error) {
      const fault = toFault(error, (reference, cause) => log.error('upgrade failed', { reference, error: cause }))
      refuse(socket, fault, { tokenShown: authorization !== undefined, metadataUrl: route?.metadataUrl?.(request) })
    }
  }
  return (request: IncomingMessage, socket: Duplex, head: Buffer): void => void accept(request, socket, head)
}

function refuse(socket: Duplex, fault: Fault, context: ProblemContext): void {
  const { status, headers, body } = problem(fault, context)
  const lines = Object.entries({ ...headers, connection: 'close', 'content-length': String(Buffer.byteLength(body)) })
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`,
    ...lines.map(([name, value]) => `${name}: ${value}`),
  ]
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`)
}
