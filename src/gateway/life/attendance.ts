import type { Clock } from '../../kernel/clock.ts'
import type { MemoryCap } from './memory-cap.ts'
import { watchHealth, watchIdle, watchMemory, type Use } from './watch.ts'
import { createWellness } from './wellness.ts'

/** What can be done for a server that is up; what is absent is not done. */
export interface AttendanceOptions {
  readonly clock: Clock
  readonly use: Use
  readonly idleStopMs: number | undefined
  readonly probe: ((signal: AbortSignal) => Promise<void>) | undefined
  readonly memory: { readonly cap: MemoryCap; readonly measure: () => Promise<number | undefined> } | undefined
  /** It does well (undefined) or not. */
  onJudged(reason: string | undefined): void
  /** A probe was answered, or was not. */
  onProbed(): void
  onLatency(latencyMs: number): void
  /** Nobody has used it for `idleStopMs`. */
  onIdle(): void
  /** It does not answer, and nothing runs that could be why. */
  onDead(reason: string): void
  /** It must be started anew, and nothing runs. */
  onTooBig(reason: string): void
}

/** Looks after one server for as long as it is up. */
export interface Attendance {
  noteSuccess(): void
  noteFailure(reason: string): void
  /** The last running call ended. */
  callsEnded(): void
  end(): void
}

export function attend(options: AttendanceOptions): Attendance {
  const { clock, use, idleStopMs, probe, memory } = options
  const wellness = createWellness()
  const ends: (() => void)[] = []
  /** Why it is started anew as soon as nothing runs. */
  let tooBig: string | undefined

  const noteSuccess = () => {
    if (wellness.worked()) options.onJudged(wellness.reason)
  }
  const noteFailure = (reason: string) => {
    if (wellness.failed(reason)) options.onJudged(wellness.reason)
  }
  const callsEnded = () => {
    if (tooBig !== undefined) options.onTooBig(tooBig)
  }

  const onSilence = (error: unknown) => {
    options.onProbed()
    const reason = `it does not answer (${error instanceof Error ? error.message : String(error)})`
    if (wellness.silent()) options.onDead(reason)
    else noteFailure(reason)
  }

  const onMeasured = (cap: MemoryCap, megabytes: number) => {
    const judgement = cap.judge(megabytes)
    tooBig = judgement.is === 'restart' ? judgement.reason : undefined
    if (wellness.bloated(judgement.is === 'too_often' ? judgement.reason : undefined)) options.onJudged(wellness.reason)
    if (use.running === 0) callsEnded()
  }

  if (idleStopMs !== undefined) ends.push(watchIdle(clock, use, { idleMs: idleStopMs, onIdle: () => options.onIdle() }))
  if (memory) ends.push(watchMemory(clock, memory.measure, (megabytes) => onMeasured(memory.cap, megabytes)))
  if (probe)
    ends.push(
      watchHealth(clock, use, {
        ask: probe,
        isDoubtful: () => wellness.isDoubtful,
        onAnswer(latencyMs) {
          options.onProbed()
          noteSuccess()
          options.onLatency(latencyMs)
        },
        onSilence,
      }),
    )

  return {
    noteSuccess,
    noteFailure,
    callsEnded,
    end() {
      for (const end of ends) end()
    },
  }
}
