/**
 * Topic names and topic filters (MQTT 5.0, section 4.7): what is valid, what matches, and an index that finds every
 * filter that matches a topic.
 */

/** The length field of a UTF-8 string on the wire has two bytes (MQTT 5.0, 1.5.4). */
const LONGEST_TOPIC_BYTES = 65_535

/** The embedded broker's matcher takes no more; nothing real needs more. */
const MOST_LEVELS = 100

const isString = (text: string) =>
  text.length > 0 &&
  !text.includes('\0') &&
  text.isWellFormed() &&
  Buffer.byteLength(text) <= LONGEST_TOPIC_BYTES &&
  text.split('/').length <= MOST_LEVELS

/** Whether a message can be published to it: not empty, no wildcard, no NUL. */
export function isTopic(text: string): boolean {
  return isString(text) && !/[+#]/.test(text)
}

/** Whether it can be subscribed to: `+` fills a whole level, `#` the last one (MQTT 5.0, 4.7.1). */
export function isFilter(text: string): boolean {
  if (!isString(text)) return false
  const levels = text.split('/')
  return levels.every(
    (level, at) => level === '+' || (level === '#' && at === levels.length - 1) || !/[+#]/.test(level),
  )
}

/** Whether the filter matches the topic. A leading wildcard does not match `$SYS` and the like (MQTT 5.0, 4.7.2). */
export function matches(filter: string, topic: string): boolean {
  if (topic.startsWith('$') && /^[+#]/.test(filter)) return false
  return covers(filter, topic)
}

/**
 * Whether every topic that `inner` (a filter or topic) matches is also matched by `outer`, as far as its levels say;
 * `$` topics are the caller's affair.
 */
export function covers(outer: string, inner: string): boolean {
  const wide = outer.split('/')
  const narrow = inner.split('/')
  for (const [at, level] of wide.entries()) {
    // `a/#` also matches `a` itself (MQTT 5.0, 4.7.1.2).
    if (level === '#') return true
    const own = narrow[at]
    if (own === undefined || own === '#') return false
    if (level !== '+' && level !== own) return false
  }
  return wide.length === narrow.length
}

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
