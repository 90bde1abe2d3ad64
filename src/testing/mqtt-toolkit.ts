import { join } from 'node:path'
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
