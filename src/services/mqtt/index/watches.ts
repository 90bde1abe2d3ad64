import type { Clock } from '../../../kernel/clock.ts'
import type { Session } from '../sessions.ts'
import { startWatch, type Watch } from './watch.ts'

/** The live indexes of the sessions that have one. */
export interface Watches {
  /** The session's, begun now if there is none. What is asked for longest ago makes room when there are too many. */
  of(session: Session): Watch
  stop(): Promise<void>
}

export interface WatchesOptions {
  readonly clock: Clock
  /** Most at a time, and what each may hold. */
  readonly maxWatches: number
  readonly maxTopics: number
  readonly maxBytes: number
}

export function createWatches({ clock, maxWatches, maxTopics, maxBytes }: WatchesOptions): Watches {
  const watches = new Map<string, { watch: Watch; links: Session['links'] }>()
  const ending = new Set<Promise<void>>()

  const end = (id: string) => {
    const stopping = watches.get(id)?.watch.stop()
    watches.delete(id)
    if (stopping === undefined) return
    ending.add(stopping)
    void stopping.finally(() => ending.delete(stopping))
  }

  const start = ({ id, links }: Session): Watch => {
    end(id)
    const watch = startWatch({ links, clock, maxTopics, maxBytes })
    watches.set(id, { watch, links })
    // One that was refused is remembered, so that nobody asks the broker for it again and again.
    void watch.ended.then(() => {
      const state = watch.state()
      if (state.is === 'ended' && !state.refused && watches.get(id)?.watch === watch) watches.delete(id)
    })
    for (const old of watches.keys()) if (watches.size > maxWatches) end(old)
    return watch
  }

  return {
    of(session) {
      const known = watches.get(session.id)
      // Other links: the session was closed and came back.
      if (known === undefined || known.links !== session.links) return start(session)
      watches.delete(session.id)
      watches.set(session.id, known)
      return known.watch
    },
    async stop() {
      for (const id of watches.keys()) end(id)
      await Promise.all(ending)
    },
  }
}
