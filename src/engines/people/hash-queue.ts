import { Fault } from '../../kernel/fault.ts'

/** Lets few hashes be made at once: each takes a whole core and 19 MiB, and the threads that files and names wait for too. */
export interface HashQueue {
  /**
   * `isFirst`: it comes before those that are not, and waits in a room of its own, so that a flood of strangers does not keep the
   * people of the home out. Throws Fault `rate_limited` when too many wait already.
   */
  run<T>(task: () => Promise<T>, isFirst: boolean): Promise<T>
}

/** The hub answers calls on one core; on a machine with two the other one is for hashes. `mostWaiting`: in each room. */
export function createHashQueue(cores: number, mostWaiting = 30): HashQueue {
  const atOnce = cores > 2 ? 2 : 1
  const first: (() => void)[] = []
  const others: (() => void)[] = []
  let running = 0
  return {
    async run(task, isFirst) {
      const room = isFirst ? first : others
      if (running < atOnce) running++
      else if (room.length >= mostWaiting) throw busy()
      // Whoever ends hands its place over: `running` stays as it is.
      else await new Promise<void>((resolve) => room.push(resolve))
      try {
        return await task()
      } finally {
        const next = first.shift() ?? others.shift()
        if (next) next()
        else running--
      }
    },
  }
}

const busy = () =>
  new Fault('rate_limited', 'Too many people log in at this moment.', { hint: 'Try again in 2 s.', retryAfterMs: 2000 })
