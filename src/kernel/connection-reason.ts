/** What a broken connection is called by those who read it. */
const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there',
  ECONNRESET: 'it broke the connection',
  ENOTFOUND: 'its host name is not known',
  EAI_AGAIN: 'its host name cannot be looked up now',
  ETIMEDOUT: 'it does not answer',
  EHOSTUNREACH: 'its host cannot be reached',
  ENETUNREACH: 'its network cannot be reached',
  EPIPE: 'it broke the connection',
  UND_ERR_SOCKET: 'it broke the connection',
  EPROTO: 'it does not speak TLS as it should',
  ERR_SSL_WRONG_VERSION_NUMBER: 'it does not speak TLS; its `url` may have to begin with http',
  CERT_HAS_EXPIRED: 'its certificate has expired',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'nobody the hub trusts has signed its certificate',
  SELF_SIGNED_CERT_IN_CHAIN: 'nobody the hub trusts has signed its certificate',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'nobody the hub trusts has signed its certificate',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for another host',
  ERR_INVALID_CHAR: 'one of its `headers` has a character that no header may have',
  ERR_INVALID_HTTP_TOKEN: 'the name of one of its `headers` is not valid',
}

/** Why there is no connection, or no more, in those words: "nothing listens there". */
export function connectionReason(error: unknown): string {
  const code = errorCodeOf(error)
  if (code === undefined) return 'the connection broke'
  return REASONS[code] ?? `the connection broke (${code})`
}

/** The system's name of what went wrong; `fetch` hides it in a cause. */
export function errorCodeOf(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined
  if ('code' in error && typeof error.code === 'string') return error.code
  return errorCodeOf(error.cause)
}
