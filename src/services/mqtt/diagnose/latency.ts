import { z } from 'zod'
import type { Clock } from '../../../kernel/clock.ts'
import type { Wanted } from '../connection.ts'
import { payloadOf } from '../message.ts'
import { rounded } from './check.ts'
import { timestampOf } from './timestamp.ts'

export const Latency = z.object({
  from: z.string().describe('The member of the payload that has the time, or loop_back.'),
  samples: z.number(),
  min_ms: z.number(),
  p50_ms: z.number(),
  p90_ms: z.number(),
  p99_ms: z.number(),
  lost: z.number().optional().describe('Probes that did not come back.'),
  note: z.string().optional(),
})

export type Latency = z.output<typeof Latency>

/** The latest so many are remembered. */
const REMEMBERED = 1000
/** Payloads looked at in a second: more would slow the reading down, and tell no more. */
const LOOKED_AT_PER_SECOND = 50

/** The latest measurements of one kind. */
function ring() {
  const values: number[] = []
  let next = 0
  return {
    add(ms: number) {
      values[next] = ms
      next = (next + 1) % REMEMBERED
    },
    quantiles() {
      const sorted = [...values].sort((a, b) => a - b)
      const at = (q: number) => rounded(sorted[Math.max(1, Math.ceil(q * sorted.length)) - 1] ?? 0)
      return { samples: sorted.length, min_ms: at(0), p50_ms: at(0.5), p90_ms: at(0.9), p99_ms: at(0.99) }
    },
  }
}

/** How old messages are when they arrive, by the time that they carry. */
export interface PayloadLatency {
  /** `wallMs` must not jump while it listens. */
  look(payload: Buffer, wallMs: number): void
  result(): Latency | undefined
}

export function createPayloadLatency(): PayloadLatency {
  const ages = ring()
  let second = 0
  let looks = 0
  let field: string | undefined
  let isCoarse = true
  return {
    look(payload, wallMs) {
      const now = Math.floor(wallMs / 1000)
      looks = now === second ? looks + 1 : 1
      second = now
      if (looks > LOOKED_AT_PER_SECOND) return
      const stamp = timestampOf(payload, wallMs)
      if (!stamp) return
      field ??= stamp.field
      // Times of different meaning are not mixed.
      if (stamp.field !== field) return
      isCoarse &&= stamp.isCoarse
      ages.add(wallMs - stamp.atMs)
    },
    result() {
      if (field === undefined) return undefined
      const found = ages.quantiles()
      return { from: field, ...found, note: noteOn(found.min_ms, isCoarse) }
    },
  }
}

function noteOn(minMs: number, isCoarse: boolean): string {
  const coarse = isCoarse ? ' It is given in whole seconds.' : ''
  if (minMs < (isCoarse ? -1000 : 0))
    return `The sender’s clock is at least ${Math.ceil(-minMs)} ms ahead of the hub’s: only differences mean something.${coarse}`
  return `Includes the difference between the sender’s clock and the hub’s, which is not known.${coarse}`
}

/** What has not come back after so long is lost; what was sent later may still be on its way. Milliseconds. */
const LOST_MS = 3000

/** Messages to oneself through the broker: what it takes without any device. */
export interface LoopBack {
  readonly wanted: Wanted
  /** A probe that is about to be sent: its time begins. */
  next(): { topic: string; text: string }
  result(): Latency
}

export function createLoopBack(topic: string, clock: Clock): LoopBack {
  const trips = ring()
  const sent = new Map<string, number>()
  let number = 0
  return {
    wanted: {
      filter: topic,
      matches: (name) => name === topic,
      listener(packet) {
        const text = payloadOf(packet).toString('utf8', 0, 20)
        const sentMs = sent.get(text)
        if (sentMs === undefined) return
        sent.delete(text)
        trips.add(clock.monotonic() - sentMs)
      },
    },
    next() {
      number += 1
      sent.set(String(number), clock.monotonic())
      return { topic, text: String(number) }
    },
    result() {
      const limitMs = clock.monotonic() - LOST_MS
      const lost = [...sent.values()].filter((sentMs) => sentMs < limitMs).length
      return { from: 'loop_back', ...trips.quantiles(), ...(lost > 0 && { lost }) }
    },
  }
}
