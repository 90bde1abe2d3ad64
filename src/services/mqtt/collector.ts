import type { IPublishPacket } from 'mqtt'
import type { Clock } from '../../kernel/clock.ts'
import type { Sink } from './gather.ts'
import { payloadOf, type Received } from './message.ts'

/** Keeps messages as they come until one of its limits is reached; then it only counts. */
export interface Collector extends Sink {
  readonly messages: readonly Received[]
  /** How many the broker delivered, the ones after the limit included. */
  received(): number
  limit(): 'max_messages' | 'max_bytes' | undefined
}

export interface CollectorLimits {
  readonly maxMessages: number
  /** Of payloads and topics together, with something for each message's own objects. */
  readonly maxBytes: number
}

/** About what a message costs beside its payload and topic. */
const MESSAGE_BYTES = 200

export function createCollector({ maxMessages, maxBytes }: CollectorLimits, clock: Clock): Collector {
  const messages: Received[] = []
  const full = Promise.withResolvers<void>()
  let received = 0
  let bytes = 0
  let limit: 'max_messages' | 'max_bytes' | undefined
  const stop = (by: 'max_messages' | 'max_bytes') => {
    limit = by
    full.resolve()
  }
  return {
    messages,
    full: full.promise,
    received: () => received,
    limit: () => limit,
    accept(packet: IPublishPacket) {
      received += 1
      if (limit !== undefined) return
      bytes += payloadOf(packet).length + packet.topic.length + MESSAGE_BYTES
      // The first is kept whatever its size: a result without it would help nobody.
      if (bytes > maxBytes && messages.length > 0) return stop('max_bytes')
      messages.push({ packet, atMs: clock.now() })
      if (messages.length >= maxMessages) stop('max_messages')
    },
  }
}
