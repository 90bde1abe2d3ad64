import type { Caller } from './caller.ts'
import type { Clock } from './clock.ts'
import type { EventMap, Events } from './events.ts'
import { Fault } from './fault.ts'

/** What lives on the word of a credential (a session, a stream, a call that waits), and ends with it. */
export interface Tenure {
  /** `end` is told once: when the caller's access ends, or its credential expires. Returns what lets go of it. */
  hold(caller: Caller, end: (why: Fault) => void): () => void
}

interface Held {
  readonly caller: Caller
  end(why: Fault): void
}

/** Follows the events for the life of the process. */
export function createTenure(events: Pick<Events, 'on'>, clock: Clock): Tenure {
  const held = new Set<Held>()
  events.on('access.ended', (ended) => {
    for (const one of held) if (concerns(ended, one.caller)) one.end(accessEnded())
  })
  return {
    hold(caller, end) {
      const release = () => {
        stopClock()
        held.delete(own)
      }
      const own: Held = {
        caller,
        end(why) {
          release()
          end(why)
        },
      }
      const stopClock = atExpiry(clock, caller, () => own.end(expired()))
      held.add(own)
      return release
    },
  }
}

/** Whether what ended is what this caller came by, or the person it is. */
export function concerns(ended: EventMap['access.ended'], { id, person, credential }: Caller): boolean {
  if ('credential' in ended) return credential === ended.credential
  return person === ended.person || id === ended.person
}

export const accessEnded = (): Fault =>
  new Fault('unauthenticated', 'The access of this caller has ended.', { hint: 'Log in again.' })

const expired = () =>
  new Fault('unauthenticated', 'The access token has expired.', { hint: 'Get a new one and connect again.' })

/** A timer takes 24.8 days at most: until it is time, it is set anew. */
function atExpiry(clock: Clock, { expiresMs }: Caller, task: () => void): () => void {
  if (expiresMs === undefined) return () => {}
  let cancel = () => {}
  const look = () => {
    const restMs = expiresMs - clock.now()
    if (restMs <= 0) task()
    else cancel = clock.after(Math.min(restMs, LONGEST_WAIT_MS), look)
  }
  // Never at once: whoever holds on has to get what lets go first.
  cancel = clock.after(Math.min(Math.max(expiresMs - clock.now(), 0), LONGEST_WAIT_MS), look)
  return () => cancel()
}

const LONGEST_WAIT_MS = 86_400_000
