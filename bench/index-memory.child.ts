import process from 'node:process'
import { trimMemory } from '../src/hub/trim-memory.ts'
import { createLiveIndex } from '../src/services/mqtt/index/live-index.ts'
import { fillIndex, stillClock } from './home-packets.ts'

/** A process that holds some indexes and says how large it is, in bytes. */
export interface IndexMemory {
  /** With what the filling left behind, which V8 gives back when it finds the time. */
  readonly peak: number
  readonly before: number
  readonly after: number
  readonly topics: number
}

const [indexes = 1, topics = 1000, rounds = 1] = process.argv.slice(2).map(Number)
trimMemory()
const before = process.memoryUsage.rss()
const held = Array.from({ length: indexes }, () =>
  createLiveIndex({ clock: stillClock, maxTopics: 100_000, maxBytes: 64 * 1024 * 1024 }),
)
for (const index of held) for (let round = 0; round < rounds; round++) fillIndex(index, topics)
const known = held.reduce((sum, index) => sum + index.size(), 0)
const peak = process.memoryUsage.rss()
trimMemory()
process.send?.({ peak, before, after: process.memoryUsage.rss(), topics: known } satisfies IndexMemory)
