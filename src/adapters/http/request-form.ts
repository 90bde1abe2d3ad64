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
  let once = 0
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at] ?? ''
    const bit = SINGLE.get(name) ?? SINGLE.get(name.toLowerCase()) ?? 0
    if (once & bit) throw ambiguous(`It has more than one ${name.toLowerCase()} header.`)
    once |= bit
  }
  const coding = headers['transfer-encoding']
  if (coding !== undefined && (coding.toLowerCase() !== 'chunked' || request.httpVersion === '1.0'))
    throw ambiguous('It has a transfer coding that the hub does not know.')
  const packed = headers['content-encoding']
  if (packed !== undefined && packed !== 'identity')
    throw new Fault('unsupported_media', 'The body is compressed, which the hub never unpacks.')
  if (!url.startsWith('/') && url !== '*') request.url = pathOf(url, headers.host)
}

const ONCE = ['Host', 'Origin', 'Authorization', 'Content-Type', 'Transfer-Encoding', 'Upgrade']
/** What else clients of MCP send with each request. Node itself refuses two lengths. */
const OTHERS = ['Content-Length', 'Accept', 'MCP-Session-Id', 'MCP-Protocol-Version', 'User-Agent', 'Connection']

/** The bit of each name; 0: it may stand there twice. As clients write them, so that the usual ones need no lower case. */
const SINGLE: ReadonlyMap<string, number> = new Map(
  [...ONCE, ...OTHERS].flatMap((name, at) => {
    const bit = at < ONCE.length ? 1 << at : 0
    return [
      [name, bit],
      [name.toLowerCase(), bit],
    ]
  }),
)

function pathOf(target: string, host: string | undefined): string {
  const url = URL.parse(target)
  const own = URL.parse(`http://${host}`)
  if (url?.protocol === 'http:' && url.username + url.password === '' && url.host === own?.host)
    return url.pathname + url.search
  throw ambiguous('It is for another name than its Host header says.')
}

const ambiguous = (why: string): Fault =>
  new Fault('invalid_request', `The request can be read in more than one way. ${why}`)
