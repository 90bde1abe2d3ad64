import { z } from 'zod'
import { operation } from '../../../kernel/operation.ts'
import { plainName } from '../families/wording.ts'
import { gather } from '../gather.ts'
import { OVERHEAD_MS, secondsOf, SessionId, type Toolkit } from '../toolkit.ts'
import { topicFilterProblem } from '../../../kernel/topic.ts'
import { deviceReports, DeviceReport } from './device-report.ts'
import { createDeviceWatch, isFilter } from './device-watch.ts'
import { touchesTopics } from '../touches.ts'

const DevicePattern = z
  .string()
  .min(1)
  .max(1000)
  .superRefine((pattern, context) => {
    const problem = isFilter(pattern) ? topicFilterProblem(pattern) : undefined
    if (problem !== undefined) context.addIssue({ code: 'custom', message: problem })
  })
  .describe('A device’s name, a part of names or topics, or a topic filter (with + or #) for all devices below it.')

export const debugDevice = operation<Toolkit>()({
  name: 'mqtt.debug_device',
  summary: 'Watch a device for a while and judge its health: score, errors, gaps, flapping, and what to do next.',
  description:
    'It listens the whole time. The score is a weighted mean of availability, errors, regularity against the learned ' +
    'interval (median and its spread), battery and signal, changes of payloads, and retained leftovers; what could ' +
    'not be learned is left out and said. Longer is better: an interval is learned from 6 messages.',
  scope: 'mqtt:read',
  effect: 'read',
  openWorld: true,
  timeoutMs: ({ duration }) => duration * 1000 + OVERHEAD_MS,
  // To find a device by its name, it listens to all of them.
  touches: ({ device_pattern }) => touchesTopics(isFilter(device_pattern) ? device_pattern : '#'),
  input: z.object({
    session_id: SessionId,
    device_pattern: DevicePattern,
    duration: z
      .number()
      .min(1)
      .max(3600)
      .default(120)
      .describe('How long to watch, in seconds (1 to 3600, default 120).'),
    max_devices: z.int().min(1).max(100).default(5).describe('Reports at most, the worst first (default 5).'),
    detail: z.enum(['compact', 'full']).default('compact').describe('full: also every topic, and all facts.'),
  }),
  output: z.object({
    devices: z.array(DeviceReport),
    others: z.array(z.string()).optional().describe('Matching devices beyond max_devices, with their scores.'),
    known: z.array(z.string()).optional().describe('Where nothing matches: devices that there are.'),
    messages: z.number().describe('Of all topics, while it watched.'),
    not_looked_at: z
      .number()
      .optional()
      .describe('Messages of other topics that were too many to look at, or whose topics are too long.'),
    duration_s: z.number(),
    partial: z.literal(true).optional(),
    reason: z.string().optional().describe('Why the connection was lost.'),
  }),
  async handler(input, { sessions, clock, caller, signal, emit }) {
    const session = await sessions.find(caller, input.session_id)
    const durationMs = input.duration * 1000
    const watch = createDeviceWatch(input.device_pattern, durationMs, clock)
    const { ended, elapsedMs } = await session.links.subscribeAlone(signal, (connection) =>
      gather(
        connection,
        {
          // A device's name may stand in none of its topics: only what announces it has it.
          filter: isFilter(input.device_pattern) ? input.device_pattern : '#',
          // Above 0 the retained messages of a home could overflow the broker's queue.
          qos: 0,
          durationMs,
          sink: watch,
          tick(sinceMs) {
            if (sinceMs === 0) watch.begin()
            const message = `${watch.messages()} messages so far`
            emit({ progress: secondsOf(sinceMs, input.duration), total: input.duration, message })
          },
        },
        { clock, signal },
      ),
    )
    const reports = deviceReports(watch, { isFull: input.detail === 'full', nowMs: clock.now() })
    const others = reports.slice(input.max_devices).map(({ device, score }) => `${device}: ${score ?? 'unknown'}`)
    return {
      devices: reports.slice(0, input.max_devices),
      ...(others.length > 0 && { others }),
      ...(reports.length === 0 && {
        known: watch
          .devices()
          .slice(0, MOST_KNOWN)
          .map(({ name }) => plainName(name)),
      }),
      messages: watch.messages(),
      ...(watch.skipped() > 0 && { not_looked_at: watch.skipped() }),
      duration_s: Math.round(elapsedMs) / 1000,
      ...(ended.by === 'connection_lost' && { partial: true as const, reason: ended.reason }),
    }
  },
})

const MOST_KNOWN = 50
