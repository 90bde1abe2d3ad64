import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { join } from 'node:path'
import { loadSecrets, type Keyring } from '../engines/secrets.ts'
import type { OpenStore } from '../engines/store/open-store.ts'
import { openSqlite } from '../engines/store/sqlite.ts'
import type { Caller } from '../kernel/caller.ts'
import { systemClock, type Clock } from '../kernel/clock.ts'
import { Fault } from '../kernel/fault.ts'
import { silentLog, type Log } from '../kernel/log.ts'
import type { Broker, BrokerLogin } from '../kernel/ports.ts'
import type { Progress } from '../kernel/tool.ts'
import { mqttService } from '../services/mqtt/index.ts'
import { DEFAULT_LIMITS, type MqttLimits } from '../services/mqtt/limits.ts'
import { temporaryFolder } from './folder.ts'
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

/** A message as a collection's result has it. */
export interface Message {
  topic: string
  payload: unknown
  encoding: string
  format: string
  size: number
  qos: number
  retained: boolean
  properties?: object
}

export const messagesOf = (result: Record<string, unknown>) => result['messages'] as Message[]

/** For `assert.rejects`: a fault of this code whose message and hint say this. */
export const fault = (code: string, says: RegExp) => (error: unknown) => {
  assert.ok(error instanceof Fault)
  assert.equal(error.code, code, error.message)
  assert.match(`${error.message} ${error.hint}`, says)
  return true
}

/** What a suite has to undo, latest first. */
export interface CleanUps {
  after(task: () => unknown): void
  run(): Promise<void>
}

export function cleanUps(): CleanUps {
  const tasks: (() => unknown)[] = []
  return {
    after: (task: () => unknown) => void tasks.unshift(task),
    async run() {
      for (const task of tasks) await task()
    },
  }
}

/** A toolkit with a folder of its own that ends with the test. */
export async function toolkitFor(
  test: TestContext,
  broker: Broker,
  more: Partial<ToolkitOptions> = {},
): Promise<MqttToolkit> {
  const toolkit = await startToolkit({ folder: temporaryFolder(test), broker, ...more })
  test.after(() => toolkit.stop())
  return toolkit
}

/** The id of a new session. */
export const establish = async (toolkit: MqttToolkit, input: object = {}, caller: Caller = owner) =>
  String((await toolkit.call('establish_connection', input, { caller }))['session_id'])

/** Resolves with the first report of a collection's progress: it is subscribed then. */
export function started(): { emit: (progress: Progress) => void; first: Promise<void> } {
  const { promise, resolve } = Promise.withResolvers<void>()
  return { emit: () => resolve(), first: promise }
}
