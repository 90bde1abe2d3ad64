import { randomBytes } from 'node:crypto'
import type { Clock } from '../../kernel/clock.ts'
import type { AuthorizationServer } from './discovery.ts'
import type { Scopes } from './scopes.ts'
import type { Registration } from './vault.ts'

/** A login that was begun and waits for its person to come back from the browser. */
export interface Pending {
  readonly person: string
  /** Who alone may come back with it. Absent: whoever knows the state. */
  readonly account?: string
  readonly server: AuthorizationServer
  readonly client: Registration
  readonly verifier: string
  readonly requested: Scopes
}

export interface PendingLogins {
  /** A `state` that nobody can guess. */
  newState(): string
  add(state: string, login: Pending): void
  /** Looks, and leaves it there. */
  find(state: string): Pending | undefined
  /** Takes it out: a state works once, and not after 10 minutes. */
  take(state: string): Pending | undefined
}

const LIFETIME_MS = 10 * 60_000
/** More that wait at once are somebody's loop; the oldest goes. */
const MOST = 20

export function createPendingLogins(clock: Clock): PendingLogins {
  const waiting = new Map<string, Pending & { readonly untilMs: number }>()
  const forget = () => {
    for (const [state, { untilMs }] of waiting) if (untilMs <= clock.monotonic()) waiting.delete(state)
  }
  return {
    newState: () => randomBytes(32).toString('base64url'),
    add(state, login) {
      forget()
      const [oldest] = waiting.keys()
      if (waiting.size >= MOST && oldest !== undefined) waiting.delete(oldest)
      waiting.set(state, { ...login, untilMs: clock.monotonic() + LIFETIME_MS })
    },
    find(state) {
      forget()
      return waiting.get(state)
    },
    take(state) {
      forget()
      const login = waiting.get(state)
      waiting.delete(state)
      return login
    },
  }
}
