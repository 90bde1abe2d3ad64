import { Fault, type FaultCode } from '../../kernel/fault.ts'
import { ClosedEarly } from './open-connection.ts'
import { isBusyRefusal, isCredentialRefusal, isVersionRefusal, reasonText } from './reason-codes.ts'

/** What is known of the attempt that failed; the address is without credentials. */
export interface Attempt {
  readonly address: string
  /** It went to the address of the hub's own broker, but with credentials of the caller's. */
  readonly atOwnBroker: boolean
}

type Meaning = readonly [code: FaultCode, what: string, hint: string]

const TRUST = 'Give its CA certificate as `ca` (PEM), or set reject_unauthorized to false if you accept the risk.'
const CLIENT_CERTIFICATE = 'Give client_cert and client_key (PEM) of a certificate that this broker trusts.'
const PEM = 'Give the whole PEM text, from -----BEGIN to -----END, with its line breaks.'
const NETWORK = 'Check the address, and that this machine has a way there.'
const PROTOCOL =
  'Perhaps that port speaks something else: mqtt:// is plain, mqtts:// is TLS, ws:// and wss:// are WebSocket.'
const NAME = 'Check the spelling, or use the IP address.'

/** Error codes of sockets, DNS and OpenSSL, in words. The longest prefix wins. */
const MEANINGS: Readonly<Record<string, Meaning>> = {
  ECONNREFUSED: [
    'unavailable',
    'nothing listens there (connection refused)',
    'Check that the broker runs, and the port.',
  ],
  EHOSTUNREACH: ['unavailable', 'the host cannot be reached', NETWORK],
  ENETUNREACH: ['unavailable', 'the network cannot be reached', NETWORK],
  ETIMEDOUT: ['upstream_failed', 'the host does not answer', NETWORK],
  ENOTFOUND: ['upstream_failed', 'the host name is not known (DNS)', NAME],
  EAI_AGAIN: ['unavailable', 'the host name could not be looked up (DNS)', NAME],
  ECONNRESET: ['upstream_failed', 'the connection was reset', PROTOCOL],
  EPIPE: ['upstream_failed', 'the connection was reset', PROTOCOL],
  CERT_HAS_EXPIRED: ['upstream_failed', 'its TLS certificate has expired', 'Renew the broker’s certificate.'],
  CERT_NOT_YET_VALID: ['upstream_failed', 'its TLS certificate is not valid yet', 'Check the clocks of both machines.'],
  CERT_REVOKED: ['upstream_failed', 'its TLS certificate was revoked', 'Replace the broker’s certificate.'],
  DEPTH_ZERO_SELF_SIGNED_CERT: ['upstream_failed', 'its TLS certificate is self-signed', TRUST],
  SELF_SIGNED_CERT_IN_CHAIN: ['upstream_failed', 'its TLS certificate comes from an unknown CA', TRUST],
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: ['upstream_failed', 'its TLS certificate comes from an unknown CA', TRUST],
  UNABLE_TO_GET_ISSUER_CERT: ['upstream_failed', 'its TLS certificate comes from an unknown CA', TRUST],
  ERR_TLS_CERT_ALTNAME_INVALID: [
    'upstream_failed',
    'its TLS certificate is for another host name',
    'Use the name that the certificate is for.',
  ],
  ERR_SSL_WRONG_VERSION_NUMBER: [
    'upstream_failed',
    'it does not speak TLS on that port',
    'Use mqtt:// (or ws://) there.',
  ],
  ERR_SSL_PACKET_LENGTH_TOO_LONG: [
    'upstream_failed',
    'it does not speak TLS on that port',
    'Use mqtt:// (or ws://) there.',
  ],
  ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED: [
    'upstream_failed',
    'it asks for a client certificate',
    CLIENT_CERTIFICATE,
  ],
  ERR_SSL_TLSV1_ALERT_UNKNOWN_CA: ['upstream_failed', 'it does not trust the client certificate', CLIENT_CERTIFICATE],
  ERR_SSL: ['upstream_failed', 'the TLS handshake failed', 'Check its TLS versions and certificates.'],
  EPROTO: ['upstream_failed', 'the TLS handshake failed', PROTOCOL],
  ERR_OSSL: ['invalid_input', 'OpenSSL does not take ca, client_cert or client_key', PEM],
}

/** Why no connection came about, in words. */
export function connectFault(error: unknown, { address, atOwnBroker }: Attempt): Fault {
  if (error instanceof Fault) return error
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  if (typeof code === 'number') return refusal(code, address, atOwnBroker)
  const [fault, what, hint] = meaningOf(code, error)
  return new Fault(fault, `No connection to ${address}: ${what}.`, { hint, cause: error })
}

function meaningOf(code: unknown, error: unknown): Meaning {
  if (error instanceof ClosedEarly) return ['upstream_failed', 'it closed the connection without an answer', PROTOCOL]
  if (typeof code === 'string') {
    const prefix = Object.keys(MEANINGS)
      .filter((known) => code.startsWith(known))
      .sort((a, b) => b.length - a.length)[0]
    const meaning = prefix === undefined ? undefined : MEANINGS[prefix]
    if (meaning) return meaning
  }
  const text = error instanceof Error ? error.message : String(error)
  return ['upstream_failed', text, 'Check address, port and protocol.']
}

function refusal(code: number, address: string, atOwnBroker: boolean): Fault {
  const what = `${address} refused the connection: ${reasonText(code)}.`
  if (isCredentialRefusal(code))
    return new Fault('upstream_failed', what, {
      hint: atOwnBroker
        ? 'This is the hub’s own broker: leave connection_string out to use it without a password.'
        : 'Check user name and password in connection_string, and that the broker allows this user and client id.',
    })
  if (isVersionRefusal(code))
    return new Fault('upstream_failed', what, { hint: 'Leave protocol_version at auto, or try the other one.' })
  if (isBusyRefusal(code)) return new Fault('unavailable', what, { hint: 'Try again in a while.' })
  return new Fault('upstream_failed', what, { hint: 'The broker’s log may say more.' })
}
