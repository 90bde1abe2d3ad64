import process from 'node:process'
import { setTimeout as delay } from 'node:timers/promises'
import { temporaryFolder } from './folder.ts'
import { startTestMosquitto, type TestMosquitto } from './mosquitto.ts'
import { brokerAt, cleanUps, establish, startToolkit, started, type MqttToolkit } from './mqtt-toolkit.ts'

/** What five sessions at five brokers went through, one of which kept dying. */
export interface FiveBrokers {
  readonly deaths: number
  /** How often the session at the dying broker worked again. */
  readonly reconnects: number
  readonly slowestReconnectMs: number
  /** What was published at the four others, and what their measurements saw of it. */
  readonly published: number
  readonly seen: number
  /** Calls at the four others that failed. */
  readonly failures: number
  readonly slowestPublishMs: number
  /** Sockets that were open afterwards and not before. */
  readonly leakedSockets: number
  readonly grownHeapMb: number
}

const HEALTHY = 4
const PUBLISH_EVERY_MS = 50
/** The last message is published so long before the measurement ends: on a busy machine it may take its time. */
const SLACK_MS = 1000

/** The MQTT service with five Mosquittos, for so long; the fifth is killed and started again each period. */
export async function fiveBrokers({
  durationMs,
  periodMs,
}: {
  durationMs: number
  periodMs: number
}): Promise<FiveBrokers> {
  const before = { sockets: openSockets(), heapBytes: process.memoryUsage().heapUsed }
  const ending = cleanUps()
  try {
    const brokers: TestMosquitto[] = []
    for (let count = 0; count <= HEALTHY; count++) brokers.push(await startTestMosquitto(ending))
    const [dying, ...healthy] = brokers
    if (!dying) throw new TypeError('There is no broker.')
    const toolkit = await startToolkit({ folder: temporaryFolder(ending), broker: brokerAt(dying.url) })
    ending.after(() => toolkit.stop())
    const untilMs = performance.now() + durationMs
    const [deaths, ...others] = await Promise.all([
      dieAgainAndAgain(toolkit, dying, { untilMs, periodMs, ending }),
      ...healthy.map(({ url }) => workAt(toolkit, url, durationMs)),
    ])
    const sum = (of: (other: Work) => number) => others.reduce((total, other) => total + of(other), 0)
    await ending.run()
    return {
      ...deaths,
      published: sum(({ published }) => published),
      seen: sum(({ seen }) => seen),
      failures: sum(({ failures }) => failures),
      slowestPublishMs: Math.max(...others.map(({ slowestMs }) => slowestMs)),
      // What ran before may still have been closing its own.
      leakedSockets: Math.max(0, openSockets() - before.sockets),
      grownHeapMb: (process.memoryUsage().heapUsed - before.heapBytes) / 1024 / 1024,
    }
  } catch (error) {
    await ending.run()
    throw error
  }
}

interface Work {
  readonly published: number
  readonly seen: number
  readonly failures: number
  readonly slowestMs: number
}

/** Measures for the whole time, and publishes meanwhile. */
async function workAt(toolkit: MqttToolkit, connection_string: string, durationMs: number): Promise<Work> {
  const session_id = await establish(toolkit, { connection_string, max_publishes_per_minute: 60_000 })
  const { emit, first } = started()
  const duration = durationMs / 1000
  const measuring = toolkit.call('monitor_performance', { session_id, topics: 'load', duration }, { emit })
  await first
  const untilMs = performance.now() + durationMs - SLACK_MS
  let published = 0
  let failures = 0
  let slowestMs = 0
  while (performance.now() < untilMs) {
    const startMs = performance.now()
    await toolkit.call('publish_message', { session_id, topic: 'load', payload: String(published), qos: 1 }).then(
      () => (published += 1),
      () => (failures += 1),
    )
    slowestMs = Math.max(slowestMs, performance.now() - startMs)
    await delay(PUBLISH_EVERY_MS)
  }
  const { filters, partial } = await measuring
  const [{ messages: seen }] = filters as [{ messages: number }]
  return { published, seen, failures: failures + (partial === true ? 1 : 0), slowestMs }
}

async function dieAgainAndAgain(
  toolkit: MqttToolkit,
  first: TestMosquitto,
  { untilMs, periodMs, ending }: { untilMs: number; periodMs: number; ending: ReturnType<typeof cleanUps> },
) {
  const session_id = await establish(toolkit, { connection_string: first.url })
  let broker = first
  let deaths = 0
  let reconnects = 0
  let slowestReconnectMs = 0
  while (performance.now() + periodMs < untilMs) {
    const { emit, first: subscribed } = started()
    // Something runs whenever it dies: what it found comes back as partial, and holds nothing.
    const measuring = toolkit.call('monitor_performance', { session_id, duration: 600 }, { emit })
    await subscribed
    await delay(periodMs)
    await broker.stop()
    deaths += 1
    const { partial } = await measuring
    await toolkit.call('ping', { session_id }).catch(() => undefined)
    broker = await startTestMosquitto(ending, { port: first.port })
    const startMs = performance.now()
    const { pong } = await toolkit.call('ping', { session_id })
    if (partial === true && pong === true) reconnects += 1
    slowestReconnectMs = Math.max(slowestReconnectMs, performance.now() - startMs)
  }
  return { deaths, reconnects, slowestReconnectMs }
}

const openSockets = () => process.getActiveResourcesInfo().filter((name) => name === 'TCPSocketWrap').length
