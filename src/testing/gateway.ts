import process from 'node:process'
import type { TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { loadSecrets } from '../engines/secrets.ts'
import { openSqlite } from '../engines/store/sqlite.ts'
import { connect } from '../gateway/connection/connect.ts'
import { createGateway, type RunningGateway } from '../gateway/gateway.ts'
import { createLogins } from '../gateway/oauth/logins.ts'
import { openTokenVault } from '../gateway/oauth/vault.ts'
import { createGuard } from '../gateway/process/guard.ts'
import { spawnServer } from '../gateway/process/spawn-server.ts'
import { eraMemory, openMemory } from '../gateway/upstream/memory.ts'
import { systemClock } from '../kernel/clock.ts'
import type { EventMap } from '../kernel/events.ts'
import { silentLog } from '../kernel/log.ts'
import type { Transport } from '../kernel/mcp/server-definition.ts'
import type { StatusReport } from '../kernel/status.ts'
import type { Tracer } from '../kernel/trace.ts'
import { temporaryFolder } from './folder.ts'
import { testDoor, type TestDoor } from './hub.ts'

/** A gateway with real connections and a database, between the one door and whatever servers a test gives it. */
export interface TestGateway {
  readonly gateway: RunningGateway
  readonly door: TestDoor
  /** Resolves with the first event of that name for which the condition holds, from now on. */
  event<Name extends keyof EventMap>(name: Name, is?: (event: EventMap[Name]) => boolean): Promise<EventMap[Name]>
  close(): Promise<void>
}

export interface TestGatewayOptions {
  /** Of an earlier one, to be a hub that starts again. */
  readonly folder?: string
  statusOf?(name: string): StatusReport | undefined
  readonly tracer?: Tracer
}

export async function testGateway(
  test: Pick<TestContext, 'after'>,
  { folder = temporaryFolder(test), statusOf = () => undefined, tracer }: TestGatewayOptions = {},
): Promise<TestGateway> {
  const log = silentLog
  const clock = systemClock
  const door = testDoor([], { ...(tracer && { tracer }) })
  const { registry, events } = door
  const store = openSqlite({ file: `${folder}/alicia.db`, log })
  const secrets = loadSecrets({ file: `${folder}/secret.key`, log })
  const memory = await openMemory(store)
  const guard = createGuard({ log })
  const eras = eraMemory(memory, log)
  const logins = createLogins({
    vault: await openTokenVault({ store, secrets, log }),
    redirectUrl: 'http://127.0.0.1:9/oauth/callback',
    clock,
    log,
    fetch,
    onLogin: () => {},
  })
  const gateway = createGateway({
    registry,
    events,
    clock,
    log,
    secrets,
    memory,
    logins,
    clientInfo: { name: 'alicia', title: 'Alicia', version: '0.0.0' },
    statusOf,
    reload: () => Promise.reject(new TypeError('This gateway has no files.')),
    connect: ({ definition, transport, face, handlers, signal, onStderr, onProcess }) =>
      connect(transport, {
        name: definition.id,
        face,
        handlers,
        clock,
        log,
        signal,
        eras,
        spawn(program) {
          const environment = { PATH: process.env['PATH'] ?? '' }
          const server = spawnServer(program, { name: definition.id, log, guard, environment, secrets: [], onStderr })
          onProcess(server.pid)
          return server
        },
      }),
  })
  let closing: Promise<void> | undefined
  const close = () =>
    (closing ??= (async () => {
      await gateway.close()
      await guard.close()
      await store.close()
    })())
  test.after(close)
  return {
    gateway,
    door,
    event: (name, is = () => true) =>
      new Promise((resolve) => {
        const end = events.on(name, (event) => {
          if (!is(event)) return
          end()
          resolve(event)
        })
      }),
    close,
  }
}

/** A program of `src/testing` as a server. */
export const program = (file: string, args: readonly string[] = []): Transport => ({
  kind: 'stdio',
  command: process.execPath,
  args: [fileURLToPath(new URL(file, import.meta.url)), ...args],
  env: {},
})

export const ECHO: Transport = program('./echo-server.ts')
