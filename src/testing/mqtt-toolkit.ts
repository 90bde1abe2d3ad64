import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { findProgram } from '../../scripts/ensure-servers.ts'
import { loadSecrets, type Keyring } from '../engines/secrets.ts'
import type { OpenStore } from '../engines/store/open-store.ts'
import { openSqlite } from '../engines/store/sqlite.ts'
import type { Caller } from '../kernel/caller.ts'
import { systemClock, type Clock } from '../kernel/clock.ts'
import { silentLog, type Log } from '../kernel/log.ts'
import type { Broker, BrokerLogin } from '../kernel/ports.ts'
import type { Progress } from '../kernel/tool.ts'
import { mqttService } from '../services/mqtt/index.ts'
import { DEFAULT_LIMITS, type MqttLimits } from '../services/mqtt/limits.ts'
import { owner, testDoor } from './hub.ts'

/** A broker of a test's own; `lines` are its configuration, `{port}` its listener's port. */
export interface TestBroker {
  readonly port: number
  /** Ends it at once; clients see their connections close. */
  kill(): Promise<void>
}

/** Starts Mosquitto with this configuration in `folder`, on `port` or any free one. */
export async function startMosquittoWith(folder: string, lines: readonly string[], port?: number): Promise<TestBroker> {
  const own = port ?? (await freePort())
  const file = join(folder, `mosquitto-${own}.conf`)
  writeFileSync(file, ['user root', ...lines].join('\n').replaceAll('{port}', String(own)).concat('\n'))
  const program = findProgram('mosquitto', ['/usr/sbin', '/opt/homebrew/sbin']) ?? 'mosquitto'
  const child = spawn(program, ['-c', file], { stdio: ['ignore', 'ignore', 'pipe'] })
  await running(child)
  return {
    port: own,
    async kill() {
      if (child.exitCode !== null || child.signalCode !== null) return
      child.kill('SIGKILL')
      await once(child, 'exit')
    },
  }
}

async function running(child: ChildProcess): Promise<void> {
  if (!child.stderr) throw new Error('mosquitto has no stderr')
  const said: string[] = []
  for await (const line of createInterface({ input: child.stderr })) {
    said.push(line)
    if (/mosquitto version .* running/.test(line)) {
      child.stderr.resume()
      return
    }
  }
  throw new Error(`mosquitto did not start: ${said.join('\n')}`)
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

export interface ToolkitOptions {
  folder: string
  broker: Broker
  clock?: Clock
  log?: Log
  limits?: Partial<MqttLimits>
}

/** The MQTT service behind the one door, with the real store and secrets; every result is checked against its schema. */
export interface MqttToolkit {
  readonly store: OpenStore
  readonly secrets: Keyring
  call(operation: string, input: object, more?: CallOptions): Promise<Record<string, unknown>>
  stop(): Promise<void>
}

export interface CallOptions {
  caller?: Caller
  signal?: AbortSignal
  emit?: (progress: Progress) => void
}

export async function startToolkit(options: ToolkitOptions): Promise<MqttToolkit> {
  const { folder, broker, clock = systemClock, log = silentLog } = options
  const store = openSqlite({ file: join(folder, 'alicia.db'), log, clock })
  const secrets = loadSecrets({ file: join(folder, 'secret.key'), log })
  const door = testDoor([], { clock, log, timeoutMs: 60_000 })
  const part = mqttService({ ...DEFAULT_LIMITS, ...options.limits }).join(
    { clock, log, events: door.events },
    door.registry,
    () => ({ status: 'available', sinceMs: 0 }),
  )
  const running = await part.start({ store, secrets, broker }, new AbortController().signal)
  return {
    store,
    secrets,
    async call(operation, input, { caller = owner, ...more } = {}) {
      return (await door.invoke({ operation, input, caller, ...more })) as Record<string, unknown>
    },
    async stop() {
      await running.stop()
      await store.close()
    },
  }
}

/** A broker port for a broker that somebody else runs. */
export function brokerAt(
  url: string,
  login?: BrokerLogin,
  dropped: () => number | undefined = () => undefined,
): Broker {
  return {
    kind: 'remote',
    url,
    login: () => login,
    enforcesIdentity: false,
    dropped: () => Promise.resolve(dropped()),
    report: () => ({ status: 'available', sinceMs: 0 }),
  }
}
