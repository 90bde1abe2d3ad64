import { isIP } from 'node:net'
import { networkInterfaces } from 'node:os'
import type { Config } from '../config.ts'
import type { OwnOrigins } from '../kernel/logins.ts'

export interface OriginOptions extends Pick<Config, 'host' | 'publicUrl' | 'allowedHosts'> {
  /** Where the hub listens, `http://localhost:8765`; empty as long as it does not. */
  readonly address: () => string
  /** The addresses of this machine; tests say others. */
  readonly machine?: () => readonly string[]
}

const LOOPBACK = ['localhost', '127.0.0.1', '[::1]']
/** Listening there is listening at every address of the machine. */
const WILDCARDS: ReadonlySet<string> = new Set(['0.0.0.0', '::'])

/**
 * The origins of the hub: what stands in a token as its audience has to be one of them. A port counts: another program on the
 * same machine is somebody else. Names of the configuration without a port may also be those of a proxy in front.
 */
export function ownOrigins(options: OriginOptions): OwnOrigins {
  const { publicUrl, host, machine = machineAddresses } = options
  const preferred = publicUrl === undefined ? undefined : new URL(publicUrl).origin
  const named = options.allowedHosts.flatMap((name) => [`http://${name}`, `https://${name}`]).map(originOf)
  const fixed = new Set([preferred, ...named])
  let listening: { readonly address: string; readonly origins: ReadonlySet<string> } | undefined

  /** What depends on the port, which is known when the hub listens. */
  const atPort = (): ReadonlySet<string> => {
    const address = options.address()
    if (listening?.address !== address) {
      const port = URL.parse(address)?.port ?? ''
      const names = [...LOOPBACK, bracketed(host), ...options.allowedHosts.filter((name) => !/:\d+$/.test(name))]
      const origins = address === '' ? [] : [address, ...names.map((name) => `http://${name}:${port}`)]
      listening = { address, origins: new Set(origins.map(originOf).filter((origin) => origin !== undefined)) }
    }
    return listening.origins
  }

  const isAddressOfMachine = (origin: string): boolean => {
    const url = URL.parse(origin)
    if (!WILDCARDS.has(host) || url?.protocol !== 'http:' || url.port !== URL.parse(options.address())?.port)
      return false
    const name = url.hostname.replace(/^\[(.*)\]$/, '$1')
    return isIP(name) !== 0 && (host === '::' || isIP(name) === 4) && machine().includes(name)
  }

  return {
    get preferred() {
      return preferred ?? originOf(options.address()) ?? ''
    },
    includes: (origin) =>
      origin === originOf(origin) && (fixed.has(origin) || atPort().has(origin) || isAddressOfMachine(origin)),
  }
}

const originOf = (url: string): string | undefined => URL.parse(url)?.origin

const bracketed = (host: string): string => (host.includes(':') ? `[${host}]` : host)

/** Asked anew each time: a machine's addresses come and go. */
const machineAddresses = (): string[] =>
  Object.values(networkInterfaces()).flatMap((addresses) => (addresses ?? []).map(({ address }) => address))
