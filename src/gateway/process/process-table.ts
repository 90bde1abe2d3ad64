import { execFile } from 'node:child_process'
import { readFileSync, readdirSync } from 'node:fs'
import process from 'node:process'
import { promisify } from 'node:util'

/** One process of the system's table. */
interface Row {
  readonly pid: number
  readonly group: number
  readonly isZombie: boolean
  /** Clock ticks since boot: with the pid, it names a process for good. */
  readonly startTicks: string
  /** Clock ticks that it ran, with those of its children that have ended: what they used does not vanish with them. */
  readonly cpuTicks: number
}

/** What a process group uses. */
export interface Usage {
  /** Resident; pages that its members share count for each. */
  readonly megabytes: number
  /** User and system time since they started; on Linux with that of their children that have ended. */
  readonly cpuSeconds: number
}

/** Fields of /proc/PID/stat behind the name of the program (proc(5)), counted from 0. */
const STATE = 0
const GROUP = 2
/** utime, stime, cutime, cstime. */
const CPU = [11, 12, 13, 14]
const START = 19

/** USER_HZ: 100 for programs on every Linux that Node runs on, whatever the kernel's own clock. */
const TICKS_PER_SECOND = 100

/** A process as Linux shows it; undefined when there is none. */
export function readProcess(pid: number): Row | undefined {
  const text = readProc(`${pid}/stat`)
  if (text === undefined) return undefined
  // The name may hold spaces and brackets: everything up to the last one is the pid and the name.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  const state = fields[STATE]
  return {
    pid,
    group: Number(fields[GROUP]),
    isZombie: state === 'Z' || state === 'X',
    startTicks: fields[START] ?? '',
    cpuTicks: sum(CPU.map((field) => Number(fields[field]))),
  }
}

/** Living processes of a group, on Linux. Zombies are none: where nobody reaps them they stay for ever. */
export const membersOf = (group: number): readonly number[] => rowsOf(group).map(({ pid }) => pid)

function rowsOf(group: number): readonly Row[] {
  return readdirSync('/proc')
    .filter((name) => name.charCodeAt(0) >= 48 && name.charCodeAt(0) <= 57)
    .flatMap((name) => {
      const row = readProcess(Number(name))
      return row?.group === group && !row.isZombie ? [row] : []
    })
}

/** Of a whole process group. Undefined: not known. */
export async function usageOf(group: number): Promise<Usage | undefined> {
  if (process.platform === 'win32') return undefined
  const usage = process.platform === 'linux' ? usageOnLinux(group) : await usageByPs(group)
  return usage.megabytes === 0 ? undefined : usage
}

/** Its resident megabytes alone. */
export const memoryOf = async (group: number): Promise<number | undefined> => (await usageOf(group))?.megabytes

function usageOnLinux(group: number): Usage {
  const rows = rowsOf(group)
  const kilobytes = rows.map(({ pid }) => Number(/^VmRSS:\s+(\d+)/m.exec(readProc(`${pid}/status`) ?? '')?.[1] ?? 0))
  return {
    megabytes: sum(kilobytes) / 1024,
    cpuSeconds: sum(rows.map(({ cpuTicks }) => cpuTicks)) / TICKS_PER_SECOND,
  }
}

async function usageByPs(group: number): Promise<Usage> {
  const { stdout } = await promisify(execFile)('ps', ['-A', '-o', 'pgid=,rss=,time='], { timeout: 5000 })
  return usageIn(stdout, group)
}

/** Rows of `ps`: group, resident kilobytes, and `[days-][hours:]minutes:seconds`, on some with a fraction behind a dot or comma. */
export function usageIn(table: string, group: number): Usage {
  const rows = table
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter(([pgid]) => Number(pgid) === group)
  return {
    megabytes: sum(rows.map(([, kilobytes]) => Number(kilobytes))) / 1024,
    cpuSeconds: sum(rows.map(([, , time = '']) => secondsIn(time))),
  }
}

function secondsIn(time: string): number {
  const [clock = '', days = '0'] = time.replace(',', '.').split('-').toReversed()
  return clock.split(':').reduce((total, part) => total * 60 + Number(part), 0) + Number(days) * 86_400
}

const sum = (numbers: readonly number[]) => numbers.reduce((total, number) => total + number, 0)

/** Whatever goes while we look is not there. */
function readProc(path: string): string | undefined {
  try {
    return readFileSync(`/proc/${path}`, 'utf8')
  } catch {
    return undefined
  }
}
