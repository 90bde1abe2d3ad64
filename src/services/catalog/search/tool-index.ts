import MiniSearch, { type SearchOptions, type SearchResult } from 'minisearch'
import { isObject } from '../../../kernel/mcp/message.ts'
import type { Entry } from '../../../kernel/registry.ts'
import type { JsonSchema } from '../../../kernel/tool.ts'
import { alsoMeant, isEmptyWord, partsOf } from './vocabulary.ts'
import { stem, wordsOf } from './words.ts'

/** Finds tools by what they are called and described to do. */
export interface ToolIndex {
  /** Full names of tools, the best first; only those that `includes` lets through. */
  search(query: string, includes: (operation: string) => boolean, most: number): readonly string[]
}

interface Document {
  readonly id: string
  readonly name: string
  readonly server: string
  readonly description: string
  readonly parameters: string
}

/** A word of the name says more than one of the description, and that more than one of a parameter. */
const BOOST = { name: 2, server: 1.2, description: 1, parameters: 0.4 }
/** What a related word counts beside one that was asked for. */
const RELATED = 0.8
/** Words of a query; the rest of a longer one is left out. */
const MOST_WORDS = 24
const LONGEST_WORD = 40

const EXACT: SearchOptions = { boost: BOOST, processTerm: (term) => term }
const NEARLY: SearchOptions = {
  ...EXACT,
  prefix: (term) => term.length >= 3,
  // Slips: one letter, or two that changed places.
  fuzzy: (term) => (term.length >= 7 ? 2 : term.length >= 5 ? 1 : false),
  weights: { prefix: 0.3, fuzzy: 0.25 },
}

/**
 * BM25 over names, descriptions and parameters; words that nearly are what was asked for count too, and less. `entries`
 * is asked at each search: another array is compared with what is known, and only what changed is indexed anew.
 */
export function createToolIndex(entries: () => readonly Entry[]): ToolIndex {
  const index = new MiniSearch<Document>({
    fields: Object.keys(BOOST),
    tokenize: wordsOf,
    processTerm: stem,
    // Tools come and go with their servers; what went is cleared away when there is enough of it.
    autoVacuum: true,
  })
  const known = new Map<string, Document>()
  let indexed: readonly Entry[] = []

  const update = (current: readonly Entry[]) => {
    if (current === indexed) return
    indexed = current
    const gone = new Set(known.keys())
    for (const entry of current) {
      const document = documentOf(entry)
      gone.delete(document.id)
      const before = known.get(document.id)
      if (before !== undefined && isSame(before, document)) continue
      if (before === undefined) index.add(document)
      else index.replace(document)
      known.set(document.id, document)
    }
    for (const id of gone) {
      index.discard(id)
      known.delete(id)
    }
  }

  /** How well each tool fits one word: by the word itself or, for less, by one that may stand for it; the best counts. */
  const scoresOf = (term: string, isJoined: boolean): Map<string, number> => {
    const scores = new Map<string, number>()
    const add = (found: readonly SearchResult[], share: number) => {
      for (const { id, score } of found) scores.set(String(id), Math.max(scores.get(String(id)) ?? 0, score * share))
    }
    add(index.search(term, isJoined ? EXACT : NEARLY), 1)
    for (const related of alsoMeant(term)) add(index.search(related, EXACT), RELATED)
    return scores
  }

  return {
    search(query, includes, most) {
      update(entries())
      const totals = new Map<string, Total>()
      const add = (scores: ReadonlyMap<string, number>) => {
        for (const [id, score] of scores) {
          if (!includes(id)) continue
          const total = totals.get(id) ?? { score: 0, words: 0 }
          totals.set(id, { score: total.score + score, words: total.words + 1 })
        }
      }
      const telling = tellingWords(query)
      for (const term of new Set([...telling, ...telling.flatMap(partsOf)].map(stem))) add(scoresOf(term, false))
      for (const joined of joinedWords(askedWords(query))) add(scoresOf(joined, true))
      // Who has more of the words comes first, as a rule: one that is rare counts for two that are not.
      const rank = ({ score, words }: Total) => score * words
      return [...totals]
        .sort(([a, one], [b, other]) => rank(other) - rank(one) || (a < b ? -1 : 1))
        .slice(0, most)
        .map(([id]) => id)
    },
  }
}

/** What a tool got so far, and from how many of the words. */
interface Total {
  readonly score: number
  readonly words: number
}

/** Bounded: a long word is compared with each that there is. */
const askedWords = (query: string): string[] =>
  wordsOf(query)
    .slice(0, MOST_WORDS)
    .map((word) => word.slice(0, LONGEST_WORD))

/** Without words that say nothing, unless there are no others. */
function tellingWords(query: string): string[] {
  const words = askedWords(query)
  const telling = words.filter((word) => !isEmptyWord(word))
  return telling.length === 0 ? words : telling
}

/** Neighbours as one: "log in", "screen shot" and "drop-down" stand in descriptions as one word. */
function joinedWords(words: readonly string[]): string[] {
  return words.slice(1).map((word, at) => stem(`${words[at]}${word}`))
}

const documentOf = ({ name, tool, provider }: Entry): Document => ({
  id: tool.name,
  name: [name, ...joinedWords(wordsOf(name))].join(' '),
  server: provider.id,
  description: tool.description === undefined ? tool.summary : `${tool.summary} ${tool.description}`,
  parameters: parametersOf(tool.inputSchema),
})

const isSame = (a: Document, b: Document): boolean =>
  a.name === b.name && a.description === b.description && a.parameters === b.parameters

/** Names and descriptions of the arguments; of those within them no more than a few levels. */
function parametersOf(schema: JsonSchema, depth = 0): string {
  const { properties, items } = schema
  const inner = isObject(properties) ? Object.entries(properties) : isObject(items) ? [['', items] as const] : []
  return inner
    .map(([name, value]) => {
      if (!isObject(value) || depth > 3) return name
      const { description } = value
      return `${name} ${typeof description === 'string' ? description : ''} ${parametersOf(value, depth + 1)}`
    })
    .join(' ')
}
