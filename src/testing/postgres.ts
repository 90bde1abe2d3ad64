import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { chownSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { createInterface } from 'node:readline'
import { findProgram } from '../../scripts/ensure-servers.ts'
import { anyFreePort } from './free-port.ts'

/** A PostgreSQL server of a test's own, on a loopback port, with temporary data. */
export interface PostgresServer {
  readonly port: number
  readonly password: string
  /** `postgres://…` of the administrator, for a database of that name. */
  url(database?: string): string
  /** Makes an empty database and returns its URL. */
  createDatabase(name: string): string
  /** Ends the server as a power switch would; its data stay. */
  kill(): Promise<void>
  /** Starts it again after `kill`. */
  start(): Promise<void>
  /** Ends the server and removes its data. */
  stop(): Promise<void>
}

const FOLDERS = ['/usr/lib/postgresql/*/bin', '/opt/homebrew/opt/postgresql*/bin']

/** Small, and without the waits for the disk that a test does not need. */
const SETTINGS = {
  fsync: 'off',
  shared_buffers: '16MB',
  max_connections: '40',
  autovacuum: 'off',
  unix_socket_directories: '',
  listen_addresses: '127.0.0.1',
}

/** Starts a server; whoever starts it stops it. */
export async function startPostgres(): Promise<PostgresServer> {
  const user = serverUser()
  const folder = mkdtempSync(join(tmpdir(), 'alicia-test-postgres-'))
  const data = join(folder, 'data')
  const password = randomBytes(12).toString('hex')
  writeFileSync(join(folder, 'password'), password)
  if (user) for (const path of [folder, join(folder, 'password')]) chownSync(path, user.uid, user.gid)
  const env = { PATH: process.env['PATH'], LC_ALL: 'C' }
  const init = ['-D', data, '-U', 'alicia', '--auth=scram-sha-256', `--pwfile=${join(folder, 'password')}`]
  execFileSync(program('initdb'), [...init, '--no-sync', '--no-locale', '--encoding=UTF8'], {
    ...user,
    env,
    cwd: folder,
    stdio: ['ignore', 'ignore', 'inherit'],
  })

  const port = await anyFreePort()
  let server: ChildProcess | undefined
  const start = async () => {
    const settings = Object.entries({ ...SETTINGS, port }).flatMap(([name, value]) => ['-c', `${name}=${value}`])
    server = spawn(program('postgres'), ['-D', data, ...settings], {
      ...user,
      env,
      cwd: folder,
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    await ready(server)
  }
  const end = async (signal: 'SIGINT' | 'SIGQUIT') => {
    if (!server || server.exitCode !== null) return
    const exit = once(server, 'exit')
    server.kill(signal)
    await exit
  }
  const stop = async () => {
    await end('SIGINT')
    rmSync(folder, { recursive: true, force: true })
  }
  await start().catch(async (error: unknown) => {
    await stop()
    throw error
  })

  const url = (database = 'postgres') => `postgres://alicia:${password}@127.0.0.1:${port}/${database}`
  return {
    port,
    password,
    url,
    createDatabase(name) {
      const psql = ['-qX', '-v', 'ON_ERROR_STOP=1', '-c', `create database "${name}"`, url()]
      execFileSync(program('psql'), psql, { stdio: ['ignore', 'ignore', 'inherit'] })
      return url(name)
    },
    // Immediate shutdown: it ends its children at once and recovers from its log at the next start.
    kill: () => end('SIGQUIT'),
    start,
    stop,
  }
}

/** PostgreSQL refuses to run as root: then it runs as the user its package made, or as nobody. */
function serverUser(): { uid: number; gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined
  const users = readFileSync('/etc/passwd', 'utf8').split('\n')
  const entry = users.find((line) => line.startsWith('postgres:')) ?? users.find((line) => line.startsWith('nobody:'))
  const [, , uid, gid] = entry?.split(':') ?? []
  return { uid: Number(uid), gid: Number(gid) }
}

function program(name: string): string {
  const path = findProgram(name, FOLDERS)
  if (path === undefined) throw new Error(`${name} is not installed; node scripts/ensure-servers.ts says how to.`)
  return path
}

/** Resolves when the server says it takes connections; throws with what it said when it ends before. */
async function ready(server: ChildProcess): Promise<void> {
  if (!server.stderr) throw new Error('The server has no standard error to read.')
  const said: string[] = []
  for await (const line of createInterface({ input: server.stderr })) {
    said.push(line)
    if (line.includes('ready to accept connections')) {
      // Left unread, the pipe would fill and stop the server.
      server.stderr.resume()
      return
    }
  }
  throw new Error(`PostgreSQL did not start:\n${said.join('\n')}`)
}
