import { countTokens } from 'gpt-tokenizer/encoding/o200k_base'
import type { Entry } from '../../src/kernel/registry.ts'
import { compactSchema } from '../../src/services/catalog/compact-schema.ts'
import { createToolIndex } from '../../src/services/catalog/search/tool-index.ts'
import type { Measured, Row } from '../row.ts'
import { median, quantile } from '../statistics.ts'
import { plainTool, realTools } from '../tool-lists.ts'
import { KNOWN_QUERIES, UNSEEN_QUERIES, type ToolQuery } from '../tool-queries.ts'

/** Of ten queries, how many must find a right tool among five. */
const LEAST_FOUND = 0.85
const MANY = 1000
const MOST_MS = 5
const ROUNDS = 5

const searchIn = (entries: readonly Entry[]) => {
  const index = createToolIndex(() => entries)
  const byOperation = new Map(entries.map((entry) => [entry.tool.name, entry]))
  return (query: string): readonly Entry[] =>
    index.search(query, () => true, 5).flatMap((operation) => byOperation.get(operation) ?? [])
}

/** Share of the queries for which one of the first `most` is right. */
function recall(queries: readonly ToolQuery[], search: (query: string) => readonly Entry[], most: number): number {
  const hits = queries.filter(({ query, wanted }) =>
    search(query)
      .slice(0, most)
      .some(({ name }) => wanted.includes(name)),
  )
  return hits.length / queries.length
}

const percent = (share: number) => `${(share * 100).toFixed(0)} %`

const quality: Row = {
  tags: ['catalog', 'tools', 'search'],
  name: 'a right tool among the first five that find_tools gives',
  limit: `≥ ${percent(LEAST_FOUND)}, queries unseen`,
  async run(): Promise<Measured> {
    const entries = await realTools()
    const search = searchIn(entries)
    const [unseen1 = 0, unseen5 = 0] = [1, 5].map((most) => recall(UNSEEN_QUERIES, search, most))
    const [known1 = 0, known5 = 0] = [1, 5].map((most) => recall(KNOWN_QUERIES, search, most))
    const all = [...KNOWN_QUERIES, ...UNSEEN_QUERIES]
    const foreign5 = recall(
      all.filter(({ language }) => language !== 'en'),
      search,
      5,
    )
    const answer = median(all.map(({ query }) => countTokens(JSON.stringify(search(query).map(shown)))))
    const list = countTokens(JSON.stringify(entries.map(shown)))
    return {
      measured: `${percent(unseen5)} (first: ${percent(unseen1)})`,
      reference:
        `of ${entries.length} tools; known queries ${percent(known5)} (${percent(known1)}), German, French and Spanish ` +
        `${percent(foreign5)}; an answer has ${answer} tokens, all tools have ${list}`,
      ok: unseen5 >= LEAST_FOUND,
      figures: {
        unseen_at_1: unseen1,
        unseen_at_5: unseen5,
        known_at_1: known1,
        known_at_5: known5,
        foreign_at_5: foreign5,
        answer_tokens: answer,
        list_tokens: list,
      },
    }
  },
}

const shown = ({ name, tool }: Entry) => ({
  name,
  summary: tool.summary,
  input_schema: compactSchema(tool.inputSchema),
})

const speed: Row = {
  tags: ['catalog', 'tools', 'search'],
  name: `search of find_tools over ${MANY} tools, p50`,
  limit: `≤ ${MOST_MS} ms`,
  async run(): Promise<Measured> {
    const real = await realTools()
    const entries = Array.from({ length: MANY }, (_, at): Entry => {
      const { name, tool, provider, statistics } = real[at % real.length] as Entry
      const copy = `${name}_${Math.floor(at / real.length)}`
      return {
        name: copy,
        provider,
        statistics,
        tool: plainTool(`${provider.id}.${copy}`, tool.summary, tool.inputSchema),
      }
    })
    const search = searchIn(entries)
    const startMs = performance.now()
    search('first')
    const indexMs = performance.now() - startMs
    const times = Array.from({ length: ROUNDS }, () => UNSEEN_QUERIES)
      .flat()
      .map(({ query }) => {
        const beginMs = performance.now()
        search(query)
        return performance.now() - beginMs
      })
    const [p50, p99] = [median(times), quantile(times, 0.99)]
    return {
      measured: `${p50.toFixed(2)} ms`,
      reference: `p99 ${p99.toFixed(1)} ms; index made in ${indexMs.toFixed(0)} ms`,
      ok: p50 <= MOST_MS,
      figures: { p50_ms: p50, p99_ms: p99, index_ms: indexMs },
    }
  },
}

export const toolSearch: readonly Row[] = [quality, speed]
