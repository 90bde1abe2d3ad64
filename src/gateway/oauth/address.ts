import ipaddr from 'ipaddr.js'

/**
 * Where an address leads: to anybody's server, to this machine, into the home's own network, or nowhere that a server
 * on the web would be (link-local with its metadata services, multicast, reserved, tunnels).
 */
export type AddressKind = 'public' | 'loopback' | 'home' | 'never'

const HOME = new Set(['private', 'carrierGradeNat', 'uniqueLocal'])

/** Only 2000::/3 is given out to the public (IANA, IPv6 Global Unicast Address Space). */
const GLOBAL_V6 = ipaddr.IPv6.parse('2000::')

/** NAT64 with the well-known prefix (RFC 6052): its last 32 bits are the IPv4 address it leads to. */
const NAT64 = ipaddr.IPv6.parse('64:ff9b::')

/** `address` is one that a resolver answered or a URL holds: no port, no brackets. What is no address is `never`. */
export function addressKind(address: string): AddressKind {
  if (!ipaddr.isValid(address)) return 'never'
  const parsed = ipaddr.parse(address)
  return parsed instanceof ipaddr.IPv4 ? kindOfV4(parsed) : kindOfV6(parsed)
}

function kindOfV4(address: ipaddr.IPv4): AddressKind {
  const range = address.range()
  if (range === 'unicast') return 'public'
  if (range === 'loopback') return 'loopback'
  return HOME.has(range) ? 'home' : 'never'
}

function kindOfV6(address: ipaddr.IPv6): AddressKind {
  if (address.zoneId !== undefined && address.zoneId !== '') return 'never'
  if (address.isIPv4MappedAddress()) return kindOfV4(address.toIPv4Address())
  const bytes = address.toByteArray()
  if (address.match(NAT64, 96)) return kindOfV4(new ipaddr.IPv4(bytes.slice(12)))
  // 6to4 and Teredo wrap an IPv4 address too, but have died out: they are among what leads nowhere.
  const range = address.range()
  if (range === 'unicast') return address.match(GLOBAL_V6, 3) ? 'public' : 'never'
  if (range === 'loopback') return 'loopback'
  return HOME.has(range) ? 'home' : 'never'
}

/** A URL's host as Node resolves it: without the brackets of IPv6. */
export const hostOf = ({ hostname }: URL): string => hostname.replace(/^\[|\]$/g, '')

/** Whether the host names this machine in so many words, without asking a resolver. */
export function isLoopbackHost(url: URL): boolean {
  const host = hostOf(url)
  return host === 'localhost' || host.endsWith('.localhost') || addressKind(host) === 'loopback'
}
