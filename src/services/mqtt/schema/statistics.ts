import type { Decoded, Format } from '../decode/format.ts'
import { confidenceOf, type Confidence } from './confidence.ts'
import { hashText } from './hash.ts'
import { renderNode, type JsonSchema } from './render.ts'
import { structureOf } from './structure.ts'
import { absorb, addValue, createTree, prune, type Tree } from './tree.ts'

/** What is known of the payloads of one topic, or of several: counts that can be added up, in bounded memory. */
export interface SchemaStatistics {
  /** `atMs`: wall clock, milliseconds. */
  add(decoded: Decoded, atMs?: number): void
  readonly messages: number
  /** How many messages had each format. */
  readonly formats: ReadonlyMap<Format, number>
  /** The first few notes of the codecs in the alphabet's order, each once. */
  readonly notes: readonly string[]
  /** Of the first and the last message, where the time was given. */
  readonly firstMs: number | undefined
  readonly lastMs: number | undefined
  readonly tree: Tree
}

const MOST_NOTES = 5
const LONGEST_NOTE = 160

export function createSchema(): SchemaStatistics {
  return accumulator()
}

/** Both together, as if the messages of both had been added to one. The two stay as they are. */
export function mergeSchemas(a: SchemaStatistics, b: SchemaStatistics): SchemaStatistics {
  const merged = accumulator()
  for (const from of [a, b]) merged.absorb(from)
  return merged
}

/** JSON Schema 2020-12 of the values; `{}` when none had one (images, binary). */
export function renderSchema({ tree }: SchemaStatistics): JsonSchema {
  prune(tree)
  return renderNode(tree.root)
}

/** Eight hex digits that name the structure: format, members and their types, whatever the values and the order. */
export function schemaId(statistics: SchemaStatistics): string {
  const lines = [...structureLines(statistics)].sort()
  return hashText(`${mainFormat(statistics)[0]}\n${lines.join('\n')}`)
    .toString(16)
    .padStart(8, '0')
}

export function structureLines({ tree }: SchemaStatistics): Set<string> {
  prune(tree)
  return structureOf(tree.root)
}

export function schemaConfidence(statistics: SchemaStatistics): Confidence {
  prune(statistics.tree)
  return confidenceOf({
    messages: statistics.messages,
    sameFormat: mainFormat(statistics)[1],
    root: statistics.tree.root,
  })
}

/** The most frequent format and its count; of equally frequent ones the first by name. */
export function mainFormat({ formats }: SchemaStatistics): readonly [Format, number] {
  return [...formats].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1))[0] ?? ['empty', 0]
}

interface Accumulator extends SchemaStatistics {
  absorb(from: SchemaStatistics): void
}

function accumulator(): Accumulator {
  const tree = createTree()
  const formats = new Map<Format, number>()
  let messages = 0
  let notes: readonly string[] = []
  let firstMs: number | undefined
  let lastMs: number | undefined
  const seenAt = (earliest: number | undefined, latest: number | undefined) => {
    if (earliest !== undefined) firstMs = Math.min(firstMs ?? earliest, earliest)
    if (latest !== undefined) lastMs = Math.max(lastMs ?? latest, latest)
  }
  const addNotes = (more: readonly string[]) => {
    if (more.every((note) => notes.includes(note))) return
    notes = [...new Set([...notes, ...more])].sort().slice(0, MOST_NOTES)
  }
  return {
    tree,
    formats,
    get messages() {
      return messages
    },
    get notes() {
      return notes
    },
    get firstMs() {
      return firstMs
    },
    get lastMs() {
      return lastMs
    },
    add({ format, value, note }, atMs) {
      messages += 1
      formats.set(format, (formats.get(format) ?? 0) + 1)
      if (value !== undefined) addValue(tree, tree.root, value)
      if (note !== undefined) addNotes([note.slice(0, LONGEST_NOTE)])
      seenAt(atMs, atMs)
    },
    absorb(from) {
      messages += from.messages
      for (const [format, count] of from.formats) formats.set(format, (formats.get(format) ?? 0) + count)
      prune(from.tree)
      tree.limit = Math.min(tree.limit, from.tree.limit)
      absorb(tree, tree.root, from.tree.root)
      addNotes(from.notes)
      seenAt(from.firstMs, from.lastMs)
    },
  }
}
