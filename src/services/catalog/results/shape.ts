import { isObject } from '../../../kernel/mcp/message.ts'

/** Members of an object, and levels, that a summary names. */
const MOST_MEMBERS = 20
const DEEPEST = 3

/** What a text holds, in a line or two: the members, counts and types of JSON, or how many lines. */
export function shapeOf(text: string): string {
  const start = text.trimStart().charAt(0)
  if (start === '{' || start === '[') {
    try {
      return `JSON: ${describe(JSON.parse(text), 0)}`
    } catch {
      // Text that only looks like it.
    }
  }
  const lines = text.split('\n').length
  return `text: ${lines} ${lines === 1 ? 'line' : 'lines'}`
}

function describe(value: unknown, depth: number): string {
  if (Array.isArray(value)) return describeList(value, depth)
  if (!isObject(value)) return value === null ? 'null' : typeof value
  const names = Object.keys(value)
  if (depth >= DEEPEST) return `object of ${names.length} members`
  const shown = names
    .slice(0, MOST_MEMBERS)
    .map((name) => `${JSON.stringify(name)}: ${describe(value[name], depth + 1)}`)
  const rest = names.length - shown.length
  return `{${shown.join(', ')}${rest > 0 ? `, and ${rest} more members` : ''}}`
}

/** Elements are told by the first; where there are others of another kind, that is said. */
function describeList(list: readonly unknown[], depth: number): string {
  if (list.length === 0) return '[]'
  if (depth >= DEEPEST) return `list of ${list.length}`
  const [first] = list
  const isMixed = list.some((element) => kindOf(element) !== kindOf(first))
  return `list of ${list.length}, ${isMixed ? 'of several kinds, the first' : 'each'} ${describe(first, depth + 1)}`
}

/** Objects are alike when they have the same members. */
const kindOf = (value: unknown): string =>
  isObject(value) ? Object.keys(value).join(' ') : Array.isArray(value) ? 'list' : typeof value
