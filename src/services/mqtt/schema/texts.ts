import { NUMBER } from '../decode/format.ts'
import { hashText } from './hash.ts'
import { stringFormat, type StringFormat } from './string-format.ts'

/** What is known of the strings at one place. */
export interface Texts {
  count: number
  /** Each with its count; undefined when there are more than `MOST_DISTINCT` or some are long. */
  distinct: Map<string, number> | undefined
  /** Characters. */
  shortest: number
  longest: number
  /** How many are numbers written as text, such as "55.49". */
  numeric: number
  readonly formats: Map<StringFormat, number>
  /** A few of them, those with the smallest hash: the same ones whatever the order they came in. */
  examples: readonly string[]
}

const MOST_DISTINCT = 32
/** Characters of a string that is remembered. */
const LONGEST_KEPT = 80
const EXAMPLES = 3

export const createTexts = (): Texts => ({
  count: 0,
  distinct: new Map(),
  shortest: Infinity,
  longest: 0,
  numeric: 0,
  formats: new Map(),
  examples: [],
})

export function addText(texts: Texts, text: string): void {
  texts.count += 1
  texts.shortest = Math.min(texts.shortest, text.length)
  texts.longest = Math.max(texts.longest, text.length)
  if (NUMBER.test(text)) texts.numeric += 1
  const format = stringFormat(text)
  if (format !== undefined) count(texts.formats, format, 1)
  if (texts.distinct?.has(text) !== true) texts.examples = smallest(texts.examples, [text.slice(0, LONGEST_KEPT)])
  addDistinct(texts, text, 1)
}

export function absorbTexts(into: Texts, from: Texts): void {
  into.count += from.count
  into.shortest = Math.min(into.shortest, from.shortest)
  into.longest = Math.max(into.longest, from.longest)
  into.numeric += from.numeric
  for (const [format, times] of from.formats) count(into.formats, format, times)
  into.examples = smallest(into.examples, from.examples)
  if (from.distinct === undefined) into.distinct = undefined
  else for (const [text, times] of from.distinct) addDistinct(into, text, times)
}

/** "Many" is for ever: what joins later cannot make the strings fewer, so the order of merging does not matter. */
function addDistinct(texts: Texts, text: string, times: number): void {
  if (texts.distinct === undefined) return
  if (text.length > LONGEST_KEPT) texts.distinct = undefined
  else {
    count(texts.distinct, text, times)
    if (texts.distinct.size > MOST_DISTINCT) texts.distinct = undefined
  }
}

const count = <Key>(counts: Map<Key, number>, key: Key, times: number) =>
  counts.set(key, (counts.get(key) ?? 0) + times)

function smallest(before: readonly string[], more: readonly string[]): readonly string[] {
  const fresh = more.filter((text) => !before.includes(text))
  if (fresh.length === 0) return before
  return [...before, ...fresh]
    .map((text) => ({ text, hash: hashText(text) }))
    .sort((a, b) => a.hash - b.hash || (a.text < b.text ? -1 : 1))
    .slice(0, EXAMPLES)
    .map(({ text }) => text)
}
