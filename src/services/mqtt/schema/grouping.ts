import { alike } from './structure.ts'
import { createSchema, mainFormat, mergeSchemas, structureLines, type SchemaStatistics } from './statistics.ts'
import type { SurveyedTopic } from './survey.ts'

/** Topics whose payloads have one structure. */
export interface SchemaGroup {
  readonly topics: SurveyedTopic[]
  schema: SchemaStatistics
  lines: ReadonlySet<string>
}

/** Comparing every group with every other must end. */
const MOST_COMPARED = 300

/**
 * Topics of one format and structure together, the largest group first. What has no members (a number, a word) is
 * grouped by its place instead: `+/temperature` and `+/brightness` are both numbers and yet two things.
 */
export function groupTopics(topics: readonly SurveyedTopic[]): SchemaGroup[] {
  const same = new Map<string, SurveyedTopic[]>()
  for (const topic of topics) {
    const key = exactKey(topic)
    const list = same.get(key)
    if (list) list.push(topic)
    else same.set(key, [topic])
  }
  const groups: SchemaGroup[] = []
  for (const topics of same.values()) join(groups, groupOf(topics))
  return groups.sort((a, b) => b.topics.length - a.topics.length || b.schema.messages - a.schema.messages)
}

function exactKey({ topic, schema }: SurveyedTopic): string {
  const lines = structureLines(schema)
  const [format] = mainFormat(schema)
  const levels = topic.split('/')
  const what = lines.size > 1 ? [...lines].sort() : [levels.length, levels.at(-1), ...lines]
  return JSON.stringify([format, ...what])
}

function groupOf(topics: SurveyedTopic[]): SchemaGroup {
  const schema = merged(topics.map(({ schema }) => schema))
  return { topics, schema, lines: structureLines(schema) }
}

/** Pairs of pairs, not one after the other: each statistic is copied a few times instead of a thousand. */
function merged(all: readonly SchemaStatistics[]): SchemaStatistics {
  const [first, second] = all
  if (!first || !second) return first ?? createSchema()
  const middle = Math.ceil(all.length / 2)
  return all.length === 2
    ? mergeSchemas(first, second)
    : mergeSchemas(merged(all.slice(0, middle)), merged(all.slice(middle)))
}

function join(groups: SchemaGroup[], group: SchemaGroup): void {
  const home = group.lines.size > 1 ? groups.slice(0, MOST_COMPARED).find((other) => belong(other, group)) : undefined
  if (!home) {
    groups.push(group)
    return
  }
  home.topics.push(...group.topics)
  home.schema = mergeSchemas(home.schema, group.schema)
  home.lines = structureLines(home.schema)
}

const belong = (a: SchemaGroup, b: SchemaGroup) =>
  a.lines.size > 1 &&
  mainFormat(a.schema)[0] === mainFormat(b.schema)[0] &&
  // `plug` and `plug/availability` both have a state, and are not one thing that sometimes lacks its other members.
  levelsOf(a) === levelsOf(b) &&
  alike(a.lines, b.lines)

const levelsOf = ({ topics }: SchemaGroup) => topics[0]?.topic.split('/').length

/** The narrowest topic filter for all of them: `+` where levels differ, `#` where they end. */
export function commonFilter(topics: readonly string[]): string {
  const [first = [], ...rest] = topics.map((topic) => topic.split('/'))
  if (rest.every((levels) => levels.length === first.length))
    return first.map((level, index) => (rest.every((levels) => levels[index] === level) ? level : '+')).join('/')
  const differs = first.findIndex((level, index) => rest.some((levels) => levels[index] !== level))
  return [...first.slice(0, differs === -1 ? first.length : differs), '#'].join('/')
}
