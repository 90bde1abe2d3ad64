import type { Clock } from '../../kernel/clock.ts'
import { Fault } from '../../kernel/fault.ts'
import { readRetryAfter } from '../connection/http-fault.ts'
import { clean } from './faults.ts'
import type { Fetch } from './guarded-fetch.ts'

/** Whoever says a day does not keep everybody out for one. */
const LONGEST_WAIT_MS = 5 * 60_000

/**
 * Leaves an address alone for as long as it has asked to (RFC 6585, section 4; RFC 9110, section 10.2.3): every call whose token
 * is due would ask it once more. What it refuses in that way is no word about logins or metadata. Throws Fault `unavailable`.
 */
export function createPatientFetch(fetch: Fetch, { name, clock }: { name: string; clock: Clock }): Fetch {
  const waits = new Map<string, number>()
  const fault = (url: URL, waitMs: number) =>
    new Fault('unavailable', `${clean(url.host)} is asked too often; the login at ${name} has to wait.`, {
      hint: waitMs > 0 ? `Try again in ${Math.ceil(waitMs / 1000)} s.` : 'Try again later.',
      ...(waitMs > 0 && { retryAfterMs: waitMs }),
    })
  return async (input, init) => {
    const url = new URL(input)
    const address = `${url.origin}${url.pathname}`
    const restMs = Math.ceil((waits.get(address) ?? 0) - clock.monotonic())
    if (restMs > 0) throw fault(url, restMs)
    waits.delete(address)
    const response = await fetch(url, init)
    const asked = readRetryAfter(response.headers.get('retry-after') ?? undefined, clock)
    if (response.status !== 429 && !(response.status === 503 && asked !== undefined)) return response
    const waitMs = Math.min(asked ?? 0, LONGEST_WAIT_MS)
    const nowMs = clock.monotonic()
    for (const [known, untilMs] of waits) if (untilMs <= nowMs) waits.delete(known)
    if (waitMs > 0) waits.set(address, nowMs + waitMs)
    throw fault(url, waitMs)
  }
}
