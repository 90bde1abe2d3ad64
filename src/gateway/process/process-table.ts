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
}

/** Fields of /proc/PID/stat behind the name of the program (proc(5)), counted from 0. */
const STATE = 0
const GROUP = 2
const START = 19

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
  }
}

/** Living processes of a group, on Linux. Zombies are none: where nobody reaps them they stay for ever. */
export function membersOf(group: number): readonly number[] {
  return readdirSync('/proc')
    .filter((name) => name.charCodeAt(0) >= 48 && name.charCodeAt(0) <= 57)
    .filter((name) => {
      const row = readProcess(Number(name))
      return row?.group === group && !row.isZombie
    })
    .map(Number)
}

/** Resident megabytes of a whole process group; pages that its members share count for each. Undefined: not known. */
export async function memoryOf(group: number): Promise<number | undefined> {
  if (process.platform === 'win32') return undefined
  const kilobytes = process.platform === 'linux' ? residentOnLinux(group) : await residentByPs(group)
  return kilobytes === 0 ? undefined : kilobytes / 1024
}

function residentOnLinux(group: number): number {
  return sum(membersOf(group).map((pid) => Number(/^VmRSS:\s+(\d+)/m.exec(readProc(`${pid}/status`) ?? '')?.[1] ?? 0)))
}

async function residentByPs(group: number): Promise<number> {
  const { stdout } = await promisify(execFile)('ps', ['-A', '-o', 'pgid=,rss='], { timeout: 5000 })
  const rows = stdout.split('\n').map((line) => line.trim().split(/\s+/).map(Number))
  return sum(rows.filter(([pgid]) => pgid === group).map(([, resident = 0]) => resident))
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
