import { Fault } from '../../kernel/fault.ts'

/** Default ports: MQTT as registered with IANA, WebSocket as HTTP. */
const PORTS = { mqtt: 1883, mqtts: 8883, ws: 80, wss: 443 } as const

export type Protocol = keyof typeof PORTS

/** Where a broker is and who goes there. */
export interface Target {
  readonly protocol: Protocol
  readonly host: string
  readonly port: number
  /** Of the WebSocket; only with ws and wss. */
  readonly path?: string
  readonly clientId?: string
  readonly username?: string
  readonly password?: string
}

const OTHER_NAMES: Readonly<Record<string, Protocol>> = {
  tcp: 'mqtt',
  ssl: 'mqtts',
  tls: 'mqtts',
  http: 'ws',
  https: 'wss',
}

/**
 * Reads `mqtt://[user:password@]host[:port][/client_id]` (also mqtts); with ws and wss the path is the WebSocket's.
 * User, password and client id may be percent-encoded. Throws Fault `invalid_input`, which never repeats the text: it
 * may hold a password.
 */
export function parseConnectionString(text: string): Target {
  const [, scheme = '', rest = ''] = /^([a-z][a-z0-9+.-]*):\/\/(.*)$/is.exec(text.trim()) ?? []
  const protocol = protocolOf(scheme)
  const authority = rest.split('/', 1)[0] ?? ''
  const path = rest.slice(authority.length)
  // The last @: people paste passwords that contain one.
  const at = authority.lastIndexOf('@')
  const address = authority.slice(at + 1)
  const { host, port = PORTS[protocol] } = hostAndPort(address)
  return {
    protocol,
    host,
    port,
    ...(at >= 0 && credentials(authority.slice(0, at))),
    ...(protocol.startsWith('ws') ? { path: path === '' ? '/mqtt' : path } : clientIdOf(path)),
  }
}

function protocolOf(scheme: string): Protocol {
  const name = scheme.toLowerCase()
  if (Object.hasOwn(PORTS, name)) return name as Protocol
  if (name === '') throw wrong('does not begin with mqtt://, mqtts://, ws:// or wss://')
  const meant = OTHER_NAMES[name]
  const known = meant === undefined ? 'mqtt, mqtts, ws and wss are known' : `say ${meant}://`
  throw wrong(`begins with a scheme that is not known; ${known}`)
}

function hostAndPort(address: string): { host: string; port?: number } {
  const [, bracketed, plain, portText] = /^(?:\[([0-9a-f:.%]+)\]|([^:\s[\]@?#]+))(?::(.*))?$/is.exec(address) ?? []
  const host = bracketed ?? plain
  if (host === undefined) throw wrong('has no valid host')
  if (portText === undefined) return { host }
  const port = /^\d{1,5}$/.test(portText) ? Number(portText) : 0
  if (port < 1 || port > 65_535) throw wrong('has a port that is not a number from 1 to 65535')
  return { host, port }
}

function credentials(userInfo: string): Pick<Target, 'username' | 'password'> {
  const colon = userInfo.indexOf(':')
  if (colon < 0) return { username: decoded(userInfo) }
  return { username: decoded(userInfo.slice(0, colon)), password: decoded(userInfo.slice(colon + 1)) }
}

function clientIdOf(path: string): Pick<Target, 'clientId'> {
  const clientId = decoded(path.slice(1))
  return clientId === '' ? {} : { clientId }
}

/** A text that is no valid percent-encoding was not meant as one. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

function wrong(what: string): Fault {
  return new Fault('invalid_input', `connection_string ${what}.`, {
    hint:
      'The form is mqtt://[user:password@]host:port[/client_id]; in a user name or password write / as %2F, @ as %40 ' +
      'and : as %3A. Leave connection_string out to use the hub’s own broker.',
  })
}

/** The target as it may be shown: without user, password and client id. */
export function addressOf({ protocol, host, port, path }: Target): string {
  return `${protocol}://${host.includes(':') ? `[${host}]` : host}:${port}${path ?? ''}`
}
