/** What a protected server says when it refuses a request (RFC 6750, section 3; RFC 9728, section 5.1). */
export interface Challenge {
  readonly error?: string
  readonly scope?: string
  /** Where its metadata is; absent: at the well-known places. */
  readonly resourceMetadata?: URL
}

/** A scheme, or a parameter with its value, quoted or not (RFC 9110, section 11). Sticky: nothing is skipped but space. */
const PART = /[\s,]*(?:([\w!#$%&'*+.^`|~-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))|([\w!#$%&'*+.^`|~-]+)(?![\w=]))/gy

/** The Bearer challenge of `WWW-Authenticate`, which may hold several of other schemes. Empty where there is none. */
export function readChallenge(header: string | null): Challenge {
  const parameters = bearerParameters(header ?? '')
  const metadata = parameters.get('resource_metadata')
  const resourceMetadata = metadata !== undefined && URL.canParse(metadata) ? new URL(metadata) : undefined
  const error = parameters.get('error')
  const scope = parameters.get('scope')
  return {
    ...(error !== undefined && { error }),
    ...(scope !== undefined && { scope }),
    ...(resourceMetadata !== undefined && { resourceMetadata }),
  }
}

function bearerParameters(header: string): Map<string, string> {
  const found = new Map<string, string>()
  let isBearer = false
  for (const [, key, quoted, plain, scheme] of header.matchAll(PART)) {
    if (scheme !== undefined) {
      if (found.size > 0) break
      isBearer = scheme.toLowerCase() === 'bearer'
    } else if (isBearer && key !== undefined && !found.has(key.toLowerCase())) {
      found.set(key.toLowerCase(), quoted?.replaceAll(/\\(.)/g, '$1') ?? plain ?? '')
    }
  }
  return found
}
