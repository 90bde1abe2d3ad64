import process from 'node:process'
import { createLiveIndex } from '../src/services/mqtt/index/live-index.ts'
import { fillIndex, stillClock } from './home-packets.ts'

/** A process that holds some indexes and says how large it is, in bytes. */
export interface IndexMemory {
  readonly before: number
  readonly after: number
  readonly topics: number
}

const [indexes = 1, topics = 1000, rounds = 1] = process.argv.slice(2).map(Number)
const before = process.memoryUsage.rss()
const held = Array.from({ length: indexes }, () =>
  createLiveIndex({ clock: stillClock, maxTopics: 100_000, maxBytes: 64 * 1024 * 1024 }),
)
for (const index of held) for (let round = 0; round < rounds; round++) fillIndex(index, topics)
const known = held.reduce((sum, index) => sum + index.size(), 0)
process.send?.({ before, after: process.memoryUsage.rss(), topics: known } satisfies IndexMemory)
