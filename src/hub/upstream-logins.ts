import type { Config } from '../config.ts'
import type { Events } from '../kernel/events.ts'
import { OWNER } from '../kernel/identity.ts'
import type { Log } from '../kernel/log.ts'
import type { PeopleKeeper } from '../kernel/people.ts'

export interface LeavingOptions {
  readonly events: Pick<Events, 'on'>
  readonly people: Pick<PeopleKeeper, 'get'>
  readonly log: Log
  /** Forgets what they have at other people's servers. */
  leave(caller: string, signal: AbortSignal): Promise<void>
}

const LEAVING_MS = 60_000

/**
 * Whoever is removed takes their logins at other people's servers along: a person, or a token that nobody in particular held. Who is
 * disabled, or has a new password, keeps them. Returns what ends it.
 */
export function watchLeaving({ events, people, log, leave }: LeavingOptions): () => void {
  return events.on('access.ended', (ended) => {
    const caller = 'person' in ended ? ended.person : ended.credential
    // A login of the owner's ends with a new token, the owner does not.
    if (caller === OWNER.id || ('person' in ended && people.get(caller))) return
    leave(caller, AbortSignal.timeout(LEAVING_MS)).catch((error: unknown) =>
      log.warn('logins of somebody who is gone could not be forgotten', { caller, error }),
    )
  })
}

/** Where a browser finds the hub, as far as OAuth allows it: by TLS, or on this machine (OAuth 2.1, section 2.3). */
export const callbackOrigin = ({ publicUrl }: Pick<Config, 'publicUrl'>, address: string): string =>
  publicUrl?.startsWith('https:') ? new URL(publicUrl).origin : address
