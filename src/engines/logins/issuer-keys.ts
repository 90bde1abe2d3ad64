import type { JWTVerifyGetKey } from 'jose'
import { z } from 'zod'
import type { Clock } from '../../kernel/clock.ts'
import { Fault } from '../../kernel/fault.ts'
import type { Log } from '../../kernel/log.ts'

/** `fetch` as far as keys need it. It is guarded: addresses come from what the issuer says. */
export type FetchKeys = (url: string, init: { readonly signal?: AbortSignal }) => Promise<Response>

export interface IssuerKeysOptions {
  readonly issuer: string
  readonly fetch: FetchKeys
  readonly clock: Clock
  readonly log: Log
}

/** Keys are asked for again after this time; those that are known serve meanwhile, however long the issuer is away. Milliseconds. */
const FRESH_MS = 10 * 60_000
/** Nor more often than this, whatever tokens name: anybody can name a key that does not exist. Milliseconds. */
const PAUSE_MS = 10_000

/** OpenID Connect Discovery 1.0, 3 and RFC 8414, 2. */
const Metadata = z.object({ issuer: z.string(), jwks_uri: z.url() })
const KeySet = z.object({ keys: z.array(z.looseObject({ kty: z.string() })).max(100) })

/**
 * The keys of another issuer, by what its tokens' headers say. The function that a library keeps a remote key set with would
 * forget the keys when they are old and the issuer is away, and would ask it anew for every key that does not exist.
 */
export function createIssuerKeys({ issuer, fetch, clock, log }: IssuerKeysOptions): JWTVerifyGetKey {
  let known: { readonly find: JWTVerifyGetKey; readonly atMs: number } | undefined
  let triedMs = -Infinity
  let loading: Promise<void> | undefined

  const load = async () => {
    const { createLocalJWKSet } = await import('jose')
    const { jwks_uri: address } = await metadataOf(issuer, fetch)
    const { keys } = KeySet.parse(await json(fetch, address))
    // A symmetric key in a public set is nobody's secret.
    const usable = keys.filter(({ kty }) => kty !== 'oct')
    known = { find: createLocalJWKSet({ keys: usable }), atMs: clock.monotonic() }
  }

  /** At once for all who wait; resolves too where it fails, or was tried a moment ago. */
  const tryToLoad = (): Promise<void> => {
    if (loading) return loading
    if (clock.monotonic() < triedMs + PAUSE_MS) return Promise.resolve()
    triedMs = clock.monotonic()
    loading = load()
      .catch((error: unknown) => log.warn('the keys of the issuer could not be read', { issuer, error }))
      .finally(() => (loading = undefined))
    return loading
  }

  return async (header, token) => {
    if (!known) await tryToLoad()
    else if (clock.monotonic() >= known.atMs + FRESH_MS) void tryToLoad()
    if (!known)
      throw new Fault(
        'unavailable',
        `The keys of ${new URL(issuer).host} cannot be read: its tokens cannot be verified.`,
        {
          hint: 'Try again in a moment, or log in at the hub itself.',
          retryAfterMs: PAUSE_MS,
        },
      )
    const { find } = known
    try {
      return await find(header, token)
    } catch (error) {
      if (!isNoMatch(error)) throw error
      // It may have been made since.
      await tryToLoad()
      return await known.find(header, token)
    }
  }
}

const isNoMatch = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && error.code === 'ERR_JWKS_NO_MATCHING_KEY'

/** Throws TypeError when neither document is there, or it is somebody else's. */
async function metadataOf(issuer: string, fetch: FetchKeys): Promise<z.infer<typeof Metadata>> {
  const { origin, pathname } = new URL(issuer)
  const path = pathname.replace(/\/$/, '')
  const addresses = [
    `${origin}${path}/.well-known/openid-configuration`,
    `${origin}/.well-known/oauth-authorization-server${path}`,
  ]
  let failure: unknown
  for (const address of addresses) {
    try {
      const metadata = Metadata.parse(await json(fetch, address))
      // RFC 8414, 3.3: otherwise one issuer could give out another's keys.
      if (metadata.issuer === issuer) return metadata
      failure = new TypeError(`${address} is of another issuer.`)
    } catch (error) {
      failure = error
    }
  }
  throw failure
}

/** Redirects are not followed. Throws TypeError for anything but 200. */
async function json(fetch: FetchKeys, address: string): Promise<unknown> {
  const response = await fetch(address, {})
  if (response.status === 200) return await response.json()
  throw new TypeError(`${address} answered with status ${response.status}.`)
}
