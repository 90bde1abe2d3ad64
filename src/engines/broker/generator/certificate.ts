import { createHash, createPrivateKey, generateKeyPairSync, randomBytes, sign, X509Certificate } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { isIP } from 'node:net'
import ipaddr from 'ipaddr.js'
import { bits, element, integer, octets, oid, sequence, set, time, utf8, yes } from './der.ts'

/** A certificate and its private key, as PEM. */
export interface Certified {
  readonly cert: string
  readonly key: string
}

export interface NewCertificate {
  /** Common name. */
  readonly name: string
  /** For an authority: it signs others, and no further ones. */
  readonly use: 'authority' | 'server' | 'client'
  /** Names and addresses that a server is reached by. */
  readonly hosts?: readonly string[]
  /** Wall-clock milliseconds. */
  readonly fromMs: number
  readonly untilMs: number
}

const EXTENSIONS = { subjectKey: '2.5.29.14', usage: '2.5.29.15', hosts: '2.5.29.17', constraints: '2.5.29.19' }
const AUTHORITY_KEY = '2.5.29.35'
const PURPOSE = '2.5.29.37'
const PURPOSES = { server: '1.3.6.1.5.5.7.3.1', client: '1.3.6.1.5.5.7.3.2' }
const COMMON_NAME = '2.5.4.3'
const ECDSA_SHA256 = sequence(oid('1.2.840.10045.4.3.2'))

/**
 * Makes a key (P-256) and a certificate for it (RFC 5280), signed by an authority or, without one, by itself. P-256 is what small
 * devices can compute.
 */
export function makeCertificate(wanted: NewCertificate, authority?: Certified): Certified {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const info = publicKey.export({ type: 'spki', format: 'der' })
  const signer = authority ? createPrivateKey(authority.key) : privateKey
  const issuer = authority ? new X509Certificate(authority.cert) : undefined
  const body = sequence(
    element(0xa0, integer(Buffer.from([2]))),
    // Positive, not 0, and nobody's guess (RFC 5280, 4.1.2.2).
    integer(Buffer.concat([Buffer.from([1]), randomBytes(15)])),
    ECDSA_SHA256,
    nameOf(issuer ? commonName(issuer.subject) : wanted.name),
    sequence(time(wanted.fromMs), time(wanted.untilMs)),
    nameOf(wanted.name),
    info,
    element(0xa3, sequence(...extensionsOf(wanted, info, issuer?.publicKey.export({ type: 'spki', format: 'der' })))),
  )
  return { cert: pem(signed(body, signer)), key: privateKey.export({ type: 'pkcs8', format: 'pem' }) }
}

const signed = (body: Buffer, key: KeyObject): Buffer => sequence(body, ECDSA_SHA256, bits(sign('sha256', body, key)))

const nameOf = (commonName: string): Buffer => sequence(set(sequence(oid(COMMON_NAME), utf8(commonName))))

/** Of a name that has nothing else, as ours have. */
export const commonName = (subject: string): string => /^CN=(.*)$/m.exec(subject)?.[1] ?? ''

function extensionsOf({ use, hosts = [] }: NewCertificate, own: Buffer, issuer: Buffer = own): Buffer[] {
  const isAuthority = use === 'authority'
  const extension = (id: string, value: Buffer, isCritical = false) =>
    sequence(oid(id), ...(isCritical ? [yes()] : []), octets(value))
  return [
    extension(EXTENSIONS.constraints, isAuthority ? sequence(yes(), integer(Buffer.from([0]))) : sequence(), true),
    // keyCertSign and cRLSign, or digitalSignature (RFC 5280, 4.2.1.3).
    extension(EXTENSIONS.usage, isAuthority ? bits(Buffer.from([0x06]), 1) : bits(Buffer.from([0x80]), 7), true),
    extension(EXTENSIONS.subjectKey, octets(keyId(own))),
    extension(AUTHORITY_KEY, sequence(element(0x80, keyId(issuer)))),
    ...(isAuthority ? [] : [extension(PURPOSE, sequence(oid(PURPOSES[use])))]),
    ...(hosts.length === 0 ? [] : [extension(EXTENSIONS.hosts, sequence(...hosts.map(generalName)))]),
  ]
}

/** RFC 7093, 2: the leftmost 160 bits of SHA-256; any value will do that is the same in both places. */
const keyId = (info: Uint8Array): Buffer => createHash('sha256').update(info).digest().subarray(0, 20)

const generalName = (host: string): Buffer =>
  isIP(host) === 0
    ? element(0x82, Buffer.from(host, 'ascii'))
    : element(0x87, Buffer.from(ipaddr.parse(host).toByteArray()))

function pem(der: Buffer): string {
  const lines = der.toString('base64').match(/.{1,64}/g) ?? []
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`
}
