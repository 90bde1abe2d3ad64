import { Fault, hubStopping } from './fault.ts'
import type { PartReport } from './status.ts'

/** What stands in the way of a part's start and stop. */
interface Part {
  readonly name: string
  readonly needs: readonly string[]
  readonly essential?: boolean
}

/** A part of the hub as whoever steers it sees it. */
export interface PartState extends PartReport {
  readonly state: 'waiting' | 'starting' | 'running' | 'failed' | 'stopped'
  /** Starts after the first, since the hub started. */
  readonly restarts: number
  /** The hub is of no use without it: it cannot be stopped. */
  readonly essential: boolean
}

/** Starts and stops single parts of a running hub. All throw Fault `not_found` for a name that is no part's. */
export interface PartControl {
  /**
   * Starts it after what it needs, and then what needs it, except for what was stopped on request. Throws Fault
   * `unavailable` with the reason when it does not come up.
   */
  start(name: string): Promise<void>
  /** Stops what needs it, then it. It stays so until somebody starts it. Throws Fault `conflict` for what must run. */
  stop(name: string): Promise<void>
  /** Both, one after the other. */
  restart(name: string): Promise<void>
  /** What goes down with it: it and everything that needs it. */
  affected(name: string): readonly string[]
  states(): readonly PartState[]
}

/** What the life cycle does for it. */
export interface PartEngine {
  /** Starts it after what it needs; resolves when it runs or has failed. */
  start(name: string): Promise<void>
  /** Stops it after what needs it. Never throws. */
  stop(name: string): Promise<void>
  /** What it became is of no account any more: it can be started and stopped once more. */
  forget(name: string): void
  state(name: string): PartState
}

export interface ClosablePartControl extends PartControl {
  /** Takes no more orders; resolves when none is under way. */
  close(): Promise<void>
}

/** One order after the other: two at once would take down what the other just started. */
export function createPartControl(parts: readonly Part[], engine: PartEngine): ClosablePartControl {
  const byName = new Map(parts.map((part) => [part.name, part]))
  /** Stopped on request: what starts beside it must not bring it back. */
  const held = new Set<string>()
  let isClosed = false
  let last: Promise<unknown> = Promise.resolve()

  const find = (name: string): Part => {
    const part = byName.get(name)
    if (part) return part
    throw new Fault('not_found', `The hub has no part called ${JSON.stringify(name.slice(0, 100))}.`, {
      hint: 'get_orchestration lists them.',
    })
  }

  const inTurn = (order: () => Promise<void>): Promise<void> => {
    if (isClosed) return Promise.reject(hubStopping())
    const done = last.then(() => {
      if (isClosed) throw hubStopping()
      return order()
    })
    last = done.catch(() => undefined)
    return done
  }

  const isRunning = (name: string) => engine.state(name).state === 'running'

  const needsOf = (part: Part): readonly Part[] => part.needs.flatMap((name) => byName.get(name) ?? [])

  const dependentsOf = (name: string): Part[] => parts.filter(({ needs }) => needs.includes(name))

  const isOver = (name: string) => ['failed', 'stopped'].includes(engine.state(name).state)

  const startAfterNeeds = async (part: Part) => {
    for (const { name } of reach(part, needsOf)) if (isOver(name)) engine.forget(name)
    await engine.start(part.name)
  }

  const start = async (part: Part) => {
    for (const { name } of reach(part, needsOf)) held.delete(name)
    await startAfterNeeds(part)
    if (!isRunning(part.name))
      throw new Fault('unavailable', `${part.name} did not start: ${engine.state(part.name).reason}.`)
    for (const dependent of reach(part, ({ name }) => dependentsOf(name))) {
      const isWanted = !reach(dependent, needsOf).some(({ name }) => held.has(name))
      if (isWanted && !isRunning(dependent.name)) await startAfterNeeds(dependent)
    }
  }

  const stop = async (part: Part) => {
    const going = reach(part, ({ name }) => dependentsOf(name))
    const vital = going.find(({ essential }) => essential)
    if (vital) throw mustRun(part, vital)
    await engine.stop(part.name)
    for (const { name } of going) engine.forget(name)
  }

  return {
    start: async (name) => {
      const part = find(name)
      await inTurn(() => start(part))
    },
    stop: async (name) => {
      const part = find(name)
      await inTurn(async () => {
        await stop(part)
        held.add(name)
      })
    },
    restart: async (name) => {
      const part = find(name)
      await inTurn(async () => {
        await stop(part)
        await start(part)
      })
    },
    affected: (name) => reach(find(name), (part) => dependentsOf(part.name)).map((part) => part.name),
    states: () => parts.map(({ name }) => engine.state(name)),
    async close() {
      isClosed = true
      await last
    },
  }
}

/** It and all that follows from it, the nearest first. */
function reach(from: Part, next: (part: Part) => readonly Part[]): Part[] {
  const found = new Set([from])
  for (const part of found) for (const other of next(part)) found.add(other)
  return [...found]
}

function mustRun(part: Part, vital: Part): Fault {
  const why = vital === part ? 'the hub is of no use without it' : `${vital.name} needs it, and the hub needs that`
  return new Fault('conflict', `${part.name} cannot be stopped: ${why}.`, { hint: 'Restart the whole hub instead.' })
}
