import { lookup as lookUp } from 'node:dns/promises'
import { request as requestHttp, type IncomingMessage } from 'node:http'
import { request as requestHttps } from 'node:https'
import type { LookupFunction } from 'node:net'
import type { Clock } from '../../kernel/clock.ts'
import { Fault } from '../../kernel/fault.ts'
import { addressKind, hostOf, isLoopbackHost } from './address.ts'
import { untilAborted } from './until-aborted.ts'

/** `fetch` as far as logins need it. */
export type Fetch = (url: string | URL, init?: RequestInit) => Promise<Response>

export interface Address {
  readonly address: string
  readonly family: number
}

/** Every address of a host name. */
export type Resolve = (hostname: string) => Promise<readonly Address[]>

export interface GuardOptions {
  /** Whose login it is, for faults. */
  readonly name: string
  /** The upstream as its user wrote it: its own origin is the one that the hub talks to anyway. */
  readonly upstream: URL
  /** Addresses of the home's own network, and plain HTTP to this machine, are no attack here. */
  readonly allowPrivateAddresses: boolean
  readonly clock: Clock
  readonly resolve?: Resolve
  /** From the first look-up to the last byte. Milliseconds. */
  readonly timeoutMs?: number
  readonly mostBytes?: number
}

const TIMEOUT_MS = 10_000
/** Metadata, registrations and tokens have a few kilobytes. */
const MOST_BYTES = 512 * 1024

const resolveAll: Resolve = (hostname) => lookUp(hostname, { all: true })

/**
 * A `fetch` for addresses that somebody else chose: what metadata of an upstream or of an authorization server names. It
 * reaches HTTPS servers on public addresses, and connects to the very address it checked, so that a name which answers
 * differently the next time gains nothing (MCP, Security Best Practices, "Server-Side Request Forgery"). Redirects come
 * back as they are. Throws Fault `upstream_failed` for what it refuses, `unavailable` or `timeout` for what fails.
 */
export function createGuardedFetch(options: GuardOptions): Fetch {
  const { name, clock, resolve = resolveAll, timeoutMs = TIMEOUT_MS } = options
  return async (input, init = {}) => {
    const url = new URL(input)
    refuseProtocol(url, options)
    const abort = new AbortController()
    const cancel = clock.after(timeoutMs, () =>
      abort.abort(
        new Fault('timeout', `The login at ${name} got no answer from ${url.host} in ${timeoutMs / 1000} s.`),
      ),
    )
    const signal = init.signal ? AbortSignal.any([abort.signal, init.signal]) : abort.signal
    try {
      const addresses = await untilAborted(addressesOf(url, resolve), signal)
      refuseAddresses(url, addresses, options)
      return await send(url, { ...init, signal }, { addresses, mostBytes: options.mostBytes ?? MOST_BYTES })
    } catch (error) {
      if (error instanceof Fault) throw error
      if (signal.aborted) throw signal.reason
      throw new Fault('unavailable', `The login at ${name} cannot reach ${url.host}${codeOf(error)}.`, {
        hint: 'Check that it runs and that its name is right.',
      })
    } finally {
      cancel()
    }
  }
}

/** The kinds of addresses that need no permission besides those of everybody. */
const isHere = ({ upstream, allowPrivateAddresses }: GuardOptions) => allowPrivateAddresses || isLoopbackHost(upstream)

function refuseProtocol(url: URL, options: GuardOptions): void {
  // Node would send it along: whoever chose the address would have the hub log in where it was told to.
  if (url.username + url.password !== '') throw refusal(options.name, url, 'with a login of its own')
  if (url.protocol === 'https:') return
  const isOwn = url.origin === options.upstream.origin
  if (url.protocol === 'http:' && (isOwn || (isLoopbackHost(url) && isHere(options)))) return
  throw refusal(options.name, url, 'which is not HTTPS')
}

async function addressesOf(url: URL, resolve: Resolve): Promise<readonly Address[]> {
  const host = hostOf(url)
  if (/^[\d.]+$|:/.test(host)) return [{ address: host, family: host.includes(':') ? 6 : 4 }]
  return resolve(host)
}

/** One forbidden address among several is enough: which of them would be taken is not ours to say. */
function refuseAddresses(url: URL, addresses: readonly Address[], options: GuardOptions): void {
  if (addresses.length === 0) throw new Error('no address')
  if (url.origin === options.upstream.origin) return
  for (const { address } of addresses) {
    const kind = addressKind(address)
    if (kind === 'public') continue
    if (kind === 'loopback' && isHere(options)) continue
    if (kind === 'home' && options.allowPrivateAddresses) continue
    throw refusal(options.name, url, 'an address that is not on the public internet')
  }
}

const refusal = (name: string, url: URL, why: string): Fault =>
  new Fault('upstream_failed', `The login at ${name} leads to ${url.origin}, ${why}: it was not asked.`, {
    hint: `If that server is your own, set oauth.allowPrivateAddresses for ${name}.`,
  })

interface Connection {
  readonly addresses: readonly Address[]
  readonly mostBytes: number
}

function send(url: URL, init: RequestInit & { signal: AbortSignal }, connection: Connection): Promise<Response> {
  const body = bodyOf(init.body)
  const headers = new Headers(init.headers)
  headers.set('accept-encoding', 'identity')
  if (init.body instanceof URLSearchParams && !headers.has('content-type'))
    headers.set('content-type', 'application/x-www-form-urlencoded')
  if (body !== undefined) headers.set('content-length', String(Buffer.byteLength(body)))
  return new Promise((resolve, reject) => {
    const request = (url.protocol === 'https:' ? requestHttps : requestHttp)(url, {
      method: init.method ?? 'GET',
      headers: Object.fromEntries(headers),
      lookup: pinned(connection.addresses),
      // A connection of its own: one that is kept alive could have been made to another address.
      agent: false,
      signal: init.signal,
    })
    request.once('error', reject)
    request.once('response', (response) => {
      readAll(response, url, connection.mostBytes).then(
        (bytes) => resolve(responseOf(response, bytes)),
        (error: unknown) => {
          request.destroy()
          reject(error)
        },
      )
    })
    request.end(body)
  })
}

/** Answers with what was checked, however often it is asked. */
const pinned =
  (addresses: readonly Address[]): LookupFunction =>
  (_hostname, options, callback) => {
    const [first] = addresses
    if (options.all === true) callback(null, [...addresses])
    else callback(null, first?.address ?? '', first?.family ?? 4)
  }

function bodyOf(body: RequestInit['body']): string | undefined {
  if (body === undefined || body === null) return undefined
  if (typeof body === 'string' || body instanceof URLSearchParams) return String(body)
  throw new TypeError('A login sends text.')
}

async function readAll(response: IncomingMessage, url: URL, mostBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of response as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > mostBytes)
      throw new Fault('upstream_failed', `${url.host} answered with more than ${mostBytes / 1024} KiB.`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

/** Statuses that have no body (Fetch, "null body status"). */
const WITHOUT_BODY = new Set([204, 205, 304])

function responseOf(response: IncomingMessage, bytes: Buffer): Response {
  const status = response.statusCode ?? 502
  const headers = new Headers()
  for (const [key, values] of Object.entries(response.headersDistinct))
    for (const value of values ?? []) headers.append(key, value)
  return new Response(WITHOUT_BODY.has(status) ? null : new Uint8Array(bytes), { status, headers })
}

/** Only the code of a network error: its text may quote the URL. */
function codeOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  return typeof code === 'string' ? ` (${code})` : ''
}
