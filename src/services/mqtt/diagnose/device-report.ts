import { z } from 'zod'
import type { Device } from '../families/device.ts'
import { describeDevice, plainName } from '../families/wording.ts'
import { rounded } from './check.ts'
import type { DeviceWatch, WatchedDevice } from './device-watch.ts'
import { evidenceOf, healthParts, scoreOf, type Evidence, type HealthPart } from './health-parts.ts'
import { nextSteps } from './next-steps.ts'
import type { TopicWatch } from './topic-watch.ts'

const seconds = (ms: number) => Math.round(ms / 100) / 10

const ErrorFacts = z.object({
  kind: z.string(),
  count: z.number(),
  first_s: z.number().describe('Since listening began.'),
  last_s: z.number(),
  example: z.string(),
})

const TopicFacts = z.object({
  topic: z.string(),
  messages: z.number().describe('Live ones.'),
  retained: z.literal(true).optional(),
  interval: z
    .enum(['regular', 'irregular', 'unknown'])
    .describe('regular: gaps are judged; unknown: fewer than 5 intervals.'),
  usual_s: z.number().optional().describe('The median interval.'),
  limit_s: z.number().optional().describe('A longer interval is a gap.'),
  gaps: z.number().optional(),
  longest_s: z.number().optional(),
})

export const DeviceReport = z.object({
  device: z.string(),
  id: z.string().optional(),
  family: z.string().optional(),
  model: z.string().optional(),
  summary: z.string(),
  score: z
    .number()
    .nullable()
    .describe('0 to 100: the weighted mean of the parts that are known; null: less than half of the weight is.'),
  confidence: z.enum(['high', 'medium', 'low']),
  parts: z.array(
    z.object({
      part: z.string(),
      weight: z.number().describe('Of 100.'),
      score: z.number().nullable().describe('0 to 100; null: not known, and left out of the score.'),
      says: z.string().optional().describe('Left out in the compact form where all is well.'),
    }),
  ),
  next: z.array(z.string()).describe('What to do, the most useful first.'),
  messages: z.number(),
  per_min: z.number(),
  went_offline: z.number().optional(),
  errors: z.array(ErrorFacts).optional(),
  drift: z.array(z.string()).optional().describe('The second half of the time against the first.'),
  ghosts: z
    .array(z.string())
    .optional()
    .describe('Retained topics although the device is offline or nothing announces it.'),
  topics: z.array(TopicFacts).optional(),
  facts: z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()])).optional(),
})

export type DeviceReport = z.output<typeof DeviceReport>

const MOST_TOPICS = 30
const MOST_LISTED = 10

/** What can be said of each device that was meant, the worst first. */
export function deviceReports(
  watch: DeviceWatch,
  { isFull, nowMs }: { isFull: boolean; nowMs: number },
): DeviceReport[] {
  const devices = watch.devices()
  const reports = watch
    .matching()
    .map((watched) => evidenceOf(watched, watch.elapsedMs(), isGhostly(watched, devices)))
    .map((evidence) => reportOf(evidence, { isFull, nowMs }))
  // What belongs to no device comes last, after those that could not be judged.
  const rank = ({ id, score }: DeviceReport) => (id === undefined ? 102 : (score ?? 101))
  return reports.sort((a, b) => rank(a) - rank(b))
}

/** Retained messages of what is offline, or of what nothing announces where others of its family are announced. */
function isGhostly({ device, topics }: WatchedDevice, devices: readonly Device[]): boolean {
  if (!topics.some((watch) => watch.isRetained())) return false
  if (!device) return true
  if (device.online === false) return true
  if (device.model !== undefined && device.guessed === undefined) return false
  return devices.some(({ family, model }) => family === device.family && model !== undefined)
}

function reportOf(evidence: Evidence, { isFull, nowMs }: { isFull: boolean; nowMs: number }): DeviceReport {
  const { device, topics, messages, elapsedMs, wentOffline, errors, ghosts } = evidence
  const parts = healthParts(evidence)
  const drift = topics.flatMap((watch) => (watch.drift() ?? []).map(({ says }) => `${watch.topic}: ${says}`))
  return {
    device: device ? plainName(device.name) : commonName(topics),
    ...(device && { id: device.id, family: device.family }),
    ...(device?.model !== undefined && { model: device.model }),
    summary: device ? describeDevice(device, nowMs) : `${topics.length} topics that belong to no device that is known`,
    score: scoreOf(parts),
    confidence: confidenceOf(parts, messages),
    parts: parts.map(({ part, weight, value, says }) => ({
      part,
      weight,
      score: value === null ? null : Math.round(value * 100),
      ...((isFull || value !== 1) && { says }),
    })),
    next: nextSteps(evidence, parts),
    messages,
    per_min: elapsedMs > 0 ? rounded((messages * 60_000) / elapsedMs) : 0,
    ...(wentOffline > 0 && { went_offline: wentOffline }),
    ...(errors.length > 0 && { errors: errors.slice(0, MOST_LISTED).map(errorFacts) }),
    ...(drift.length > 0 && { drift: drift.slice(0, MOST_LISTED) }),
    ...(ghosts.length > 0 && { ghosts: ghosts.slice(0, MOST_LISTED) }),
    ...(isFull && { topics: topicFacts(topics, elapsedMs), ...(device && { facts: { ...device.facts } }) }),
  }
}

function confidenceOf(parts: readonly HealthPart[], messages: number): DeviceReport['confidence'] {
  const known = parts.reduce((sum, { weight, value }) => sum + (value === null ? 0 : weight), 0)
  if (messages >= 20 && known >= 75) return 'high'
  return messages >= 5 && known >= 50 ? 'medium' : 'low'
}

const errorFacts = ({ kind, count, firstMs, lastMs, example }: Evidence['errors'][number]) => ({
  kind,
  count,
  first_s: seconds(firstMs),
  last_s: seconds(lastMs),
  example,
})

const topicFacts = (topics: readonly TopicWatch[], elapsedMs: number) =>
  topics
    .toSorted((a, b) => b.messages() - a.messages())
    .slice(0, MOST_TOPICS)
    .map((watch) => {
      const beat = watch.beat(elapsedMs)
      return {
        topic: watch.topic,
        messages: watch.messages(),
        ...(watch.isRetained() && { retained: true as const }),
        interval: beat.is,
        ...(beat.is !== 'unknown' && { usual_s: seconds(beat.medianMs) }),
        ...(beat.is === 'regular' && {
          limit_s: seconds(beat.limitMs),
          gaps: beat.gaps,
          longest_s: seconds(beat.longestMs),
        }),
      }
    })

/** What the names of the topics have in common. */
function commonName(topics: readonly TopicWatch[]): string {
  const [first = [], ...others] = topics.map(({ topic }) => topic.split('/'))
  const end = first.findIndex((level, at) => others.some((levels) => levels[at] !== level))
  return first.slice(0, end < 0 ? first.length : end).join('/') || 'several topics'
}
