import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import type { TestContext } from 'node:test'
import { z } from 'zod'
import { connectBus, type RunningBus } from '../engines/broker/bus.ts'
import { remoteBroker } from '../engines/broker/remote.ts'
import { sleep, systemClock } from '../kernel/clock.ts'
import type { Events } from '../kernel/events.ts'
import { Fault } from '../kernel/fault.ts'
import { silentLog } from '../kernel/log.ts'
import { operation } from '../kernel/operation.ts'
import type { Broker } from '../kernel/ports.ts'
import type { Tool } from '../kernel/tool.ts'
import { testDoor, type TestDoor } from './hub.ts'
import { createBusDirectory, type BusDirectory } from '../gateway/bus/directory.ts'
import { hostWill, startBusHost } from '../gateway/bus/host.ts'

type Ending = Pick<TestContext, 'after'>

/** The login of the processes of the tests. */
export const LOGIN = { name: 'attic', password: 'password-of-the-test', services: ['text'] }

const log = silentLog
const clock = systemClock

/** What a service of the tests did, whichever process did it. */
export interface Deeds {
  readonly runs: string[]
  /** Lets the calls of `text.wait` and `text.append` end that have begun. */
  release(): void
  /** Resolves with the reason's code when one of them is aborted. */
  readonly aborted: Promise<string>
  /** Resolves when as many calls of those two have begun. */
  begun(count: number): Promise<void>
}

export function deeds(): Deeds & { wait(signal: AbortSignal): Promise<void> } {
  const waiting = new Set<() => void>()
  const watching = new Set<() => void>()
  let begun = 0
  let onAborted: (code: string) => void = () => {}
  return {
    aborted: new Promise((resolve) => (onAborted = resolve)),
    runs: [],
    release() {
      for (const go of waiting) go()
      waiting.clear()
    },
    begun: (count) =>
      new Promise((resolve) => {
        const look = () => {
          if (begun < count) return
          watching.delete(look)
          resolve()
        }
        watching.add(look)
        look()
      }),
    wait(signal) {
      begun++
      for (const look of watching) look()
      return new Promise((resolve, reject) => {
        waiting.add(resolve)
        const abort = () => {
          onAborted((signal.reason as Fault).code)
          reject(signal.reason as Error)
        }
        signal.addEventListener('abort', abort, { once: true })
      })
    },
  }
}

interface Doing {
  readonly runs: { push(run: string): unknown }
  wait(signal: AbortSignal): Promise<void>
}

/** A service with an operation of each kind. */
export function textTools({ runs, wait }: Doing, who: string): Tool[] {
  const input = z.object({ text: z.string() })
  const output = z.object({ text: z.string(), by: z.string(), caller: z.string() })
  const common = { input, output, scope: 'text:use' } as const
  const define = operation()
  return [
    define({
      ...common,
      name: 'text.echo',
      summary: 'Says it again.',
      description: 'And who said it.',
      effect: 'read',
      route: { method: 'GET', path: '/api/v1/text/{text}' },
      timeoutMs: 5000,
      handler: async ({ text }, { caller }) => ({ text, by: who, caller: caller.id }),
    }),
    define({
      ...common,
      name: 'text.wait',
      summary: 'Says it later.',
      effect: 'read',
      streams: true,
      async handler({ text }, { signal, emit, caller }) {
        runs.push(`${who} ${text}`)
        emit({ progress: 1, message: 'it waits' })
        await wait(signal)
        return { text, by: who, caller: caller.id }
      },
    }),
    define({
      ...common,
      name: 'text.append',
      summary: 'Writes it down.',
      effect: 'write',
      timeoutMs: ({ text }) => text.length * 10_000,
      async handler({ text }, { signal, caller }) {
        runs.push(`${who} ${text}`)
        await (text.startsWith('slow') ? wait(signal) : sleep(clock, 1, signal))
        return { text, by: who, caller: caller.id }
      },
    }),
    define({
      ...common,
      name: 'text.fail',
      summary: 'Fails.',
      effect: 'write',
      handler: () =>
        Promise.reject(
          new Fault('conflict', 'The pen is empty.', { hint: 'Fill it.', retryAfterMs: 7, details: { ink: 0 } }),
        ),
    }),
  ].map((operation) => operation.bind({}))
}

/** A process that runs the service, as far as the bus can see. */
export interface TestProcess {
  readonly door: TestDoor
  stop(): Promise<void>
}

export async function startProcess(
  test: Ending,
  { url, instance, tools }: { url: string; instance: string; tools: readonly Tool[] },
): Promise<TestProcess> {
  const place = { login: LOGIN.name, instance }
  const boot = crypto.randomUUID()
  const broker = remoteBroker({ url: withLogin(url), enforcesIdentity: true, clock })
  const door = testDoor(tools)
  const bus = await connectTo(broker, `process-${instance}`, hostWill(place, boot))
  const { invoke, registry, events } = door
  const own = { clock, log, version: '1.0.0', place, others: [], boot }
  const host = await startBusHost({ bus, broker, invoke, registry, events, ...own })
  let stopping: Promise<void> | undefined
  const stop = () =>
    (stopping ??= (async () => {
      await host.stop(100)
      await bus.stop()
      await broker.stop()
    })())
  test.after(stop)
  return { door, stop }
}

export const withLogin = (url: string): string => url.replace('mqtt://', `mqtt://${LOGIN.name}:${LOGIN.password}@`)

/** A hub, as far as services on the bus are concerned. */
export interface TestHub {
  readonly door: TestDoor
  readonly directory: BusDirectory
  readonly bus: RunningBus
  /** Resolves when the service has that status. */
  until(status: string, service?: string): Promise<void>
}

export async function startTestHub(test: Ending, broker: Broker): Promise<TestHub> {
  const door = testDoor([])
  const { registry, events } = door
  const bus = await connectTo(broker, 'hub')
  const mayRun = (login: string, service: string) => login === LOGIN.name && LOGIN.services.includes(service)
  const directory = await createBusDirectory({ bus, registry, events, clock, log, mayRun })
  test.after(async () => {
    await directory.stop()
    await bus.stop()
  })
  return {
    door,
    directory,
    bus,
    until: (status, service = 'text') => until({ directory, events, bus }, service, status),
  }
}

const connectTo = (broker: Broker, clientId: string, will?: ReturnType<typeof hostWill>) =>
  connectBus({ broker, clientId, clock, log, signal: AbortSignal.timeout(10_000), ...(will && { will }) })

const until = (
  { directory, events, bus }: { directory: BusDirectory; events: Events; bus: RunningBus },
  service: string,
  status: string,
) =>
  new Promise<void>((resolve) => {
    const look = () => {
      if (directory.reports().find(({ name }) => name === service)?.status !== status) return
      for (const end of ends) end()
      resolve()
    }
    const ends = [events.on('status.changed', look), bus.onConnect(() => queueMicrotask(look))]
    look()
  })

/** A network that can be cut. */
export interface Cable {
  readonly url: string
  /** Breaks every connection; new ones come through. */
  cut(): void
}

export async function layCable(test: Ending, url: string): Promise<Cable> {
  const { hostname, port } = new URL(url)
  const sockets = new Set<Socket>()
  const server = createServer((near) => {
    const far = connect(Number(port), hostname)
    for (const socket of [near, far]) {
      sockets.add(socket.setNoDelay(true))
      socket.on('error', () => undefined)
      socket.on('close', () => {
        sockets.delete(socket)
        near.destroy()
        far.destroy()
      })
    }
    near.pipe(far).pipe(near)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const cut = () => {
    for (const socket of sockets) socket.destroy()
  }
  test.after(async () => {
    server.close()
    cut()
    await once(server, 'close')
  })
  return {
    url: `mqtt://127.0.0.1:${(server.address() as AddressInfo).port}`,
    cut,
  }
}
