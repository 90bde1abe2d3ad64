/** One place in a JSON value that is not what it was. */
export interface Difference {
  /** `properties.path.type`, `required[1]`; empty: the whole. */
  readonly path: string
  /** Absent: it was not there. */
  readonly before?: unknown
  /** Absent: it is not there any more. */
  readonly now?: unknown
}

/** Where two JSON values differ: as deep as both have the same shape, in the order of the later one. */
export function jsonDiff(before: unknown, now: unknown, path = ''): readonly Difference[] {
  if (isList(before) && isList(now)) return memberDiffs(entriesOf(before), entriesOf(now), (key) => `${path}[${key}]`)
  if (isObject(before) && isObject(now))
    return memberDiffs(new Map(Object.entries(before)), new Map(Object.entries(now)), (key) => below(path, key))
  if (Object.is(before, now)) return []
  return [{ path, ...(before !== undefined && { before }), ...(now !== undefined && { now }) }]
}

type Members = ReadonlyMap<string, unknown>

function memberDiffs(before: Members, now: Members, pathOf: (key: string) => string): readonly Difference[] {
  const keys = new Set([...now.keys(), ...before.keys()])
  return [...keys].flatMap((key) => jsonDiff(before.get(key), now.get(key), pathOf(key)))
}

const entriesOf = (list: readonly unknown[]): Members => new Map(list.map((item, index) => [String(index), item]))

/** A key that is no plain word is quoted: it might look like a path itself. */
function below(path: string, key: string): string {
  if (!/^[\w$-]+$/.test(key)) return `${path}[${JSON.stringify(key)}]`
  return path === '' ? key : `${path}.${key}`
}

const isList = (value: unknown): value is readonly unknown[] => Array.isArray(value)
const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
