import { setImmediate as nextTurn } from 'node:timers/promises'
import { z } from 'zod'
import { operation } from '../../../kernel/operation.ts'
import { createCollector } from '../collector.ts'
import { gather } from '../gather.ts'
import type { LiveIndex } from '../index/live-index.ts'
import type { WatchState } from '../index/watch.ts'
import { payloadOf } from '../message.ts'
import { OVERHEAD_MS, secondsOf, SessionId, type Toolkit } from '../toolkit.ts'
import { topicMatcher } from '../../../kernel/topic.ts'
import { TopicFilter } from '../topic.ts'
import { DeviceList, deviceList } from './device-list.ts'
import { createHomeView, type HomeView } from './home-view.ts'
import { touchesTopics } from '../touches.ts'

const MOST_MESSAGES = 50_000
/** So many messages are read before others have a turn. */
const AT_ONCE = 500

export const listDevices = operation<Toolkit>()({
  name: 'mqtt.list_devices',
  summary: 'List every device at the broker in words: what it is, how it is, whether it can be reached.',
  description:
    'Knows Zigbee2MQTT, Tasmota, Shelly, ESPHome and whatever announces itself to Home Assistant, Homie and Sparkplug B. ' +
    'Takes what the session has heard since it began, and listens a moment for what the broker keeps. A battery device ' +
    'may say nothing for an hour: a longer duration finds more.',
  scope: 'mqtt:read',
  effect: 'read',
  openWorld: true,
  timeoutMs: ({ duration }) => duration * 1000 + OVERHEAD_MS,
  touches: ({ pattern }) => touchesTopics(pattern),
  input: z.object({
    session_id: SessionId,
    filter: z
      .string()
      .max(200)
      .optional()
      .describe('Only devices with all these words in id, name, room, family, model or state: "kitchen", "offline".'),
    pattern: TopicFilter.default('#').describe('Topics to look at (default #).'),
    duration: z
      .number()
      .min(0.1)
      .max(3600)
      .default(2)
      .describe('How long to listen, in seconds (0.1 to 3600, default 2).'),
    detail: z
      .enum(['compact', 'full'])
      .default('compact')
      .describe('full adds all facts with units, models and times.'),
    limit: z.int().min(1).max(2000).default(300).describe('Devices at most (1 to 2000, default 300).'),
  }),
  output: DeviceList,
  async handler(input, { sessions, watches, clock, limits, caller, signal, emit }) {
    const session = await sessions.find(caller, input.session_id)
    const watch = watches.of(session)
    await watch.settled(signal)
    const collector = createCollector({ maxMessages: MOST_MESSAGES, maxBytes: limits.collectedBytes }, clock)
    const { ended } = await session.links.subscribeAlone(signal, (connection) =>
      gather(
        connection,
        {
          filter: input.pattern,
          // As for list_topics: above 0, many retained messages at once can overflow the broker's queue.
          qos: 0,
          durationMs: input.duration * 1000,
          sink: collector,
          tick: (elapsedMs) =>
            emit({
              progress: secondsOf(elapsedMs, input.duration),
              total: input.duration,
              message: `${collector.received()} messages so far`,
            }),
        },
        { clock, signal },
      ),
    )
    const view = createHomeView({ order: 'time' })
    const { index } = watch
    const matches = topicMatcher(input.pattern)
    await inTurns(messagesOf(index), signal, (message) => matches(message.topic) && view.see(message))
    await inTurns(collector.messages, signal, ({ packet, atMs }) => {
      // What the broker kept is as old as the index knows, not as new as this subscription.
      const knownMs = packet.retain ? index.get(packet.topic)?.lastMs : undefined
      view.see({ topic: packet.topic, payload: payloadOf(packet), retained: packet.retain, atMs: knownMs ?? atMs })
    })
    const { filter, detail, limit } = input
    const list = deviceList(view.devices(), { filter, detail, limit }, clock.now())
    const reason = reasonOf(ended, collector.limit() !== undefined, watch.state())
    return { ...list, ...(reason !== undefined && { partial: true as const, reason }) }
  },
})

type Seen = Parameters<HomeView['see']>[0]

/** What the index has whole; of longer payloads it keeps the beginning, and the broker has those that matter. */
function* messagesOf(index: LiveIndex): Generator<Seen> {
  for (const { topic, payload, size, retained, count, lastMs } of index.entries())
    if (payload.length === size)
      yield { topic, payload: Buffer.from(payload, 'latin1'), retained: retained && count === 1, atMs: lastMs }
}

async function inTurns<T>(items: Iterable<T>, signal: AbortSignal, take: (item: T) => unknown): Promise<void> {
  let taken = 0
  for (const item of items) {
    take(item)
    if (++taken % AT_ONCE > 0) continue
    await nextTurn()
    signal.throwIfAborted()
  }
}

function reasonOf(
  ended: { readonly by: string; readonly reason?: string },
  isFull: boolean,
  state: WatchState,
): string | undefined {
  if (ended.by === 'connection_lost') return `The connection was lost: ${ended.reason ?? 'no reason given'}.`
  if (isFull) return 'Too much came at once: give a narrower pattern.'
  return state.is === 'ended' ? `Only what came while listening: ${state.reason}` : undefined
}
