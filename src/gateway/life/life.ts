import type { Clock } from '../../kernel/clock.ts'
import type { Events } from '../../kernel/events.ts'
import type { Log } from '../../kernel/log.ts'
import type { ServerDefinition } from '../../kernel/mcp/server-definition.ts'
import type { StatusReport } from '../../kernel/status.ts'
import { attend, type Attendance } from './attendance.ts'
import { causeOf } from './cause.ts'
import { createMachine, type Closable } from './machine.ts'
import { createMemoryCap } from './memory-cap.ts'
import type { LifeState } from './state.ts'
import { unavailableFault } from './unavailable.ts'
import { createWaiting } from './waiting.ts'

export type LifeDefinition = Pick<
  ServerDefinition,
  'restart' | 'idleStopMs' | 'patienceMs' | 'startTimeoutMs' | 'memoryMegabytes'
>

export interface LifeOptions<C extends Closable> {
  readonly name: string
  readonly definition: LifeDefinition
  /**
   * Starts and connects. `onClose`: the connection is of no use any more. Rejects with Fault `unauthenticated` where a
   * person has to log in. What it resolves with is closed exactly once, and `open` is not asked again before that.
   */
  open(signal: AbortSignal, onClose: (reason: string) => void): Promise<C>
  /** Asks how it is, without harm: no handshake, nothing that a running call could suffer from. */
  probe?(connection: C, signal: AbortSignal): Promise<void>
  /** Megabytes that it uses. */
  memory?(connection: C): Promise<number | undefined>
  /** What it needs and is down, as a sentence: "mosquitto is down since 14:02". */
  blockedBy(): string | undefined
  readonly clock: Clock
  readonly log: Log
  readonly events: Events
  /** After each change of state. */
  onChange?(state: LifeState): void
  /** After each probe that was answered. */
  onLatency?(latencyMs: number): void
  /** From 0 up to 1. */
  readonly random?: () => number
}

/** One upstream's life: it is started, looked after, started again, left alone, and stopped. */
export interface Life<C extends Closable> {
  readonly state: LifeState
  report(): StatusReport
  /** What `blockedBy` said, unless somebody stopped it: then it waits for nothing. */
  readonly waitsFor: string | undefined
  /** Wall-clock milliseconds of the end of the latest probe, answered or not; undefined: none has been yet. */
  readonly probedAtMs: number | undefined
  /** What calls go to, if it can be used right now. */
  current(): C | undefined
  /**
   * The same, started or waited for where that is likely to help: `patienceMs` at most, and not at all when it can't be
   * up by then. Throws Fault `unavailable` that says since when, why and when it is tried again; or the signal's reason.
   */
  obtain(signal: AbortSignal): Promise<C>
  /**
   * The same for whoever asked for a start and not for a call: one that is under way is waited for until it has come to an end.
   * Its fault is not retryable: to ask again would be to start it again, one too that somebody has stopped meanwhile.
   */
  started(signal: AbortSignal): Promise<C>
  /** Somebody asks for it: unless it is up or starting, it starts. */
  start(): void
  /** It stays stopped until somebody starts it. `why`: "it was stopped by owner". Resolves when all of it is gone. */
  stop(why: string): Promise<void>
  /** Ends what runs, and starts anew. */
  restart(): void
  /** A call found out that somebody has to log in first. What still runs is not cut off: then the next such call says so. */
  needsLogin(reason: string): void
  /** Somebody has. */
  loginDone(): void
  /** A call begins (1) or ends (-1): it is neither put to sleep, asked how it is nor started anew while one runs. */
  busy(delta: 1 | -1): void
  /** A call was answered. */
  noteSuccess(): void
  /** A call failed as calls of a broken server do: a time-out, a broken answer. Not an error that it gave on purpose. */
  noteFailure(reason: string): void
  /** What `blockedBy` says may have changed. */
  needsChanged(): void
  /** Stops it for good. `why`: by default that the hub is shutting down. */
  close(why?: string): Promise<void>
}

export function createLife<C extends Closable>(options: LifeOptions<C>): Life<C> {
  const { name, definition, clock, log, events, probe, memory, random = Math.random } = options
  const { idleStopMs, patienceMs, memoryMegabytes, restart: policy, startTimeoutMs } = definition
  const waiting = createWaiting(clock)
  const use = { running: 0, lastUsedMs: clock.monotonic() }
  const cap = memoryMegabytes === undefined ? undefined : createMemoryCap(clock, memoryMegabytes)
  let attendance: Attendance | undefined
  let probedAtMs: number | undefined
  let isOver = false
  let lastState: LifeState | undefined
  let lastReport: StatusReport | undefined

  const onUp = (connection: C): (() => void) => {
    use.lastUsedMs = clock.monotonic()
    const own = attend({
      clock,
      use,
      idleStopMs,
      probe: probe && ((signal) => probe(connection, signal)),
      memory: memory && cap && { cap, measure: () => memory(connection) },
      onJudged: (reason) => machine.judged(reason),
      onProbed() {
        probedAtMs = clock.now()
      },
      onLatency: (latencyMs) => options.onLatency?.(latencyMs),
      onIdle: () => sleep(`nobody has used it for ${(idleStopMs ?? 0) / 1000} s`),
      onDead: (reason) => machine.crashed(reason),
      onTooBig(reason) {
        log.warn(`${name} is started anew: ${reason}`)
        cap?.restarted()
        machine.begin(1, reason)
      },
    })
    attendance = own
    return () => {
      own.end()
      attendance = undefined
    }
  }

  const onChange = () => {
    const { state } = machine
    const { status, reason, ...rest } = machine.report()
    const isNew = status !== lastReport?.status || reason !== lastReport.reason
    lastReport = { status, ...(reason !== undefined && { reason }), ...rest }
    if (isNew) events.emit('status.changed', { name, status, ...(reason !== undefined && { reason }) })
    if (state !== lastState) options.onChange?.((lastState = state))
    waiting.wake()
  }

  const machine = createMachine<C>({
    name,
    policy,
    startTimeoutMs,
    open: (signal, onClose) => options.open(signal, onClose),
    blockedBy: () => options.blockedBy(),
    onUp,
    onChange,
    clock,
    log,
    random,
  })

  const sleep = (reason: string) => machine.goDown({ is: 'stopped', sinceMs: clock.now(), reason, wakes: true })

  const stop = async (reason: string) => {
    machine.goDown({ is: 'stopped', sinceMs: clock.now(), reason, wakes: false })
    await machine.settled()
  }

  /** A call asks: it wakes what sleeps, and gives what has failed another try now and then. */
  const wake = () => {
    const { state } = machine
    if (state.is === 'stopped' && state.wakes) machine.want()
    else if (machine.stateAgeMs() < policy.mostDelayMs) return
    else if (state.is === 'failed') machine.begin(policy.mostAttempts)
    // It may have refused everybody for a while, or somebody has logged in elsewhere.
    else if (state.is === 'needs_login') machine.begin(1)
  }

  /** Milliseconds before which it cannot be up; Infinity where that is not to be expected. */
  const soonestMs = (): number => {
    const { state, block } = machine
    // What it needs may be just about to start, as at the hub's own start; later a call would wait for nothing.
    if (block) return clock.now() - block.sinceMs < patienceMs ? 0 : Number.POSITIVE_INFINITY
    if (state.is === 'backing_off') return state.nextAtMs - state.sinceMs - machine.stateAgeMs()
    return state.is === 'starting' ? 0 : Number.POSITIVE_INFINITY
  }

  const awaited = async (signal: AbortSignal, isForStart: boolean): Promise<C> => {
    const untilMs = clock.monotonic() + patienceMs
    for (;;) {
      wake()
      if (machine.live !== undefined) return machine.live
      const isUnbounded = isForStart && machine.state.is === 'starting' && !machine.block
      const restMs = isUnbounded ? Number.POSITIVE_INFINITY : untilMs - clock.monotonic()
      if (soonestMs() >= restMs) {
        const { state, block } = machine
        throw unavailableFault({
          name,
          state,
          report: machine.report(),
          isBlocked: !!block,
          isOver,
          isForStart,
          nowMs: clock.now(),
        })
      }
      await waiting.wait(restMs, signal)
    }
  }

  return {
    get state() {
      return machine.state
    },
    report: () => machine.report(),
    get waitsFor() {
      return machine.block?.reason
    },
    get probedAtMs() {
      return probedAtMs
    },
    current: () => machine.live,
    obtain: (signal) => awaited(signal, false),
    started: (signal) => awaited(signal, true),
    start() {
      if (!isUnderWay(machine.state)) machine.begin(1)
    },
    stop,
    restart: () => machine.begin(1),
    needsLogin(reason) {
      if (machine.live === undefined || use.running > 0) return
      machine.goDown({ is: 'needs_login', sinceMs: clock.now(), ...causeOf(name, reason) })
    },
    loginDone() {
      if (machine.state.is === 'needs_login') machine.begin(1)
    },
    busy(delta) {
      use.running += delta
      if (use.running > 0) return
      use.lastUsedMs = clock.monotonic()
      attendance?.callsEnded()
    },
    noteSuccess: () => attendance?.noteSuccess(),
    noteFailure: (reason) => attendance?.noteFailure(causeOf(name, reason).reason),
    needsChanged: () => machine.needsChanged(),
    close(why = 'the hub is shutting down') {
      isOver = true
      machine.close()
      return stop(why)
    },
  }
}

const isUnderWay = ({ is }: LifeState) => is === 'starting' || is === 'ready' || is === 'degraded'
