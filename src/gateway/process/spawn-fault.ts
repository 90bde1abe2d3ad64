import { accessSync, constants, existsSync, readFileSync, statSync } from 'node:fs'
import { basename, delimiter, isAbsolute, resolve } from 'node:path'
import process from 'node:process'
import { Fault } from '../../kernel/fault.ts'

/** What could not be started, and where it was looked for. */
export interface SpawnAttempt {
  /** The server's name. */
  readonly name: string
  readonly command: string
  readonly cwd: string
  /** PATH of the server's environment. */
  readonly path: string
}

/** Where the programs come from that most servers are started with. */
const INSTALL: Readonly<Record<string, string>> = {
  npx: 'npx comes with Node.js (https://nodejs.org)',
  npm: 'npm comes with Node.js (https://nodejs.org)',
  node: 'Install Node.js (https://nodejs.org)',
  uvx: 'uvx comes with uv (https://docs.astral.sh/uv)',
  uv: 'Install uv (https://docs.astral.sh/uv)',
  python: 'Install Python 3 (https://www.python.org); many systems call it python3',
  python3: 'Install Python 3 (https://www.python.org)',
  pipx: 'Install pipx (https://pipx.pypa.io)',
  docker: 'Install Docker (https://docs.docker.com/get-docker)',
  bunx: 'bunx comes with Bun (https://bun.sh)',
  bun: 'Install Bun (https://bun.sh)',
  deno: 'Install Deno (https://deno.com)',
}

/**
 * Why a command did not start, as a Fault `unavailable`. The system's own word (ENOENT) stands for a folder, a program
 * and an interpreter that are missing alike, so this looks again.
 */
export function spawnFault(attempt: SpawnAttempt): Fault {
  const { name, command, cwd } = attempt
  const fault = (why: string, hint: string) =>
    new Fault('unavailable', `${name} cannot be started: ${why}.`, { hint, details: { server: name } })
  if (!isFolder(cwd)) return fault(`its folder ${cwd} does not exist`, `Correct cwd of ${name}, or make the folder.`)
  const file = findProgram(attempt)
  if (file === undefined) return fault(`${command} was not found`, whatIsMissing(attempt))
  if (!mayRun(file)) return fault(`${file} may not be run by this user`, `Try: chmod +x ${file}`)
  const interpreter = interpreterOf(file)
  if (interpreter !== undefined && !isFile(interpreter))
    return fault(`${interpreter}, which its first line names, does not exist`, `Install it, or correct ${file}.`)
  return fault(
    `the system refused to run ${file}`,
    'Run it in a terminal to see why; limits on processes and open files (ulimit -u, ulimit -n) are the usual cause.',
  )
}

function findProgram({ command, cwd, path }: SpawnAttempt): string | undefined {
  if (isPath(command)) return isFile(resolve(cwd, command)) ? resolve(cwd, command) : undefined
  const files = path.split(delimiter).map((folder) => resolve(cwd, folder, command))
  return files.find((file) => isFile(file) && mayRun(file)) ?? files.find(isFile)
}

const isPath = (command: string) => isAbsolute(command) || command.includes('/') || command.includes('\\')

function whatIsMissing({ command, path }: SpawnAttempt): string {
  if (isPath(command)) return `Correct the path; a path that does not begin with / counts from cwd.`
  const install = INSTALL[basename(command).toLowerCase()] ?? `Install ${command}`
  const folders = path === '' ? 'no folder: PATH is empty' : path
  return `${install}, or give its full path: a hub that runs as a service has a shorter PATH than a terminal (${folders}).`
}

/** What `#!` in the first line of a script names. */
function interpreterOf(file: string): string | undefined {
  try {
    return /^#! *(\S+)/.exec(readFileSync(file, 'latin1'))?.[1]
  } catch {
    return undefined
  }
}

const isFolder = (path: string) => existsSync(path) && statSync(path).isDirectory()
const isFile = (path: string) => existsSync(path) && statSync(path).isFile()

function mayRun(file: string): boolean {
  try {
    accessSync(file, process.platform === 'win32' ? constants.F_OK : constants.X_OK)
    return true
  } catch {
    return false
  }
}
