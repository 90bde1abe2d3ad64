import { afterRunning, type Clock } from './clock.ts'
import type { Events } from './events.ts'
import { Fault } from './fault.ts'
import type { Log } from './log.ts'
import { createPartControl, type PartControl, type PartState } from './part-control.ts'
import type { PartReport, Ports } from './ports.ts'
import type { StatusReport } from './status.ts'

/** Something with a start and a stop: an engine, a service, an adapter. */
export interface Part {
  readonly name: string
  /** Names of parts that must run first; where a name is a port, its value is handed to `start`. */
  readonly needs: readonly string[]
  /** Without it the hub is of no use: its failure to start is the hub's. */
  readonly essential?: boolean
  start(ports: Partial<Ports>, signal: AbortSignal): Promise<RunningPart>
}

export interface RunningPart {
  /** What parts that need this one get. */
  value?: Ports[keyof Ports]
  /** Its own word on how well it works, from then on. */
  report?(): StatusReport
  stop(): Promise<void>
}

type State =
  | { is: 'waiting'; sinceMs: number }
  | { is: 'starting'; sinceMs: number }
  | { is: 'running'; sinceMs: number; part: RunningPart }
  | { is: 'failed'; sinceMs: number; reason: string; fault: unknown }
  | { is: 'stopped'; sinceMs: number }

export interface Lifecycle {
  /** Starts everything: in the order of needs, side by side where it can. Throws what an essential part threw. */
  start(): Promise<void>
  /** Stops everything that runs, each part after those that need it. Never throws. */
  stop(): Promise<void>
  report(name: string): StatusReport
  reports(): readonly PartReport[]
  /** Single parts, once everything was started. */
  readonly control: PartControl
}

export interface LifecycleOptions {
  clock: Clock
  events: Events
  log: Log
  /** Milliseconds a part may take to start, and to stop. */
  startTimeoutMs: number
  stopTimeoutMs: number
}

/** Throws TypeError for an unknown need or a cycle, naming its members. */
export function createLifecycle(parts: readonly Part[], options: LifecycleOptions): Lifecycle {
  const { clock, events, log } = options
  const byName = new Map(parts.map((part) => [part.name, part]))
  refuseCycles(parts, byName)
  const states = new Map<string, State>(parts.map(({ name }) => [name, { is: 'waiting', sinceMs: clock.now() }]))
  const started = new Map<string, Promise<void>>()
  const stopped = new Map<string, Promise<void>>()
  const restarts = new Map<string, number>()
  const abort = new AbortController()

  const enter = (name: string, state: State) => {
    states.set(name, state)
    const { status, reason } = reportOf(state)
    events.emit('status.changed', { name, status, ...(reason !== undefined && { reason }) })
  }

  const startOne = (part: Part): Promise<void> => {
    const known = started.get(part.name)
    if (known) return known
    const run = startNow(part)
    started.set(part.name, run)
    return run
  }

  const startNow = async (part: Part) => {
    const needed = part.needs.map((name) => byName.get(name) as Part)
    await Promise.all(needed.map(startOne))
    const down = needed.find(({ name }) => states.get(name)?.is !== 'running')
    try {
      if (down) throw new Fault('unavailable', `${down.name} is down (${reportOf(states.get(down.name)).reason})`)
      restarts.set(part.name, (restarts.get(part.name) ?? -1) + 1)
      enter(part.name, { is: 'starting', sinceMs: clock.now() })
      const running = await within(part, valuesOf(needed, states))
      enter(part.name, { is: 'running', sinceMs: clock.now(), part: running })
    } catch (fault) {
      const reason = fault instanceof Error ? fault.message : String(fault)
      enter(part.name, { is: 'failed', sinceMs: clock.now(), reason, fault })
      log.error(`${part.name} did not start`, { error: fault })
    }
  }

  const within = async (part: Part, ports: Partial<Ports>): Promise<RunningPart> => {
    const late = new AbortController()
    const cancel = clock.after(options.startTimeoutMs, () =>
      late.abort(new Fault('timeout', `it did not start within ${options.startTimeoutMs / 1000} s`)),
    )
    const signal = AbortSignal.any([late.signal, abort.signal])
    const starting = part.start(ports, signal)
    let giveUp = () => {}
    const givenUp = new Promise<never>((_, reject) => {
      giveUp = () => {
        reject(signal.reason as Error)
        // It may come up after all: then nobody would ever stop it.
        starting.then((running) => running.stop()).catch(() => undefined)
      }
      signal.addEventListener('abort', giveUp)
    })
    try {
      return await Promise.race([starting, givenUp])
    } finally {
      cancel()
      signal.removeEventListener('abort', giveUp)
    }
  }

  const stopOne = (part: Part): Promise<void> => {
    const known = stopped.get(part.name)
    if (known) return known
    const run = stopNow(part)
    stopped.set(part.name, run)
    return run
  }

  const stopNow = async (part: Part) => {
    await Promise.all(parts.filter(({ needs }) => needs.includes(part.name)).map(stopOne))
    await started.get(part.name)
    const state = states.get(part.name)
    if (state?.is !== 'running') return
    let cancel = () => {}
    const late = new Promise<void>((resolve) => {
      cancel = afterRunning(clock, options.stopTimeoutMs, () => {
        log.warn(`${part.name} did not stop in time`)
        resolve()
      })
    })
    await Promise.race([state.part.stop(), late]).catch((error: unknown) =>
      log.error(`${part.name} did not stop well`, { error }),
    )
    cancel()
    enter(part.name, { is: 'stopped', sinceMs: clock.now() })
  }

  const stateOf = (name: string): PartState => ({
    name,
    needs: byName.get(name)?.needs ?? [],
    ...reportOf(states.get(name)),
    state: states.get(name)?.is ?? 'waiting',
    restarts: restarts.get(name) ?? 0,
    essential: byName.get(name)?.essential === true,
  })

  const control = createPartControl(parts, {
    start: (name) => startOne(byName.get(name) as Part),
    stop: (name) => stopOne(byName.get(name) as Part),
    state: stateOf,
    forget(name) {
      started.delete(name)
      stopped.delete(name)
    },
  })

  return {
    control,
    async start() {
      await Promise.all(parts.map(startOne))
      for (const { name, essential } of parts) {
        const state = states.get(name)
        if (essential && state?.is === 'failed') throw state.fault
      }
    },
    async stop() {
      abort.abort(new Fault('stopping', 'the hub is shutting down'))
      await control.close()
      await Promise.all(parts.map(stopOne))
    },
    report: (name) => reportOf(states.get(name)),
    reports: () => parts.map(({ name, needs }) => ({ name, needs, ...reportOf(states.get(name)) })),
  }
}

function reportOf(state: State | undefined): StatusReport {
  if (state === undefined) return { status: 'unknown', sinceMs: 0, reason: 'there is no such part' }
  const { sinceMs } = state
  switch (state.is) {
    case 'waiting':
    case 'starting':
      return { status: 'unavailable', sinceMs, reason: 'it is starting' }
    case 'running':
      return state.part.report?.() ?? { status: 'available', sinceMs }
    case 'failed':
      return { status: 'unavailable', sinceMs, reason: state.reason }
    case 'stopped':
      return { status: 'unavailable', sinceMs, reason: 'it was stopped' }
  }
}

function valuesOf(needed: readonly Part[], states: ReadonlyMap<string, State>): Partial<Ports> {
  const values = needed.flatMap(({ name }) => {
    const state = states.get(name)
    return state?.is === 'running' && state.part.value !== undefined ? [[name, state.part.value]] : []
  })
  return Object.fromEntries(values)
}

function refuseCycles(parts: readonly Part[], byName: ReadonlyMap<string, Part>): void {
  const done = new Set<string>()
  const visit = (name: string, path: readonly string[]) => {
    if (path.includes(name)) throw new TypeError(`These need each other: ${[...path, name].join(' → ')}.`)
    const part = byName.get(name)
    if (!part) throw new TypeError(`${path.at(-1)} needs ${name}, which does not exist.`)
    if (done.has(name)) return
    for (const need of part.needs) visit(need, [...path, name])
    done.add(name)
  }
  for (const { name } of parts) visit(name, [])
}
