import { X509Certificate } from 'node:crypto'
import ipaddr from 'ipaddr.js'
import { makeCertificate, type Certified } from './certificate.ts'

/** The certificates of a set, as PEM. */
export interface Certificates {
  /** The authority that signs now first, after it those that are still trusted. */
  readonly trusted: string
  readonly authorityKey: string
  readonly server: Certified
}

const DAY_MS = 86_400_000
const AUTHORITY_DAYS = 3650
const SERVER_DAYS = 365
const CLIENT_DAYS = 365

/** A clock of a device that runs behind. */
const EARLIER_MS = DAY_MS

/** A server's certificate that is near its end is renewed with whatever else is written. */
const RENEW_DAYS = 30

/**
 * What there is, and what it takes: an authority, and a certificate of the server for these hosts. `rotate`: a new one of the
 * server, by the same authority; `authority`: a new authority beside the old one, which still vouches for the server until that
 * is rotated as well: first everybody has to trust both.
 */
export function certificatesFor(
  hosts: readonly string[],
  before: Partial<Certificates>,
  { nowMs, rotate }: { readonly nowMs: number; readonly rotate?: 'server' | 'authority' },
): Certificates {
  const authority = authorityOf(before, nowMs, rotate === 'authority')
  const { trusted, authorityKey } = authority
  const isGood = before.server !== undefined && isGoodFor(before.server.cert, hosts, nowMs)
  if (before.server && rotate !== 'server' && isGood) return { ...authority, server: before.server }
  const [signer = ''] = split(trusted)
  const server = makeCertificate(
    { name: hosts[0] ?? 'broker', use: 'server', hosts, ...lasting(nowMs, SERVER_DAYS) },
    { cert: signer, key: authorityKey },
  )
  return { ...authority, server }
}

/** For somebody who has to show one (`require_certificate`). */
export function clientCertificate(
  name: string,
  certificates: Pick<Certificates, 'trusted' | 'authorityKey'>,
  nowMs: number,
) {
  const [cert = ''] = split(certificates.trusted)
  return makeCertificate(
    { name, use: 'client', ...lasting(nowMs, CLIENT_DAYS) },
    { cert, key: certificates.authorityKey },
  )
}

function authorityOf(before: Partial<Certificates>, nowMs: number, isNew: boolean) {
  const { trusted, authorityKey } = before
  if (trusted !== undefined && authorityKey !== undefined && !isNew) return { trusted, authorityKey }
  const name = `Alicia home authority ${new Date(nowMs).toISOString().slice(0, 10)}`
  const { cert, key } = makeCertificate({ name, use: 'authority', ...lasting(nowMs, AUTHORITY_DAYS) })
  const older = split(trusted ?? '').filter((one) => new X509Certificate(one).validToDate.getTime() > nowMs)
  return { trusted: [cert, ...older].join(''), authorityKey: key }
}

const lasting = (nowMs: number, days: number) => ({ fromMs: nowMs - EARLIER_MS, untilMs: nowMs + days * DAY_MS })

/** The certificates of a PEM file, one text each. */
const split = (text: string): string[] =>
  text.match(/-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----\n?/g)?.map((one) => `${one.trim()}\n`) ?? []

/** The names and addresses in a certificate. */
export const hostsIn = (cert: string): string[] =>
  (new X509Certificate(cert).subjectAltName ?? '')
    .split(', ')
    .map((name) => name.replace(/^(?:DNS|IP Address):/, '').toLowerCase())

/** Whether it is still good for a month, and names just these hosts. */
function isGoodFor(cert: string, hosts: readonly string[], nowMs: number): boolean {
  const { validToDate } = new X509Certificate(cert)
  const named = hostsIn(cert)
  const wanted = hosts.map(asNamed)
  const isSame = wanted.length === named.length && wanted.every((host) => named.includes(host))
  return isSame && validToDate.getTime() > nowMs + RENEW_DAYS * DAY_MS
}

/** IPv6 addresses are shown in full: `0:0:0:0:0:0:0:1`. */
const asNamed = (host: string): string => (host.includes(':') ? ipv6(host) : host.toLowerCase())

const ipv6 = (host: string): string => ipaddr.parse(host).toNormalizedString()
