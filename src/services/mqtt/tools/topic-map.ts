/** Where recorded topics are replayed to. */
export interface TopicMapping {
  /** Put before topics that the map does not name; undefined: those are left out. */
  readonly prefix: string | undefined
  /** First levels of a topic and what stands there instead; the longest wins. */
  readonly map: Readonly<Record<string, string>>
}

/** Undefined: the message is not replayed. */
export function mapTopic({ prefix, map }: TopicMapping, topic: string): string | undefined {
  const from = Object.keys(map)
    .filter((levels) => topic === levels || topic.startsWith(`${levels}/`))
    .sort((a, b) => b.length - a.length)[0]
  if (from !== undefined) return `${map[from] ?? ''}${topic.slice(from.length)}`
  return prefix === undefined ? undefined : `${prefix}${topic}`
}
