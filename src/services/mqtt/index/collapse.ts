import type { TopicEntry } from './topic-entry.ts'

/** Topics that differ in repeated levels only, as one line. */
export interface TopicGroup {
  /** With `+` where they differ; the topic itself if it stands alone. */
  readonly pattern: string
  readonly topics: number
  readonly messages: number
  readonly retained: number
  /** What stands at the first `+`, the first few. */
  readonly names: readonly string[]
  readonly latest: TopicEntry
}

interface Level {
  readonly children: Map<string, Level>
  entry: TopicEntry | undefined
}

/** So many siblings with the same levels below them are one line. */
const SIBLINGS = 5
/** Deeper topics are left alone: a name of a thousand levels is no home's. */
const MOST_LEVELS = 32
const NAMES = 6

/** `zigbee2mqtt/+/availability ×43`: siblings whose levels below are the same are told together. Sorted by pattern. */
export function collapseTopics(entries: Iterable<TopicEntry>): TopicGroup[] {
  const root: Level = { children: new Map(), entry: undefined }
  const groups = new Map<string, TopicGroup>()
  for (const entry of entries) {
    const levels = entry.topic.split('/', MOST_LEVELS + 1)
    if (levels.length > MOST_LEVELS) groups.set(entry.topic, groupOf(entry.topic, entry, []))
    else plant(root, levels, entry)
  }
  gather(root, { pattern: [], names: [] }, groups)
  return [...groups.values()].sort((a, b) => (a.pattern < b.pattern ? -1 : 1))
}

function plant(root: Level, levels: readonly string[], entry: TopicEntry): void {
  let level = root
  for (const name of levels) {
    let child = level.children.get(name)
    if (child === undefined) level.children.set(name, (child = { children: new Map(), entry: undefined }))
    level = child
  }
  level.entry = entry
}

interface Place {
  readonly pattern: readonly string[]
  readonly names: readonly string[]
}

function gather(level: Level, { pattern, names }: Place, groups: Map<string, TopicGroup>): void {
  if (level.entry !== undefined) addTo(groups, groupOf(pattern.join('/'), level.entry, names.slice(0, 1)))
  const alike = Map.groupBy(level.children, ([, child]) => shapeOf(child))
  for (const children of alike.values())
    for (const [name, child] of children) {
      // Names of the first level say whose the topics are: they are never left out.
      const isOne = children.length >= SIBLINGS && pattern.length > 0
      gather(
        child,
        isOne ? { pattern: [...pattern, '+'], names: [...names, name] } : { pattern: [...pattern, name], names },
        groups,
      )
    }
}

/** The same for levels below which the same names stand, whatever stands below those. */
const shapeOf = ({ children }: Level) => (children.size === 0 ? '' : [...children.keys()].sort().join('/'))

const groupOf = (pattern: string, entry: TopicEntry, names: readonly string[]): TopicGroup => ({
  pattern,
  topics: 1,
  messages: entry.count,
  retained: entry.retained ? 1 : 0,
  names,
  latest: entry,
})

function addTo(groups: Map<string, TopicGroup>, added: TopicGroup): void {
  const known = groups.get(added.pattern)
  if (known === undefined) return void groups.set(added.pattern, added)
  groups.set(added.pattern, {
    pattern: known.pattern,
    topics: known.topics + 1,
    messages: known.messages + added.messages,
    retained: known.retained + added.retained,
    names: known.names.length >= NAMES ? known.names : [...new Set([...known.names, ...added.names])],
    latest: added.latest.lastMs > known.latest.lastMs ? added.latest : known.latest,
  })
}
