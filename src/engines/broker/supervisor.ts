import type { Clock } from '../../kernel/clock.ts'
import { sleep } from '../../kernel/clock.ts'
import { Fault } from '../../kernel/fault.ts'
import type { Log } from '../../kernel/log.ts'
import type { StatusReport } from '../../kernel/status.ts'
import type { WatchedProcess } from './watched-process.ts'

export interface SupervisorOptions {
  /** For the log and in faults. */
  readonly name: string
  readonly clock: Clock
  readonly log: Log
  /** Milliseconds it may take until `isReady` says yes. */
  readonly startTimeoutMs: number
  start(onLine: (line: string) => void): WatchedProcess
  isReady(): Promise<boolean>
}

export interface Supervised {
  /** Resolves when the program first answers. Throws Fault `unavailable` with its last words. */
  readonly ready: Promise<void>
  report(): StatusReport
  /** Ends it and starts it at once, so that it reads its settings anew. One that waits to be started does so anyway. Throws as `ready`. */
  restart(): Promise<void>
  stop(): Promise<void>
}

type State =
  | { is: 'starting'; sinceMs: number; process: WatchedProcess }
  | { is: 'running'; sinceMs: number; process: WatchedProcess }
  | { is: 'waiting'; sinceMs: number; reason: string; cancel: () => void }
  | { is: 'stopped'; sinceMs: number }

const FIRST_DELAY_MS = 500
const LONGEST_DELAY_MS = 30_000

/** Running for this long makes an end an incident of its own: the delays begin anew. */
const STEADY_MS = 60_000

/** Milliseconds between two looks at a program that is coming up. */
const READY_EVERY_MS = 20

/** Lines kept to explain an early end. */
const LAST_WORDS = 5

/** Keeps a program running: it is started again when it ends, after 0.5 s at first and up to 30 s. */
export function supervise({ name, clock, log, startTimeoutMs, start, isReady }: SupervisorOptions): Supervised {
  let state: State = { is: 'stopped', sinceMs: clock.now() }
  let delayMs = FIRST_DELAY_MS

  const launch = (): Promise<void> => {
    const lastWords: string[] = []
    const process = start((line) => {
      lastWords.push(line)
      if (lastWords.length > LAST_WORDS) lastWords.shift()
      logLine(log, name, line)
    })
    state = { is: 'starting', sinceMs: clock.now(), process }
    const ended = process.ended.then((code) => {
      const why = lastWords.length === 0 ? '' : `: ${lastWords.join(' ')}`
      return new Fault('unavailable', `${name} ended with code ${code}${why}`)
    })
    void ended.then((fault) => afterEnd(process, fault))
    return untilReady(process, ended)
  }

  const untilReady = async (process: WatchedProcess, ended: Promise<Fault>): Promise<void> => {
    const late = clock.monotonic() + startTimeoutMs
    let fault: Fault | undefined
    void ended.then((reason) => (fault = reason))
    while (!(await isReady())) {
      await sleep(clock, READY_EVERY_MS)
      if (fault) throw fault
      if (clock.monotonic() <= late) continue
      // Its end brings the next attempt.
      void process.stop()
      throw new Fault('unavailable', `${name} did not answer in ${startTimeoutMs / 1000} s.`)
    }
    if (state.is === 'starting' && state.process === process) state = { is: 'running', sinceMs: clock.now(), process }
  }

  const afterEnd = (process: WatchedProcess, fault: Fault) => {
    if (!('process' in state) || state.process !== process) return
    const ranMs = clock.now() - state.sinceMs
    if (state.is === 'running' && ranMs >= STEADY_MS) delayMs = FIRST_DELAY_MS
    log.error(`${fault.message}; it starts again in ${delayMs / 1000} s`)
    const cancel = clock.after(delayMs, () => {
      launch().catch((error: unknown) => log.warn(`${name} did not come up`, { error }))
    })
    delayMs = Math.min(delayMs * 2, LONGEST_DELAY_MS)
    state = { is: 'waiting', sinceMs: clock.now(), reason: fault.message, cancel }
  }

  const stop = async () => {
    const before = state
    state = { is: 'stopped', sinceMs: clock.now() }
    if (before.is === 'waiting') before.cancel()
    if ('process' in before) await before.process.stop()
  }

  const restart = async () => {
    const before = state
    if (!('process' in before)) return
    // Nobody's end any more: no failure is counted, and nothing waits.
    state = { is: 'waiting', sinceMs: clock.now(), reason: `${name} is starting anew`, cancel: () => {} }
    const own = state
    await before.process.stop()
    if (state === own) await launch()
  }

  const first = launch().catch(async (error: unknown) => {
    await stop()
    throw error
  })

  return { ready: first, report: () => reportOf(state, name), restart, stop }
}

function reportOf(state: State, name: string): StatusReport {
  const { sinceMs } = state
  switch (state.is) {
    case 'running':
      return { status: 'available', sinceMs }
    case 'starting':
      return { status: 'unavailable', sinceMs, reason: `${name} is starting` }
    case 'waiting':
      return { status: 'unavailable', sinceMs, reason: state.reason }
    case 'stopped':
      return { status: 'unavailable', sinceMs, reason: `${name} was stopped` }
  }
}

/** Mosquitto's own words; its errors are ours to see, who came and went is for those who look for it. */
function logLine(log: Log, name: string, line: string): void {
  if (/error|warning|unable|cannot/i.test(line)) log.warn(line, { program: name })
  else log.debug(line, { program: name })
}
