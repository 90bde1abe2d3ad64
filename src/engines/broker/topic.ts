import { topicFilterProblem, topicNameProblem } from '../../kernel/topic.ts'

/** What the broker engines take as topics and filters, and an index that finds every filter that matches a topic. */

/** The embedded broker's matcher takes no more; nothing real needs more. */
const MOST_LEVELS = 100

const isShallow = (text: string) => text.split('/').length <= MOST_LEVELS

/** Whether a message can be published to it. */
export const isTopic = (text: string): boolean => topicNameProblem(text) === undefined && isShallow(text)

/** Whether it can be subscribed to. */
export const isFilter = (text: string): boolean => topicFilterProblem(text) === undefined && isShallow(text)

interface Level<Value> {
  readonly below: Map<string, Level<Value>>
  readonly values: Set<Value>
}

const emptyLevel = <Value>(): Level<Value> => ({ below: new Map(), values: new Set() })

/** Values by topic filter. Looking up a topic costs its levels, not the number of filters. */
export interface FilterIndex<Value> {
  add(filter: string, value: Value): void
  delete(filter: string, value: Value): void
  /** Every value whose filter matches the topic; one that was added under several matching filters comes once. */
  match(topic: string): Set<Value>
}

export function createFilterIndex<Value>(): FilterIndex<Value> {
  const root = emptyLevel<Value>()

  const collect = (level: Level<Value>, levels: readonly string[], at: number, found: Set<Value>) => {
    const wild = at > 0 || !levels[0]?.startsWith('$')
    if (wild) for (const value of level.below.get('#')?.values ?? []) found.add(value)
    const name = levels[at]
    if (name === undefined) {
      for (const value of level.values) found.add(value)
      return
    }
    const same = level.below.get(name)
    if (same) collect(same, levels, at + 1, found)
    const any = wild ? level.below.get('+') : undefined
    if (any) collect(any, levels, at + 1, found)
  }

  return {
    add(filter, value) {
      let level = root
      for (const name of filter.split('/')) {
        const next = level.below.get(name) ?? emptyLevel<Value>()
        level.below.set(name, next)
        level = next
      }
      level.values.add(value)
    },
    delete(filter, value) {
      const remove = (level: Level<Value>, names: readonly string[]) => {
        const [name, ...rest] = names
        if (name === undefined) return void level.values.delete(value)
        const next = level.below.get(name)
        if (!next) return
        remove(next, rest)
        if (next.values.size === 0 && next.below.size === 0) level.below.delete(name)
      }
      remove(root, filter.split('/'))
    },
    match(topic) {
      const found = new Set<Value>()
      collect(root, topic.split('/'), 0, found)
      return found
    },
  }
}
