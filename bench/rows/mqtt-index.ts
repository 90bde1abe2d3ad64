import { countTokens } from 'gpt-tokenizer/encoding/o200k_base'
import { listIndex } from '../../src/services/mqtt/index/listing.ts'
import { createLiveIndex } from '../../src/services/mqtt/index/live-index.ts'
import { compare } from '../../src/services/mqtt/sample/comparison.ts'
import { createSampler } from '../../src/services/mqtt/sample/sampler.ts'
import { startChild } from '../child.ts'
import { fillIndex, plugPackets, stillClock } from '../home-packets.ts'
import type { IndexMemory } from '../index-memory.child.ts'
import type { Measured, Row } from '../row.ts'
import { median } from '../statistics.ts'

const MIB = 1024 * 1024
const MB = 1_000_000
const TOPICS = 100_000

const newIndex = () => createLiveIndex({ clock: stillClock, maxTopics: TOPICS, maxBytes: 64 * MIB })
const newSampler = (maxMessages: number) =>
  createSampler({ clock: stillClock, maxMessages, maxPayloadBytes: 16_384, maxBytes: 64 * MIB })

const timeMs = (task: () => unknown) => {
  const startMs = performance.now()
  task()
  return performance.now() - startMs
}

async function memoryOf(indexes: number, topics: number): Promise<IndexMemory> {
  const script = new URL('../index-memory.child.ts', import.meta.url)
  await using child = await startChild<never, IndexMemory>(script, [String(indexes), String(topics), '2'])
  return child.ready
}

const atMost = (value: number, most: number, unit: string): Pick<Measured, 'measured' | 'ok'> => ({
  measured: `${value.toFixed(1)} ${unit}`,
  ok: value <= most,
})

export const mqttIndex: readonly Row[] = [
  {
    tags: ['mqtt', 'index', 'sampler'],
    name: 'index and sampler together, in process',
    limit: '≥ 300,000 messages/s',
    run() {
      const packets = plugPackets(100_000, 500)
      const round = () => {
        const index = newIndex()
        const sampler = newSampler(100)
        const ms = timeMs(() => {
          for (const packet of packets) {
            index.accept(packet)
            sampler.accept(packet)
          }
          sampler.finish()
        })
        return (packets.length / ms) * 1000
      }
      round()
      const rate = median(Array.from({ length: 7 }, round))
      return Promise.resolve({
        measured: `${Math.round(rate / 1000)},000 messages/s`,
        reference: '500 topics, 70 bytes of JSON',
        ok: rate >= 300_000,
        figures: { messages_per_second: rate },
      })
    },
  },
  {
    tags: ['mqtt', 'index', 'memory'],
    name: `memory of a process with ${TOPICS} topics indexed`,
    limit: '≤ 150 MB in all',
    async run() {
      const { before, after, peak, topics } = await memoryOf(1, TOPICS)
      return {
        ...atMost(after / MB, 150, 'MB'),
        reference: `${topics} topics; ${(before / MB).toFixed(0)} MB before, ${(peak / MB).toFixed(0)} at most`,
        figures: { rss_mb: after / MB, peak_mb: peak / MB, before_mb: before / MB, topics },
      }
    },
  },
  {
    tags: ['mqtt', 'index', 'memory'],
    name: 'memory of the indexes of 5 sessions, 1000 topics each',
    limit: '≤ 50 MB',
    async run() {
      const { before, after, topics } = await memoryOf(5, 1000)
      return {
        ...atMost((after - before) / MB, 50, 'MB'),
        reference: `${topics} topics`,
        figures: { growth_mb: (after - before) / MB, topics },
      }
    },
  },
  {
    tags: ['mqtt', 'index'],
    name: `first page of list_topics over ${TOPICS} topics`,
    limit: '≤ 20 ms',
    run() {
      const index = newIndex()
      fillIndex(index, TOPICS)
      const page = () => timeMs(() => listIndex(index, { matches: () => true, sort: 'name', limit: 200 }))
      const first = page()
      const ms = median(Array.from({ length: 9 }, page))
      return Promise.resolve({
        ...atMost(ms, 20, 'ms'),
        reference: `${first.toFixed(1)} ms the first time`,
        figures: { page_ms: ms, first_ms: first },
      })
    },
  },
  {
    tags: ['mqtt', 'sampler'],
    name: '500 messages to 50',
    limit: '≤ 5 ms',
    run() {
      const packets = plugPackets(500, 40)
      const prune = () =>
        timeMs(() => {
          const sampler = newSampler(50)
          for (const packet of packets) sampler.accept(packet)
          sampler.finish()
          sampler.best(50)
        })
      for (let round = 0; round < 30; round++) prune()
      const ms = median(Array.from({ length: 31 }, prune))
      return Promise.resolve({ ...atMost(ms, 5, 'ms'), figures: { ms } })
    },
  },
  {
    tags: ['mqtt', 'sampler', 'tokens'],
    name: 'ten minutes of a busy home as one answer',
    limit: '≤ 4,000 tokens, all in it',
    run() {
      const { truth, plain, ours, raw } = compare(countTokens)
      const isAll = ours.errors === truth.errors && ours.devices === truth.devices && ours.changes === truth.changes
      return Promise.resolve({
        measured: `${ours.tokens} tokens, ${isAll ? 'all' : 'not all'} in it`,
        reference: `raw ${raw}; first 500 pruned ${plain.tokens}`,
        ok: ours.tokens <= 4000 && isAll,
        figures: { tokens: ours.tokens, raw_tokens: raw, plain_tokens: plain.tokens, plain_errors: plain.errors },
      })
    },
  },
]
