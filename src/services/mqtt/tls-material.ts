import { createPrivateKey, X509Certificate, type KeyObject } from 'node:crypto'
import { Fault } from '../../kernel/fault.ts'
import type { TlsMaterial } from './connection.ts'
import type { Protocol } from './connection-string.ts'

/** The arguments of `establish_connection` that are about TLS. */
export interface TlsInput {
  readonly ca?: string | undefined
  readonly client_cert?: string | undefined
  readonly client_key?: string | undefined
  readonly reject_unauthorized: boolean
}

/**
 * Reads the PEM texts before anything connects: Node takes a CA that is none without a word, and then trusts nobody.
 * Throws Fault `invalid_input`.
 */
export function tlsMaterial(input: TlsInput, protocol: Protocol): TlsMaterial {
  const { ca, client_cert: cert, client_key: key, reject_unauthorized: rejectUnauthorized } = input
  // Dropped in silence they would leave the caller believing that the connection is safe.
  if ((protocol === 'mqtt' || protocol === 'ws') && (ca ?? cert ?? key) !== undefined)
    throw new Fault(
      'invalid_input',
      'ca, client_cert and client_key are for TLS, which this connection does not use.',
      {
        hint: 'Use mqtts:// or wss:// in connection_string.',
      },
    )
  if (ca !== undefined) certificate('ca', ca)
  if (cert === undefined && key === undefined) return { rejectUnauthorized, ...(ca !== undefined && { ca }) }
  if (cert === undefined || key === undefined)
    throw new Fault('invalid_input', 'client_cert and client_key: one does not work without the other.')
  if (!certificate('client_cert', cert).checkPrivateKey(privateKey(key)))
    throw new Fault('invalid_input', 'client_key does not belong to client_cert.')
  return { rejectUnauthorized, cert, key, ...(ca !== undefined && { ca }) }
}

function certificate(name: string, pem: string): X509Certificate {
  try {
    return new X509Certificate(pem)
  } catch {
    throw new Fault('invalid_input', `${name} is not a certificate in PEM form.`, {
      hint: 'Give the whole text from -----BEGIN CERTIFICATE----- to -----END, with its line breaks.',
    })
  }
}

function privateKey(pem: string): KeyObject {
  try {
    return createPrivateKey(pem)
  } catch {
    throw new Fault('invalid_input', 'client_key is not a private key in PEM form, or it has a passphrase.', {
      hint: 'Give the whole text from -----BEGIN to -----END of a key without passphrase, with its line breaks.',
    })
  }
}
