import ipaddr from 'ipaddr.js'

/**
 * Whose address it is, as far as it can be told: an IPv4 address, or the /64 of an IPv6 one (a home gets no less, and may use any
 * address in it). What is no address at all (a pipe, a Unix socket) is `local`, as is loopback in all its forms.
 */
export function networkOf(address: string | undefined): string {
  if (address === undefined || !ipaddr.isValid(address)) return 'local'
  // ::ffff:192.0.2.1 is 192.0.2.1: else every IPv4 address were one network.
  const parsed = ipaddr.process(address)
  if (parsed.range() === 'loopback') return 'local'
  if (parsed.kind() === 'ipv4') return parsed.toString()
  const [a = 0, b = 0, c = 0, d = 0] = (parsed as ipaddr.IPv6).parts
  return `${[a, b, c, d].map((part) => part.toString(16)).join(':')}::/64`
}
