import { configSources, environment, type Config } from '../config.ts'
import type { Problem } from '../config/problem.ts'
import { readServers, type ServerConfig } from '../config/servers/read.ts'
import { watchServers } from '../config/servers/watch.ts'
import type { DataFolder } from '../engines/data-folder.ts'
import { openNamedSecrets } from '../engines/named-secrets.ts'
import { connect, type ConnectOptions } from '../gateway/connection/connect.ts'
import { LoginRequired } from '../gateway/connection/login-required.ts'
import type { EraMemory } from '../gateway/connection/era.ts'
import { createGateway, type RunningGateway, type Wanted } from '../gateway/gateway.ts'
import { createLogins, type Logins } from '../gateway/oauth/logins.ts'
import { openTokenVault } from '../gateway/oauth/vault.ts'
import { createGuard, type Guard } from '../gateway/process/guard.ts'
import { spawnServer } from '../gateway/process/spawn-server.ts'
import { eraMemory, openMemory, type Memory } from '../gateway/upstream/memory.ts'
import type { Connecting } from '../gateway/upstream/parts.ts'
import type { Clock } from '../kernel/clock.ts'
import type { Events } from '../kernel/events.ts'
import { Fault } from '../kernel/fault.ts'
import type { ServerDefinition } from '../kernel/mcp/server-definition.ts'
import type { Part } from '../kernel/lifecycle.ts'
import type { RootLog } from '../kernel/log.ts'
import type { Connection } from '../gateway/connection/connection.ts'
import type { Secrets } from '../kernel/ports.ts'
import type { Registry } from '../kernel/registry.ts'
import type { StatusReport } from '../kernel/status.ts'
import { callbackOrigin, watchLeaving } from './upstream-logins.ts'

export interface GatewayPartOptions {
  readonly config: Config
  readonly folder: DataFolder
  readonly registry: Registry
  readonly events: Events
  readonly clock: Clock
  readonly log: RootLog
  readonly version: string
  /** Names that servers cannot have. */
  readonly reserved: readonly string[]
  /** Where the HTTP server listens. */
  address(): string
  reportOf(part: string): StatusReport
  /** Told while it runs, and with undefined at its end. */
  onGateway(gateway: RunningGateway | undefined): void
  /** Told of the configuration of servers, now and after each change. */
  onServers(servers: ServerConfig): void
}

/** Where an authorization server sends a browser back to. */
export const LOGIN_CALLBACK_PATH = '/oauth/callback'

/** The MCP servers behind the hub: read from their files, watched, and run. */
export function gatewayPart(options: GatewayPartOptions): Part {
  const { config, registry, events, clock, log, version } = options
  return {
    name: 'servers',
    needs: ['store', 'secrets', 'http', 'people'],
    async start({ store, secrets, people }) {
      if (!store || !secrets || !people) throw new TypeError('Other MCP servers start after the store.')
      const memory = await openMemory(store)
      const guard = createGuard({ log })
      const logins = createLogins({
        vault: await openTokenVault({ store, secrets, log }),
        redirectUrl: `${callbackOrigin(config, options.address())}${LOGIN_CALLBACK_PATH}`,
        clock,
        log,
        fetch: (url, init) => fetch(url, init),
        onLogin(id) {
          // Until now it asked for none when the hub connected: what is connected shows none.
          if (!protect(memory, id, log)) return
          gateway.restart(id, AbortSignal.timeout(RECONNECT_MS)).catch((error: unknown) => {
            log.warn('a server did not come back with its login', { server: id, error })
          })
        },
      })
      const connecting = { guard, logins, eras: eraMemory(memory, log), clock, log }
      const gateway = createGateway({
        registry,
        events,
        clock,
        log,
        secrets,
        memory,
        logins,
        clientInfo: { name: 'alicia', title: 'Alicia', version },
        connect: (request) => connectTo(request, { ...connecting, memory }),
        statusOf: (name) => options.reportOf(name),
        async reload() {
          const change = watch.reload()
          await taken
          return {
            added: change?.added.map(({ id }) => id) ?? [],
            changed: change?.changed.map(({ id }) => id) ?? [],
            removed: change?.removed ?? [],
          }
        },
      })
      const read = () => readConfigured(options, secrets)
      const take = (servers: ServerConfig) => {
        for (const definition of servers.definitions) for (const secret of definition.secrets) log.hide(secret)
        report(log, servers.warnings)
        options.onServers(servers)
        return gateway.apply(wantedOf(servers))
      }
      const initial = readAtStart(options, secrets)
      options.onGateway(gateway)
      let taken = take(initial)
      await taken
      const watch = watchServers({
        initial,
        read,
        also: [options.folder.file(SECRETS_FILE)],
        clock,
        onChange({ added, changed, removed }) {
          log.info('the configuration of MCP servers changed')
          events.emit('security.noted', {
            kind: 'servers.changed',
            outcome: 'ok',
            via: 'internal',
            details: { added: added.map(({ id }) => id), changed: changed.map(({ id }) => id), removed },
          })
          taken = take(watch.current()).catch((error: unknown) => log.error('a change was not taken over', { error }))
        },
        onProblem: (fault) =>
          log.warn(`${fault.message} Nothing changes until it is mended.`, { files: config.mcpFiles }),
      })
      const stopWatching = watchLeaving({
        events,
        people,
        log,
        leave: (caller, signal) => gateway.leave(caller, signal),
      })
      return {
        value: gateway,
        async stop() {
          stopWatching()
          watch.close()
          options.onGateway(undefined)
          await gateway.close()
          await guard.close()
        },
      }
    },
  }
}

const RECONNECT_MS = 60_000

const SECRETS_FILE = 'secrets.json'

/** Throws Fault `invalid_input` where a file is broken. */
function readConfigured({ config, folder, log, reserved }: GatewayPartOptions, secrets: Secrets): ServerConfig {
  const named = openNamedSecrets({ file: folder.file(SECRETS_FILE), secrets, log })
  const sources = { ...configSources({}), secret: (name: string) => named.get(name), reserved }
  return readServers(config.mcpFiles, sources)
}

/** A file that is broken at the start leaves the hub without servers, not without a start: it is read again when it changes. */
function readAtStart(options: GatewayPartOptions, secrets: Secrets): ServerConfig {
  try {
    return readConfigured(options, secrets)
  } catch (error) {
    if (!(error instanceof Fault)) throw error
    options.log.error(`${error.message} The hub runs without other MCP servers until it is mended.`)
    const filesRead = options.config.mcpFiles
    return {
      definitions: [],
      unusable: [],
      profiles: [],
      capabilities: undefined,
      warnings: [],
      places: new Map(),
      filesRead,
    }
  }
}

const wantedOf = ({ definitions, unusable }: ServerConfig): Wanted => ({
  definitions,
  unusable: unusable.map(({ id, name, enabled, problem }) => ({ id, name, enabled, reason: placed(problem) })),
})

const placed = ({ source, line, text }: Problem): string =>
  `${source}${line === undefined ? '' : `:${line}`}: ${text.replace(/\.$/, '')}`

function report(log: RootLog, warnings: readonly Problem[]): void {
  for (const warning of warnings) log.warn(placed(warning))
}

interface ConnectingParts {
  readonly guard: Guard
  readonly logins: Logins
  readonly eras: EraMemory
  readonly memory: Memory
  readonly clock: Clock
  readonly log: RootLog
}

async function connectTo(
  request: Connecting,
  { guard, logins, eras, clock, log, memory }: ConnectingParts,
): Promise<Connection> {
  const { definition, transport, face, handlers, person, signal } = request
  const login = isProtected(memory, definition) ? logins.fetchFor(definition, transport, person) : undefined
  const options: ConnectOptions = {
    name: definition.id,
    face,
    handlers,
    clock,
    log,
    signal,
    eras,
    ...(login && { fetch: login as typeof fetch }),
    spawn(program) {
      const server = spawnServer(program, {
        name: definition.id,
        log,
        guard,
        environment,
        secrets: definition.secrets,
        onStderr: request.onStderr,
      })
      request.onProcess(server.pid)
      return server
    },
  }
  try {
    return await connect(transport, options)
  } catch (error) {
    // Node's own client is three times as fast as `fetch`: that is for servers that ask for a login.
    if (login || !(error instanceof LoginRequired)) throw error
    const asked = logins.fetchFor(definition, transport, person)
    if (!asked) throw error
    protect(memory, definition.id, log)
    return await connect(transport, { ...options, fetch: asked as typeof fetch })
  }
}

const PROTECTED = 'protected'

/** Whether a server asks for a login: by its definition, or because it has before. */
const isProtected = (memory: Memory, { id, oauth }: ServerDefinition): boolean =>
  oauth !== undefined || memory.get(id, PROTECTED) === true

/** Remembers that it asks for logins; whether that is news. */
function protect(memory: Memory, id: string, log: RootLog): boolean {
  if (memory.get(id, PROTECTED) === true) return false
  memory.set(id, PROTECTED, true).catch((error: unknown) => log.warn('not remembered', { error }))
  return true
}
