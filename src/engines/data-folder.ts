import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { z } from 'zod'
import { Fault } from '../kernel/fault.ts'
import type { Log } from '../kernel/log.ts'
import { isLocked, takeLock } from './folder-lock.ts'
import { readPrivateFile, storageFault, writePrivateFile } from './private-file.ts'
import { finishRestore } from './restore-journal.ts'

/** What a running hub tells other programs of the same machine. */
const RunningHub = z.object({
  pid: z.int(),
  /** Where it listens: `http://host:port`. */
  url: z.string(),
  /** Its broker: `mqtt://host:port`, without credentials. */
  mqttUrl: z.string().exactOptional(),
  version: z.string(),
  /** Wall-clock milliseconds. */
  startedAt: z.number(),
})
export type RunningHub = z.infer<typeof RunningHub>

/** The folder with everything a hub keeps. While it is open, no other hub can have it. */
export interface DataFolder {
  /** Absolute. */
  readonly path: string
  /** The owner's access token, as it was when the folder was opened. */
  readonly token: string
  readonly tokenSource: 'file' | 'environment'
  /** Where the token is kept when it is not from the environment. */
  readonly tokenFile: string
  /** The full path of a file in the folder. */
  file(name: string): string
  /** Tells other programs where this hub listens, until `close`. */
  announce(hub: Omit<RunningHub, 'pid'>): void
  /**
   * Makes and keeps a new token, and returns it; whoever knows the old one has to be told. Throws Fault `conflict` when the token
   * comes from the environment, `storage_failed`.
   */
  rotateToken(): string
  /** Lets the folder go. Calling it twice is harmless. */
  close(): void
}

export interface DataFolderOptions {
  /** Made when it is missing, for its owner alone. */
  path: string
  log: Log
  /** ALICIA_TOKEN: used instead of the one in the folder. */
  token?: string
}

const LOCK = 'hub.lock'
const HUB = 'hub.json'
const TOKEN = 'token'

const TOKEN_BYTES = 32
/** Shorter ones could be guessed through the network within years, and typed ones are rarely random. */
const SHORTEST_TOKEN = 16

/**
 * Throws Fault `storage_failed` when the folder cannot be made or written, `conflict` when another hub runs on it,
 * `invalid_input` for a token that is too short.
 */
export function openDataFolder({ path, log, token: given }: DataFolderOptions): DataFolder {
  const folder = resolve(path)
  const file = (name: string) => join(folder, name)
  const tokenFile = file(TOKEN)
  if (given !== undefined) refuseWeakToken(given)
  makeWritable(folder)
  const release = lock(folder)
  try {
    if (finishRestore(folder)) log.warn('a restore that had been cut short is finished now')
    const token = given ?? readToken(folder, log) ?? makeToken(tokenFile)
    let isOpen = true
    return {
      path: folder,
      token,
      tokenSource: given === undefined ? 'file' : 'environment',
      tokenFile,
      file,
      announce: (hub) => writePrivateFile(file(HUB), `${JSON.stringify({ pid: process.pid, ...hub })}\n`),
      rotateToken() {
        if (given === undefined) return makeToken(tokenFile)
        throw new Fault('conflict', 'The token comes from ALICIA_TOKEN, so it cannot be changed here.', {
          hint: 'Change ALICIA_TOKEN and restart.',
        })
      },
      close() {
        if (!isOpen) return
        isOpen = false
        rmSync(file(HUB), { force: true })
        release()
      },
    }
  } catch (error) {
    release()
    throw error
  }
}

/** The hub that runs on this folder now, or undefined: what a hub that was killed left behind does not count. */
export function runningHub(path: string): RunningHub | undefined {
  if (!isLocked(join(path, LOCK))) return undefined
  try {
    return RunningHub.parse(JSON.parse(readFileSync(join(path, HUB), 'utf8')))
  } catch {
    // It is only just starting, or already stopping.
    return undefined
  }
}

/** The token kept in the folder, or undefined when there is none yet. Throws Fault `storage_failed`. */
export function readToken(path: string, log: Log): string | undefined {
  const token = readPrivateFile(join(path, TOKEN), log)?.trim()
  if (token === undefined || token === '') return undefined
  refuseWeakToken(token, join(path, TOKEN))
  return token
}

function makeToken(tokenFile: string): string {
  // Not base64url: on a command line, what begins with "-" is an option.
  const token = randomBytes(TOKEN_BYTES).toString('hex')
  writePrivateFile(tokenFile, `${token}\n`)
  return token
}

function refuseWeakToken(token: string, where = 'ALICIA_TOKEN'): void {
  const hint = 'Make one with: openssl rand -hex 32'
  if (token.length < SHORTEST_TOKEN)
    throw new Fault('invalid_input', `The token in ${where} is shorter than ${SHORTEST_TOKEN} characters.`, { hint })
  // RFC 6750, section 2.1: what an Authorization header can carry.
  if (!/^[A-Za-z0-9._~+/-]+=*$/.test(token))
    throw new Fault('invalid_input', `The token in ${where} has characters that an HTTP header cannot carry.`, { hint })
}

/**
 * Makes the folder and those above it. Node's own `recursive` does not return where a folder is there and yet answers
 * ENOENT to whoever makes something in it, as an automounter does.
 */
function makeFolder(path: string): void {
  if (existsSync(path) && statSync(path).isDirectory()) return
  const parent = dirname(path)
  if (!existsSync(parent)) makeFolder(parent)
  mkdirSync(path, { mode: 0o700 })
}

/** The lock alone would not tell: a read-only disk lets a lock be taken on a file that is there. */
function makeWritable(folder: string): void {
  try {
    makeFolder(folder)
  } catch (error) {
    throw storageFault(`The data folder ${folder} cannot be made`, error)
  }
  const probe = join(folder, `.write-test-${process.pid}`)
  try {
    writePrivateFile(probe, 'x'.repeat(4096))
  } catch (error) {
    throw storageFault(`The data folder ${folder} cannot be written`, error instanceof Fault ? error.cause : error)
  } finally {
    rmSync(probe, { force: true })
  }
}

function lock(folder: string): () => void {
  const release = takeLock(join(folder, LOCK))
  if (release) return release
  const other = runningHub(folder)
  const who = other ? `Process ${other.pid} at ${other.url} runs` : 'Another hub is starting'
  throw new Fault('conflict', `${who} on the data folder ${folder} already.`, {
    hint: 'Use that one, stop it, or choose another folder with --data.',
    ...(other && { details: { pid: other.pid, url: other.url } }),
  })
}
