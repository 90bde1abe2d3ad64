import { isIP } from 'node:net'
import { Fault } from '../../kernel/fault.ts'

export interface GuardOptions {
  /** Names beside the loopback ones under which the hub is reached: `alicia.lan`. A port is not looked at. */
  readonly hosts: readonly string[]
  /** Origins of other pages that may call the hub, exactly as a browser sends them: `https://home.example`. */
  readonly origins?: readonly string[]
}

/** Throws Fault `forbidden` when a browser was tricked into asking. Works for requests and for upgrades. */
export type Guard = (host: string | undefined, origin: string | undefined) => void

const LOOPBACK_NAMES = ['localhost', '127.0.0.1', '::1']

/**
 * The Host and Origin check that MCP 2025-06-18 (transports, "Security Warning") demands, for every path. The Host
 * check stops DNS rebinding: a page of a hostile name whose address turns into ours still sends that name. An address
 * literal cannot be rebound, so it passes. The Origin check stops pages of other sites; programs send no Origin.
 */
export function createGuard({ hosts, origins = [] }: GuardOptions): Guard {
  const names = new Set([...LOOPBACK_NAMES, ...hosts.map((host) => nameOf(`http://${host}`) ?? host)])
  // Clients repeat the same few values: parsing a URL each time would cost more than the whole routing.
  const passedHosts = new Set<string>()
  const passedOrigins = new Set(origins)
  return (host, origin) => {
    if (host === undefined || !passedHosts.has(host)) {
      const name = nameOf(`http://${host ?? ''}`)
      if (name === undefined || (!names.has(name) && isIP(name) === 0)) throw foreign('Host', host)
      remember(passedHosts, host ?? '')
    }
    // Which address literals are the hub's is only known from the Host, so that one is compared and not remembered.
    if (origin === undefined || passedOrigins.has(origin) || origin === `http://${host}`) return
    const name = nameOf(origin)
    if (name === undefined || !names.has(name)) throw foreign('Origin', origin)
    remember(passedOrigins, origin)
  }
}

/** More than a home's clients ever send; a flood of made-up ports must not fill the memory. */
const REMEMBERED = 256

function remember(passed: Set<string>, value: string): void {
  if (passed.size < REMEMBERED) passed.add(value)
}

/** The host name in lower case, without port and brackets; undefined when it is no HTTP origin. */
function nameOf(origin: string): string | undefined {
  const url = URL.parse(origin)
  if (!url || !/^https?:$/.test(url.protocol) || url.pathname !== '/' || url.username !== '') return undefined
  return url.hostname.replace(/^\[(.*)\]$/, '$1')
}

const foreign = (header: string, value: string | undefined) =>
  new Fault(
    'forbidden',
    `The ${header} ${JSON.stringify((value ?? '').slice(0, 100))} is not one the hub answers to.`,
    {
      hint: 'Use localhost or an address, or add it to allowedHosts or allowedOrigins in the configuration.',
    },
  )
