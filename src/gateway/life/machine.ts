import type { Clock } from '../../kernel/clock.ts'
import { Fault } from '../../kernel/fault.ts'
import type { Log } from '../../kernel/log.ts'
import type { RestartPolicy } from '../../kernel/mcp/server-definition.ts'
import type { StatusReport } from '../../kernel/status.ts'
import { backoffMs, steadyMs } from './backoff.ts'
import { causeOf, type Cause } from './cause.ts'
import { createPast } from './past.ts'
import type { BackingOff, Down, LifeState, Starting, Up } from './state.ts'

/** What a life keeps alive. */
export interface Closable {
  /** Never throws. */
  close(): Promise<void>
}

export interface MachineOptions<C extends Closable> {
  readonly name: string
  readonly policy: RestartPolicy
  readonly startTimeoutMs: number
  open(signal: AbortSignal, onClose: (reason: string) => void): Promise<C>
  blockedBy(): string | undefined
  /** It came up. Returns what ends whatever this begins. */
  onUp(connection: C): () => void
  /** After each change of the state or of what blocks it. */
  onChange(): void
  readonly clock: Clock
  readonly log: Log
  readonly random: () => number
}

/** What it needs is down. */
export interface Block {
  readonly reason: string
  /** Wall-clock milliseconds. */
  readonly sinceMs: number
}

/** The states and the ways between them. Everything that a state holds is let go when it ends, in one place. */
export interface Machine<C extends Closable> {
  readonly state: LifeState
  /** Milliseconds that it has been in that state, whatever the wall clock did meanwhile. */
  stateAgeMs(): number
  /** The connection, when it is up and nothing that it needs is down. */
  readonly live: C | undefined
  /** Why it cannot be used however well it is itself. */
  readonly block: Block | undefined
  report(): StatusReport
  /** Ends what runs or starts, and starts anew. `reason` is for people who wonder why. */
  begin(attempt: number, reason?: string): void
  /** The same for what nobody has stopped, as soon as what it needs is there. */
  want(): void
  goDown(state: Down): void
  /** What was up is of no use any more. */
  crashed(reason: string): void
  /** What is up does well (undefined) or not. */
  judged(reason: string | undefined): void
  needsChanged(): void
  /** Resolves when what has ended is gone. */
  settled(): Promise<void>
  /** From now on nothing begins. */
  close(): void
}

type Phase<C> =
  | { readonly state: Down; /** It begins as soon as what it needs is there. */ readonly isWanted: boolean }
  | StartingPhase
  | UpPhase<C>
  | { readonly state: BackingOff; readonly cancelRetry: () => void }

interface StartingPhase {
  readonly state: Starting
  readonly opening: AbortController
  readonly cancelLate: () => void
}

interface UpPhase<C> {
  readonly state: Up
  readonly connection: C
  readonly from: StartingPhase
  /** `Clock.monotonic`. */
  readonly beganMs: number
  readonly leave: () => void
}

export function createMachine<C extends Closable>(options: MachineOptions<C>): Machine<C> {
  const { name, policy, startTimeoutMs, clock, log } = options
  const initial: Down = { is: 'stopped', sinceMs: clock.now(), reason: 'nobody has needed it yet', wakes: true }
  const past = createPast()
  let phase: Phase<C> = { state: initial, isWanted: false }
  let enteredMs = clock.monotonic()
  /** Kept apart, so that a call costs one read. */
  let live: C | undefined
  let block: Block | undefined
  let isClosed = false
  /** Opens and closes, one after the other: the next begins when the one before has wholly ended. */
  let lastWork: Promise<void> = Promise.resolve()

  const enter = (next: Phase<C>): void => {
    const before = phase
    phase = next
    enteredMs = clock.monotonic()
    past.note(next.state)
    release(before, next)
    changed()
  }

  const release = (before: Phase<C>, next: Phase<C>) => {
    const kept = 'connection' in next ? next.connection : undefined
    if ('opening' in before) {
      before.cancelLate()
      if (kept === undefined) before.opening.abort(new Fault('cancelled', `The start of ${name} was given up.`))
    } else if ('connection' in before && before.connection !== kept) {
      before.leave()
      afterwards(() => before.connection.close())
    } else if ('cancelRetry' in before) before.cancelRetry()
  }

  const afterwards = (work: () => Promise<void>) => {
    lastWork = lastWork.then(work).catch((error: unknown) => log.error(`${name} did not end well`, { error }))
  }

  const changed = () => {
    live = 'connection' in phase && block === undefined ? phase.connection : undefined
    options.onChange()
  }

  const begin = (attempt: number, reason?: string): void => {
    if (isClosed) return
    updateBlock()
    if (block) {
      const state: Down = { is: 'stopped', sinceMs: clock.now(), reason: block.reason, wakes: true }
      return enter({ state, isWanted: true })
    }
    const cancelLate = clock.after(startTimeoutMs, () => {
      if (phase === starting)
        backOff(starting.state.attempt, { reason: `it did not start within ${startTimeoutMs / 1000} s` })
    })
    const state: Starting = { is: 'starting', sinceMs: clock.now(), attempt, ...(reason !== undefined && { reason }) }
    const starting: StartingPhase = { state, opening: new AbortController(), cancelLate }
    enter(starting)
    afterwards(() => open(starting))
  }

  const open = async (starting: StartingPhase): Promise<void> => {
    if (phase !== starting) return
    let connection: C
    try {
      connection = await options.open(starting.opening.signal, (reason) => lost(starting, reason))
    } catch (error) {
      if (phase !== starting) return
      if (!(error instanceof Fault)) log.error(`${name} could not be started`, { error })
      const cause = causeOf(name, error)
      if (!(error instanceof Fault && error.code === 'unauthenticated')) return backOff(starting.state.attempt, cause)
      return enter({ state: { is: 'needs_login', sinceMs: clock.now(), ...cause }, isWanted: false })
    }
    if (phase === starting) comeUp(starting, connection)
    else await connection.close()
  }

  const comeUp = (from: StartingPhase, connection: C) => {
    const state: Up = { is: 'ready', sinceMs: clock.now() }
    enter({ state, connection, from, beganMs: clock.monotonic(), leave: options.onUp(connection) })
  }

  const lost = (from: StartingPhase, reason: string) => {
    if (phase === from) backOff(from.state.attempt, causeOf(name, reason))
    else if ('connection' in phase && phase.from === from) crashed(reason)
  }

  const crashed = (reason: string) => {
    if (!('connection' in phase)) return
    const { attempt } = phase.from.state
    const wasSteady = clock.monotonic() - phase.beganMs >= steadyMs(policy, attempt)
    backOff(wasSteady ? 0 : attempt, causeOf(name, reason))
  }

  const backOff = (attempts: number, cause: Cause) => {
    log.warn(`${name} is down: ${cause.reason}`, { attempts })
    const sinceMs = clock.now()
    if (attempts >= policy.mostAttempts)
      return enter({ state: { is: 'failed', sinceMs, ...cause, attempts }, isWanted: false })
    const waitMs = backoffMs(policy, attempts, options.random())
    const cancelRetry = clock.after(waitMs, () => begin(attempts + 1))
    enter({ state: { is: 'backing_off', sinceMs, ...cause, attempts, nextAtMs: sinceMs + waitMs }, cancelRetry })
  }

  const updateBlock = (): boolean => {
    const reason = options.blockedBy()
    if (reason === block?.reason) return false
    block = reason === undefined ? undefined : { reason, sinceMs: block?.sinceMs ?? clock.now() }
    return true
  }

  /** What somebody stopped is stopped for that reason, whatever it needs. */
  const effectiveBlock = () => (phase.state.is === 'stopped' && !phase.state.wakes ? undefined : block)

  const needsChanged = () => {
    if (!updateBlock()) return
    if (!block && 'isWanted' in phase && phase.isWanted) begin(1)
    else changed()
  }

  return {
    get state() {
      return phase.state
    },
    stateAgeMs: () => clock.monotonic() - enteredMs,
    get live() {
      return live
    },
    get block() {
      return effectiveBlock()
    },
    report() {
      const reason = effectiveBlock()
      return reason ? { status: 'unavailable', ...reason } : past.report(phase.state)
    },
    begin,
    want() {
      if (!('isWanted' in phase)) return
      if (phase.isWanted) needsChanged()
      else begin(1)
    },
    goDown: (state) => enter({ state, isWanted: false }),
    crashed,
    judged(reason) {
      if (!('connection' in phase)) return
      const sinceMs = clock.now()
      enter({ ...phase, state: reason === undefined ? { is: 'ready', sinceMs } : { is: 'degraded', sinceMs, reason } })
    },
    needsChanged,
    settled: () => lastWork,
    close() {
      isClosed = true
    },
  }
}
