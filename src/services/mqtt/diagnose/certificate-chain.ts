import type { DetailedPeerCertificate, TLSSocket } from 'node:tls'
import { z } from 'zod'
import type { Check } from './check.ts'

const Certificate = z.object({
  subject: z.string().nullable(),
  issuer: z.string().nullable(),
  expires: z.string().nullable().describe('ISO 8601.'),
  days_left: z.number().nullable(),
})

export const CertificateChain = z.array(Certificate).describe('The broker’s own first, as far as it sends them.')

export type CertificateChain = z.output<typeof CertificateChain>

const DAY_MS = 86_400_000
/** Let’s Encrypt renews when 30 days are left; who has fewer has no automatic renewal, or one that fails. */
const SOON_DAYS = 21
/** Chains are short; a peer can send whatever it likes. */
const LONGEST = 10

/** What the peer showed in the handshake. */
export function chainOf(socket: TLSSocket, nowMs: number): CertificateChain {
  const seen = new Set<string>()
  const chain: CertificateChain = []
  let certificate: DetailedPeerCertificate | undefined = socket.getPeerCertificate(true)
  // The last refers to itself.
  while (certificate?.fingerprint256 !== undefined && !seen.has(certificate.fingerprint256) && seen.size < LONGEST) {
    seen.add(certificate.fingerprint256)
    const expiresMs = Date.parse(certificate.valid_to)
    const isKnown = !Number.isNaN(expiresMs)
    chain.push({
      subject: nameOf(certificate.subject),
      issuer: nameOf(certificate.issuer),
      expires: isKnown ? new Date(expiresMs).toISOString() : null,
      days_left: isKnown ? Math.floor((expiresMs - nowMs) / DAY_MS) : null,
    })
    certificate = certificate.issuerCertificate
  }
  return chain
}

function nameOf(subject: Partial<DetailedPeerCertificate['subject']> | undefined): string | null {
  const names: readonly unknown[] = [subject?.CN, subject?.O]
  return names.find((name) => typeof name === 'string') ?? null
}

/** Which of them expires first, and whether that is soon. */
export function expiryCheck(chain: CertificateChain): Check {
  const [first] = chain
    .flatMap(({ subject, days_left: days }) => (days === null ? [] : [{ subject, days }]))
    .sort((a, b) => a.days - b.days)
  if (!first) return { check: 'certificate', result: 'skip', says: 'The broker showed no certificate.' }
  const { subject, days } = first
  const whose = `certificate of ${subject ?? 'an unnamed subject'}`
  if (days < 0)
    return { check: 'certificate', result: 'fail', says: `The ${whose} expired ${-days} days ago: renew it.` }
  if (days < SOON_DAYS)
    return { check: 'certificate', result: 'warn', says: `The ${whose} expires in ${days} days: see to its renewal.` }
  return { check: 'certificate', result: 'pass', says: `Valid for ${days} days; ${chain.length} in the chain.` }
}
