import { constants } from 'node:fs'
import { access as canAccess, chmod, mkdir, readdir, rename, writeFile } from 'node:fs/promises'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import type { Clock } from '../../kernel/clock.ts'
import { Fault } from '../../kernel/fault.ts'
import type { Log } from '../../kernel/log.ts'
import type { Broker } from '../../kernel/ports.ts'
import { createAccess, OWNER_LOGIN, type AccessOptions } from './access.ts'
import { droppedMessages } from './dropped.ts'
import { createPasswordHashes, dynamicSecurity, type HashedGuest } from './dynamic-security.ts'
import type { IdentityLogins } from './identity-logins.ts'
import { brokerUrl, freePort } from './listen.ts'
import { mosquittoConf } from './mosquitto-conf.ts'
import { keepGuests } from './mosquitto-guests.ts'
import { answersMqtt } from './probe.ts'
import { supervise } from './supervisor.ts'
import { startWatched } from './watched-process.ts'

export interface MosquittoOptions extends AccessOptions {
  /** The program; absent: the one in a usual folder for programs or servers. */
  readonly program?: string
  readonly host: string
  /** 0: any free port. */
  readonly port: number
  readonly webSocketPort?: number
  /** A listener with TLS besides: its port, and the paths of certificate and key. */
  readonly tls?: { readonly port: number; readonly cert: string; readonly key: string }
  /** Folder for its configuration, retained messages and sessions. */
  readonly folder: string
  readonly log: Log
  readonly clock: Clock
}

export interface MosquittoBroker extends Broker {
  readonly kind: 'mosquitto'
  /** Lets people in who have a password in the file `passwords` of its folder; returns what shuts them out again. */
  openTo(identities: IdentityLogins): () => void
  /** Another password of the owner's login. Mosquitto reads its file when it starts, so everybody has to connect anew. */
  changeOwnerToken(token: string): Promise<'restarted'>
  stop(): Promise<void>
}

const START_TIMEOUT_MS = 10_000

/**
 * Mosquitto as a child process that is started again when it dies and never survives the hub. Throws Fault `conflict`
 * when a port is taken, `unavailable` when the program or its plugin is missing or it does not come up.
 */
export async function startMosquitto(options: MosquittoOptions): Promise<MosquittoBroker> {
  const { host, folder, clock, log } = options
  const access = createAccess(options)
  const program = options.program ?? (await findProgram())
  const port = await freePort(host, options.port)
  const webSocketPort =
    options.webSocketPort === undefined ? undefined : await freePort(host, options.webSocketPort, [port])

  await mkdir(folder, { recursive: true, mode: 0o700 })
  const security = join(folder, 'dynamic-security.json')
  const conf = join(folder, 'mosquitto.conf')
  const hashes = createPasswordHashes()
  const write = (guests: readonly HashedGuest[]) => writePrivate(security, dynamicSecurity(access, hashes, guests))
  await write([])
  await writePrivate(
    conf,
    mosquittoConf({
      host,
      port,
      ...(webSocketPort !== undefined && { webSocketPort }),
      ...(options.tls && {
        tls: { ...options.tls, port: await freePort(host, options.tls.port, [port, webSocketPort]) },
      }),
      plugin: await findPlugin(),
      security,
      folder,
      user: userInfo().username,
      anonymous: access.anonymous !== undefined,
    }),
  )

  const url = brokerUrl('mqtt', host, port)
  const { hostname } = new URL(url)
  const supervised = supervise({
    name: 'mosquitto',
    clock,
    log,
    startTimeoutMs: START_TIMEOUT_MS,
    start: (onLine) => startWatched(program, ['-c', conf], onLine),
    isReady: () => answersMqtt(hostname.replace(/^\[|\]$/g, ''), port),
  })
  await supervised.ready
  const guests = keepGuests({
    passwords: join(folder, 'passwords'),
    taken: access.has,
    clock,
    log,
    async apply(now) {
      await write(now)
      await supervised.restart()
    },
  })

  return {
    kind: 'mosquitto',
    url,
    ...(webSocketPort !== undefined && { webSocketUrl: brokerUrl('ws', host, webSocketPort) }),
    enforcesIdentity: true,
    login: access.login,
    dropped: () => droppedMessages(url, access.login('hub')),
    report: supervised.report,
    openTo: guests.openTo,
    async changeOwnerToken(token) {
      access.changeOwnerToken(token)
      hashes.forget(OWNER_LOGIN)
      await guests.again()
      return 'restarted'
    },
    async stop() {
      await guests.stop()
      await supervised.stop()
    },
  }
}

const PROGRAM_FOLDERS = ['/usr/bin', '/usr/sbin', '/usr/local/sbin', '/usr/local/bin', '/opt/homebrew/sbin']

/** Debian, Alpine and the Docker image, Homebrew. */
const LIBRARY_FOLDERS = ['/usr/lib', '/usr/local/lib', '/usr/lib64', '/opt/homebrew/lib']

const PLUGIN = 'mosquitto_dynamic_security.so'

async function findProgram(): Promise<string> {
  const folders = PROGRAM_FOLDERS
  return firstThatIs(
    folders.map((folder) => join(folder, 'mosquitto')),
    constants.X_OK,
    'The program mosquitto was not found.',
  )
}

async function findPlugin(): Promise<string> {
  const listings = await Promise.all(LIBRARY_FOLDERS.map((folder) => readdir(folder).catch(() => [])))
  // Debian keeps libraries in a folder named after the processor: /usr/lib/x86_64-linux-gnu.
  const folders = LIBRARY_FOLDERS.flatMap((folder, at) => [
    folder,
    ...(listings[at] ?? []).filter((name) => /-linux-|^mosquitto$/.test(name)).map((name) => join(folder, name)),
  ])
  return firstThatIs(
    folders.map((folder) => join(folder, PLUGIN)),
    constants.R_OK,
    `Mosquitto's plugin ${PLUGIN} was not found.`,
  )
}

async function firstThatIs(paths: readonly string[], mode: number, otherwise: string): Promise<string> {
  for (const path of new Set(paths)) {
    const found = await canAccess(path, mode).then(
      () => true,
      () => false,
    )
    if (found) return path
  }
  throw new Fault('unavailable', otherwise, {
    hint: 'Install Mosquitto 2.0 or newer (Debian: apt install mosquitto), or use the embedded broker.',
  })
}

/** Readable by nobody else at any moment, and never half written. */
async function writePrivate(path: string, text: string): Promise<void> {
  const draft = `${path}.new`
  await writeFile(draft, text, { mode: 0o600 })
  await chmod(draft, 0o600)
  await rename(draft, path)
}
