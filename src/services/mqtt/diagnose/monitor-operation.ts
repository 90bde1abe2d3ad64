import { z } from 'zod'
import type { Clock } from '../../../kernel/clock.ts'
import { operation } from '../../../kernel/operation.ts'
import type { CallContext } from '../../../kernel/tool.ts'
import type { Connection, Wanted } from '../connection.ts'
import { ownDropMeter, sysDropMeter } from '../drop-meter.ts'
import { gather, type Gathered, type Sink } from '../gather.ts'
import { OVERHEAD_MS, secondsOf, SessionId, type Toolkit } from '../toolkit.ts'
import { TopicFilter } from '../topic.ts'
import { createLoopBack, Latency, type LoopBack } from './latency.ts'
import { createMeasurement, type MeasuredGroup, type Measurement } from './measurement.ts'
import { probeTopic, publishProbe, requireWriting } from './probe-topic.ts'
import { TrafficFacts } from './traffic.ts'
import { Alert, brokerAlerts, trafficAlerts } from './traffic-alerts.ts'
import { touchesTopics } from '../touches.ts'

const MonitorInput = z.object({
  session_id: SessionId,
  topics: z
    .union([TopicFilter, z.array(TopicFilter).min(1).max(10)])
    .default('#')
    .describe('One topic filter or up to 10, each measured by itself (default #).'),
  duration: z
    .number()
    .min(1)
    .max(3600)
    .default(300)
    .describe('How long to measure, in seconds (1 to 3600, default 300).'),
  probe: z
    .boolean()
    .default(false)
    .describe('Also publish a message a second to alicia-probe/… and time its return. Needs mqtt:write.'),
})

export const monitorPerformance = operation<Toolkit>()({
  name: 'mqtt.monitor_performance',
  summary: 'Measure traffic for a while: rate, sizes, intervals, latency, trend, bursts, with alerts in words.',
  description:
    'Retained messages are counted apart and not measured. Percentiles are right to 1 %. A trend needs at least 8 ' +
    'seconds. Latency comes from a time in the payload (with the difference of the clocks in it) or from probes. Ends ' +
    'early only when the connection is lost; then what was measured is returned with partial: true.',
  scope: 'mqtt:read',
  effect: 'read',
  openWorld: true,
  timeoutMs: ({ duration }) => duration * 1000 + OVERHEAD_MS,
  touches: ({ topics }) => touchesTopics(...[topics].flat()),
  input: MonitorInput,
  output: z.object({
    alerts: z.array(Alert).describe('Empty: nothing passed a limit.'),
    filters: z.array(TrafficFacts.extend({ filter: z.string() })),
    total: TrafficFacts.optional().describe('Of several filters, each message once.'),
    loop_back: Latency.optional(),
    dropped_by_broker: z
      .number()
      .nullable()
      .describe('Messages the broker dropped meanwhile, for any of its slow subscribers; null: it does not say.'),
    duration_s: z.number(),
    partial: z.literal(true).optional(),
    reason: z.string().optional().describe('Why the connection was lost.'),
  }),
  async handler(input, { sessions, broker, clock, caller, signal, emit }) {
    if (input.probe) requireWriting(caller)
    const session = await sessions.find(caller, input.session_id)
    const filters = [...new Set([input.topics].flat())]
    const meter = session.address === undefined ? await ownDropMeter(broker) : sysDropMeter(hidingFilter(filters))
    const measurement = createMeasurement(filters, clock)
    const loopBack = input.probe ? createLoopBack(probeTopic(), clock) : undefined
    const report = reporter(measurement, input.duration, emit)
    const gathered = await allOrNone(measurement.groups, signal, (group, { index, within }) =>
      session.links.subscribeAlone(within, (connection) => {
        // What there is once, the first of them does.
        const once = index === 0 ? { beside: meter.beside, loopBack } : {}
        const listening = { group, durationMs: input.duration * 1000, report: report(index), ...once }
        return listen(connection, listening, { clock, signal: within })
      }),
    )
    const dropped = await meter.read()
    const trips = loopBack?.result()
    const { alerts, ...measured } = resultOf(measurement)
    return {
      alerts: [...brokerAlerts(dropped, trips), ...alerts],
      ...measured,
      ...(trips && { loop_back: trips }),
      dropped_by_broker: dropped,
      ...endOf(gathered),
    }
  },
})

interface Listening {
  readonly group: MeasuredGroup
  readonly durationMs: number
  readonly beside?: Wanted | undefined
  readonly loopBack?: LoopBack | undefined
  readonly report: (elapsedMs: number) => void
}

function listen(
  connection: Connection,
  { group, durationMs, beside, loopBack, report }: Listening,
  { clock, signal }: { clock: Clock; signal: AbortSignal },
): Promise<Gathered> {
  const sink: Sink = { accept: group.first.listener, full: new Promise(() => undefined) }
  const also = loopBack ? [...group.others, loopBack.wanted] : group.others
  const tick = (elapsedMs: number) => {
    if (elapsedMs === 0) group.begin()
    // One that is not sent does not come back, and is counted as lost.
    if (loopBack) void publishProbe(connection, loopBack.next(), signal).catch(() => undefined)
    report(elapsedMs)
  }
  // QoS 0: waiting for confirmations would slow down what is to be measured.
  const gathering = { filter: group.first.filter, qos: 0, durationMs, sink, also, beside, tick } as const
  return gather(connection, gathering, { clock, signal })
}

/** Runs a task for each at the same time; when one fails, the others end too. */
async function allOrNone<T, R>(
  items: readonly T[],
  signal: AbortSignal,
  task: (item: T, place: { index: number; within: AbortSignal }) => Promise<R>,
): Promise<R[]> {
  const failed = new AbortController()
  const within = AbortSignal.any([signal, failed.signal])
  const running = items.map((item, index) => task(item, { index, within }))
  try {
    return await Promise.all(running)
  } catch (error) {
    failed.abort(error)
    await Promise.allSettled(running)
    throw error
  }
}

/** Reports from when all are subscribed: the last of them at once, then the first every second. */
function reporter({ total, groups }: Measurement, duration: number, emit: CallContext['emit']) {
  let begun = 0
  return (index: number) => (elapsedMs: number) => {
    if (elapsedMs === 0) begun += 1
    if (begun < groups.length || (elapsedMs > 0 && index > 0)) return
    const message = `${total.messages()} messages so far`
    emit({ progress: secondsOf(elapsedMs, duration), total: duration, message })
  }
}

function resultOf({ filters, total }: Measurement) {
  const reports = filters.map(({ filter, traffic }) => ({ filter, report: traffic.report() }))
  const isOne = reports.length === 1
  return {
    alerts: reports.flatMap(({ filter, report }) => trafficAlerts(report, isOne ? undefined : filter)),
    filters: reports.map(({ filter, report }) => ({ filter, ...report.facts })),
    ...(!isOne && { total: total.report().facts }),
  }
}

function endOf(gathered: readonly Gathered[]) {
  const lost = gathered.map(({ ended }) => ended).find(({ by }) => by === 'connection_lost')
  return {
    duration_s: Math.round(Math.max(...gathered.map(({ elapsedMs }) => elapsedMs))) / 1000,
    ...(lost?.by === 'connection_lost' && { partial: true as const, reason: lost.reason }),
  }
}

/** The one that may overlap with $SYS, where there is one. */
const hidingFilter = (filters: readonly string[]) => filters.find((filter) => filter.startsWith('$')) ?? '#'
