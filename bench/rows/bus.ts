import { rmSync } from 'node:fs'
import { connectBus } from '../../src/engines/broker/bus.ts'
import { startEmbeddedBroker } from '../../src/engines/broker/embedded.ts'
import { startMosquitto } from '../../src/engines/broker/mosquitto.ts'
import { createBusDirectory } from '../../src/gateway/bus/directory.ts'
import { systemClock } from '../../src/kernel/clock.ts'
import type { Invoke } from '../../src/kernel/invoke.ts'
import { silentLog } from '../../src/kernel/log.ts'
import { startChild } from '../child.ts'
import { temporaryFolder } from '../hub.ts'
import { benchDoor, CALLER } from '../ping.ts'
import type { Row } from '../row.ts'
import { median, quantile } from '../statistics.ts'

const MOST_ADDED_MS = 1
const WARM_UP = 2000
const ROUNDS = 7
const ROUND = 400
const LOGIN = { name: 'bench', password: 'bench-password', services: ['bench'] }

const clock = systemClock
const log = silentLog

/** An operation of a service in a process of its own, beside the same one in this process. */
export const bus: readonly Row[] = (['embedded', 'mosquitto'] as const).map((kind) => ({
  tags: ['bus', 'service', kind],
  name: `call of an operation on the bus, ${kind}, p50 beyond in process`,
  limit: `≤ ${MOST_ADDED_MS} ms`,
  async run() {
    const folder = temporaryFolder()
    const options = { host: '127.0.0.1', port: 0, ownerToken: 'owner-of-the-bench', users: [LOGIN], log }
    const broker =
      kind === 'embedded'
        ? await startEmbeddedBroker({ ...options, anonymous: false, file: `${folder}/broker.db` })
        : await startMosquitto({ ...options, anonymous: false, folder, clock })
    try {
      const hub = benchDoor('nothing')
      const { registry, events } = hub
      const own = await connectBus({ broker, clientId: 'hub', clock, log, signal: AbortSignal.timeout(10_000) })
      const mayRun = () => true
      const directory = await createBusDirectory({ bus: own, registry, events, clock, log, mayRun })
      const available = new Promise<void>((resolve) => {
        events.on('status.changed', ({ status }) => void (status === 'available' && resolve()))
      })
      const url = broker.url.replace('//', `//${LOGIN.name}:${LOGIN.password}@`)
      await using _process = await startChild(new URL('../bus-process.child.ts', import.meta.url), [url, LOGIN.name])
      await available
      try {
        return await measure(hub.invoke, benchDoor('service').invoke)
      } finally {
        await directory.stop()
        await own.stop()
      }
    } finally {
      await broker.stop()
      rmSync(folder, { recursive: true, force: true })
    }
  },
}))

async function measure(onBus: Invoke, inProcess: Invoke) {
  await timesMs(onBus, WARM_UP)
  await timesMs(inProcess, WARM_UP)
  const rounds: { bus: number[]; own: number[] }[] = []
  while (rounds.length < ROUNDS) rounds.push({ own: await timesMs(inProcess, ROUND), bus: await timesMs(onBus, ROUND) })
  const busMs = median(rounds.map((round) => median(round.bus)))
  const ownMs = median(rounds.map((round) => median(round.own)))
  const all = rounds.flatMap((round) => round.bus)
  return {
    measured: `${(busMs - ownMs).toFixed(2)} ms`,
    reference: `in process ${(ownMs * 1000).toFixed(0)} µs, p99 on the bus ${quantile(all, 0.99).toFixed(2)} ms`,
    ok: busMs - ownMs <= MOST_ADDED_MS,
    figures: { added_p50_ms: busMs - ownMs, bus_p50_ms: busMs, bus_p99_ms: quantile(all, 0.99), own_p50_ms: ownMs },
  }
}

async function timesMs(invoke: Invoke, count: number): Promise<number[]> {
  const times: number[] = []
  while (times.length < count) {
    const startMs = performance.now()
    await invoke({ operation: 'bench.ping', input: {}, caller: CALLER })
    times.push(performance.now() - startMs)
  }
  return times
}
