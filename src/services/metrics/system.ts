import { statfs } from 'node:fs/promises'
import { availableParallelism, freemem, loadavg, totalmem } from 'node:os'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import process from 'node:process'
import type { Clock } from '../../kernel/clock.ts'

/** How the machine and this process are doing. */
export interface SystemFigures {
  /** Of one core, within the last 10 s; 200 is two cores. */
  readonly cpuPercent: number
  /** User and system time of this process since it started. */
  readonly cpuSeconds: number
  readonly cores: number
  /** Of the machine, within a minute; 0 on Windows. */
  readonly load: number
  readonly residentMegabytes: number
  readonly heapMegabytes: number
  readonly freeMegabytes: number
  readonly totalMegabytes: number
  /** By which timers come late, within the last minute at most; absent before the first was measured. */
  readonly eventLoop?: { readonly meanMs: number; readonly p99Ms: number; readonly mostMs: number }
  /** Of the file system with the data folder; absent where the system does not say. */
  readonly disk?: { readonly freeMegabytes: number; readonly totalMegabytes: number }
}

export interface SystemMeter {
  read(): Promise<SystemFigures>
  stop(): void
}

/** Milliseconds between two looks at the event loop: each wakes a machine that does nothing else. */
const RESOLUTION_MS = 100
const CPU_MS = 10_000
const DELAY_MS = 60_000

export function createSystemMeter({ clock, folder }: { clock: Clock; folder: string }): SystemMeter {
  const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS })
  delay.enable()
  let usage = process.cpuUsage()
  let lookedMs = clock.monotonic()
  let cpuPercent = 0

  const look = () => {
    const nowMs = clock.monotonic()
    const { user, system } = process.cpuUsage(usage)
    if (nowMs > lookedMs) cpuPercent = (user + system) / 10 / (nowMs - lookedMs)
    usage = process.cpuUsage()
    lookedMs = nowMs
  }
  const lookAgain = () => {
    look()
    cancelLook = clock.after(CPU_MS, lookAgain)
  }
  const forget = () => {
    delay.reset()
    cancelForget = clock.after(DELAY_MS, forget)
  }
  let cancelLook = clock.after(CPU_MS, lookAgain)
  let cancelForget = clock.after(DELAY_MS, forget)

  return {
    async read() {
      // Before the first interval is over, what there is.
      if (cpuPercent === 0) look()
      const { rss, heapUsed } = process.memoryUsage()
      const { user, system } = process.cpuUsage()
      const disk = await diskOf(folder)
      return {
        cpuPercent,
        cpuSeconds: (user + system) / 1e6,
        cores: availableParallelism(),
        load: loadavg()[0] ?? 0,
        residentMegabytes: megabytes(rss),
        heapMegabytes: megabytes(heapUsed),
        freeMegabytes: megabytes(freemem()),
        totalMegabytes: megabytes(totalmem()),
        ...(delay.count > 0 && {
          eventLoop: { meanMs: late(delay.mean), p99Ms: late(delay.percentile(99)), mostMs: late(delay.max) },
        }),
        ...(disk && { disk }),
      }
    },
    stop() {
      cancelLook()
      cancelForget()
      delay.disable()
    },
  }
}

const megabytes = (bytes: number) => bytes / 1024 / 1024

/** What is measured is the time from one look to the next. */
const late = (nanoseconds: number) => Math.max(0, nanoseconds / 1e6 - RESOLUTION_MS)

async function diskOf(folder: string): Promise<SystemFigures['disk']> {
  try {
    const { bavail, blocks, bsize } = await statfs(folder)
    return { freeMegabytes: megabytes(bavail * bsize), totalMegabytes: megabytes(blocks * bsize) }
  } catch {
    return undefined
  }
}
