import { note, ok, warning, type Check, type Finding } from './check.ts'
import { isLoopback } from './host.ts'
import type { HubConfig } from './hub.ts'

const GUIDE = 'docs/guide/security.md has what to set, in order.'

/** Who can reach the hub, and whether they can read along. */
export function exposureCheck(config: HubConfig): Check {
  return { name: 'Reach', run: async () => exposureOf(config) }
}

function exposureOf({ host, publicUrl, trustedProxies = [], broker }: HubConfig): Finding {
  const { protocol, hostname } = URL.parse(publicUrl ?? '') ?? { protocol: '', hostname: '' }
  if (protocol === 'http:' && !isLoopback(hostname))
    return warning(`${publicUrl} is plain HTTP: passwords and tokens can be read on the way`, GUIDE)
  // Loopback has no limits by address: behind a proxy there, everybody would be loopback.
  if (protocol === 'https:' && trustedProxies.length === 0)
    return warning(
      `publicUrl is set and trustedProxies is not: whoever comes through the proxy has the proxy’s address`,
      'Name the proxy: "trustedProxies": ["127.0.0.1"].',
    )
  const open = [...new Set([host, broker.host ?? host])].filter((address) => !isLoopback(address))
  if (open.length > 0) return note(`listens at ${open.join(' and ')} without TLS for HTTP; ${GUIDE}`)
  return ok(publicUrl === undefined ? 'this machine only' : `${publicUrl}, by a proxy`)
}
