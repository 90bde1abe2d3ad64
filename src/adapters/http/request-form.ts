import type { IncomingMessage } from 'node:http'
import { Fault } from '../../kernel/fault.ts'

/**
 * Refuses a request that two readers could understand in two ways: a proxy in front would check one of them, and the hub do the
 * other. Node reads the first of several of these headers and says nothing (RFC 9112, 3.2 for `Host`; 6.1 for codings and HTTP/1.0).
 * A target with a name of its own (RFC 9112, 3.2.2) is refused where that is not the Host's, and is a path from then on. Throws
 * Fault `invalid_request`, and `unsupported_media` for a body that would have to be unpacked first (RFC 9110, 8.4).
 */
export function requireOneMeaning(request: IncomingMessage): void {
  const { rawHeaders, headers, url = '/' } = request
  // Where there are as many names as lines, none stands twice.
  if (Object.keys(headers).length * 2 !== rawHeaders.length) requireOnce(rawHeaders)
  const coding = headers['transfer-encoding']
  if (coding !== undefined && (coding.toLowerCase() !== 'chunked' || request.httpVersion === '1.0'))
    throw ambiguous('It has a transfer coding that the hub does not know.')
  const packed = headers['content-encoding']
  if (packed !== undefined && packed !== 'identity')
    throw new Fault('unsupported_media', 'The body is compressed, which the hub never unpacks.')
  if (!url.startsWith('/') && url !== '*') request.url = pathOf(url, headers.host)
}

/** Throws where a header stands twice that has to be one. */
function requireOnce(rawHeaders: readonly string[]): void {
  const seen = new Set<string>()
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = (rawHeaders[at] ?? '').toLowerCase()
    if (seen.has(name)) throw ambiguous(`It has more than one ${name} header.`)
    if (ONCE.has(name)) seen.add(name)
  }
}

/** Node itself refuses two lengths. */
const ONCE: ReadonlySet<string> = new Set([
  'host',
  'origin',
  'authorization',
  'content-type',
  'transfer-encoding',
  'upgrade',
])

function pathOf(target: string, host: string | undefined): string {
  const url = URL.parse(target)
  const own = URL.parse(`http://${host}`)
  if (url?.protocol === 'http:' && url.username + url.password === '' && url.host === own?.host)
    return url.pathname + url.search
  throw ambiguous('It is for another name than its Host header says.')
}

const ambiguous = (why: string): Fault =>
  new Fault('invalid_request', `The request can be read in more than one way. ${why}`)
