import { Fault } from '../../kernel/fault.ts'
import { readChallenge, type Challenge } from './challenge.ts'
import { clean, loginOver, scopesRequired } from './faults.ts'
import type { Fetch } from './guarded-fetch.ts'
import { includes, readScopes, type Scopes } from './scopes.ts'
import { untilAborted } from './until-aborted.ts'
import type { Grant } from './vault.ts'

/** What the requests of one person need of their login. */
export interface TokenSource {
  readonly id: string
  readonly upstream: URL
  /** To the upstream. */
  readonly fetch: Fetch
  current(person: string): Promise<Grant | undefined>
  /** Another grant than the refused one. Throws Fault `unauthenticated` when only a person can get it. */
  replace(person: string, refused: Grant | undefined, challenge: Challenge): Promise<Grant>
  /** The token is new, and refused all the same. */
  refuse(person: string, grant: Grant, why: string): void
  /** Notes that these scopes are wanted besides. A grant that has them; undefined: only a person can give it. */
  widen(person: string, grant: Grant, scopes: Scopes): Promise<Grant | undefined>
}

/** A machine that asks for more is refused more than this often: it is not going to get it. */
const MOST_WIDENINGS = 3

/**
 * Adds the person's token and acts on what the server says to it. Whatever `Authorization` the request had is left out: it
 * could only be somebody else's. Throws like `UpstreamLogin`; other answers, errors and redirects included, come back as
 * they are.
 */
export function createLoginFetch(person: string, source: TokenSource): typeof fetch {
  const { id, upstream } = source
  return async (input, init = {}) => {
    if (input instanceof Request) throw new TypeError('A login takes an address and what to send there.')
    const url = new URL(input)
    if (url.origin !== upstream.origin)
      throw new Fault(
        'upstream_failed',
        `${id} wants a request sent to ${clean(url.origin)}: its login is not for there.`,
      )
    const { signal } = init
    const send = (grant: Grant | undefined) => source.fetch(url, withToken(init, grant))
    let grant = await untilAborted(source.current(person), signal)
    let response = await send(grant)
    if (response.status === 401 && isReplayable(init)) {
      const challenge = await challengeOf(response)
      grant = await untilAborted(source.replace(person, grant, challenge), signal)
      response = await send(grant)
      if (response.status === 401) {
        await response.body?.cancel()
        const why = 'it refuses a token that its own login server has just given'
        source.refuse(person, grant, why)
        throw loginOver(id, why)
      }
    }
    for (let widenings = 0; grant !== undefined && response.status === 403; widenings++) {
      const challenge = readChallenge(response.headers.get('www-authenticate'))
      if (challenge.error !== 'insufficient_scope') break
      await response.body?.cancel()
      grant = await widened(source, { person, grant, scopes: readScopes(challenge.scope), widenings })
      response = await send(grant)
    }
    return response
  }
}

interface Refusal {
  readonly person: string
  readonly grant: Grant
  readonly scopes: Scopes
  readonly widenings: number
}

/** 2026-07-28, authorization, "Step-Up Authorization Flow": what was asked for before and is refused still, stays refused. */
async function widened(source: TokenSource, { person, grant, scopes, widenings }: Refusal): Promise<Grant> {
  const { id } = source
  if (includes(grant.requested, scopes) || widenings >= MOST_WIDENINGS)
    throw new Fault('forbidden', `${id} does not allow this, though all that it asks for was asked for.`, {
      hint: `Whoever runs ${id} has to allow it.`,
      details: { provider: id, scopes: scopes.map(clean) },
    })
  const wider = await source.widen(person, grant, scopes)
  if (wider === undefined) throw scopesRequired(id, scopes)
  return wider
}

function withToken(init: RequestInit, grant: Grant | undefined): RequestInit {
  const headers = new Headers(init.headers)
  headers.delete('authorization')
  if (grant !== undefined) headers.set('authorization', `Bearer ${grant.accessToken}`)
  return { ...init, headers, redirect: 'manual' }
}

/** A stream is gone once it was sent. */
const isReplayable = ({ body }: RequestInit): boolean =>
  body === undefined || body === null || typeof body === 'string' || body instanceof Uint8Array

async function challengeOf(response: Response): Promise<Challenge> {
  await response.body?.cancel()
  return readChallenge(response.headers.get('www-authenticate'))
}

/**
 * What the upstream says to somebody it does not know: where and for what to log in stands in its refusal, and not always
 * anywhere else. Undefined where it says nothing. Throws the signal's reason.
 */
export async function askWithoutLogin(
  upstream: URL,
  fetch: Fetch,
  signal: AbortSignal,
): Promise<Challenge | undefined> {
  const headers = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' }
  const body = JSON.stringify({ jsonrpc: '2.0', id: 0, method: 'ping' })
  try {
    return await challengeOf(await fetch(upstream, { method: 'POST', headers, body, redirect: 'manual', signal }))
  } catch {
    signal.throwIfAborted()
    return undefined
  }
}
