import MiniSearch, { type SearchResult } from 'minisearch'
import { isObject } from '../../../kernel/mcp/message.ts'
import type { Entry } from '../../../kernel/registry.ts'
import type { JsonSchema } from '../../../kernel/tool.ts'
import { alsoMeant, isEmptyWord } from './vocabulary.ts'
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
const BOOST = { name: 3, server: 1.2, description: 1, parameters: 0.4 }
/** What a related word counts beside one that was asked for. */
const RELATED = 0.6

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

  return {
    search(query, includes, most) {
      update(entries())
      const asked = wordsOf(query)
      const telling = asked.filter((word) => !isEmptyWord(word))
      const words = telling.length === 0 ? asked : telling
      const own = new Set(words.map(stem))
      const found = index.search(words.join(' '), {
        boost: BOOST,
        processTerm: (word) => [stem(word), ...alsoMeant(stem(word))],
        boostTerm: (term) => (own.has(term) ? 1 : RELATED),
        prefix: (term) => own.has(term) && term.length >= 3,
        fuzzy: (term) => (own.has(term) && term.length >= 5 ? 0.2 : false),
        weights: { prefix: 0.3, fuzzy: 0.25 },
        filter: ({ id }: SearchResult) => includes(String(id)),
      })
      return found.slice(0, most).map(({ id }) => String(id))
    },
  }
}

const documentOf = ({ name, tool, provider }: Entry): Document => ({
  id: tool.name,
  name,
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
