import type { IncomingMessage } from 'node:http'
import ipaddr from 'ipaddr.js'
import { Fault } from '../../kernel/fault.ts'
import { RecentMap } from '../../kernel/recent-map.ts'
import { readForwardedFor } from './forwarded.ts'

/**
 * Where a request comes from; undefined: its socket has gone. Throws Fault `invalid_request` when a trusted proxy passes on what
 * no proxy writes. The one way to an address: limits, throttles and the audit all go by it.
 */
export type AddressOf = (request: Pick<IncomingMessage, 'socket' | 'headers'>) => string | undefined

/** Whether an address is that of a proxy that is believed. */
export type IsProxy = (address: string) => boolean

const MOST_REMEMBERED = 1000

/** `ranges`: addresses and networks in CIDR notation. */
export function createIsProxy(ranges: readonly string[]): IsProxy {
  if (ranges.length === 0) return () => false
  const networks = ranges.map(networkIn)
  const known = new RecentMap<boolean>(MOST_REMEMBERED)
  const lookUp = (text: string): boolean => {
    if (!ipaddr.isValid(text)) return false
    const address = ipaddr.process(text)
    return networks.some(([network, bits]) => network.kind() === address.kind() && address.match(network, bits))
  }
  return (address) => {
    const remembered = known.get(address)
    if (remembered !== undefined) return remembered
    const answer = lookUp(address)
    known.set(address, answer)
    return answer
  }
}

function networkIn(range: string): [ipaddr.IPv4 | ipaddr.IPv6, number] {
  if (ipaddr.isValidCIDR(range)) return ipaddr.parseCIDR(range)
  const address = ipaddr.process(range)
  return [address, address.kind() === 'ipv4' ? 32 : 128]
}

/**
 * `Forwarded` (RFC 7239) and `X-Forwarded-For` are read from the right, each hop only when the one after it is a proxy that is
 * believed: what stands further left, anybody could have written. Where both are there and name different clients, one of them
 * is not the proxy's, and the request is refused.
 */
export function createAddressOf(isProxy: IsProxy): AddressOf {
  return ({ socket, headers }) => {
    const { remoteAddress } = socket
    if (remoteAddress === undefined) return undefined
    const peer = withoutMapping(remoteAddress)
    if (!isProxy(peer)) return peer
    const { forwarded, 'x-forwarded-for': list } = headers
    const clients = [
      forwarded !== undefined && clientOf(peer, readForwardedFor(forwarded), isProxy),
      list !== undefined && clientOf(peer, [list].flat().join(',').split(','), isProxy),
    ].filter((client) => client !== false)
    const [client = peer, other = client] = clients
    if (client !== other) throw malformed('Forwarded and X-Forwarded-For name different clients')
    return client
  }
}

/** ::ffff:192.0.2.1 is 192.0.2.1, as a socket that takes both kinds shows it. */
const withoutMapping = (address: string): string => (address.startsWith('::ffff:') ? address.slice(7) : address)

/** `hops`: from the client's side to ours; undefined: that hop keeps it to itself. */
function clientOf(peer: string, hops: readonly (string | undefined)[], isProxy: IsProxy): string {
  let client = peer
  for (const hop of hops.toReversed()) {
    if (!isProxy(client)) break
    const address = hop === undefined ? undefined : addressIn(hop)
    if (address === undefined) break
    client = address
  }
  return client
}

/** An address with or without port: `192.0.2.1:80`, `2001:db8::1`, `[2001:db8::1]:80`. */
const NODE = /^(?:(\d{1,3}(?:\.\d{1,3}){3})|\[([0-9a-f:.]{2,45})\])(?::(?:\d{1,5}|_[\w.-]{1,60}))?$/i

/** RFC 7239, 6: a hop may say `unknown`, or a name that means something to it alone (`_hidden`). */
const HIDDEN = /^(?:unknown|_[\w.-]{1,60})(?::(?:\d{1,5}|_[\w.-]{1,60}))?$/i

function addressIn(hop: string): string | undefined {
  const text = hop.trim()
  const [, ipv4, ipv6] = NODE.exec(text) ?? []
  const address = ipv4 ?? ipv6 ?? text
  if (ipv4 === undefined ? ipaddr.IPv6.isValid(address) : ipaddr.IPv4.isValidFourPartDecimal(address))
    // A zone is of the machine that wrote it.
    if (!address.includes('%')) return ipaddr.process(address).toString()
  if (HIDDEN.test(text)) return undefined
  throw malformed('a proxy passes on an address that is none')
}

const malformed = (what: string) =>
  new Fault('invalid_request', `The request says twice, or wrongly, where it comes from: ${what}.`, {
    hint: 'Have the proxy replace what clients send in Forwarded and X-Forwarded-For, or remove the one it does not write.',
  })
