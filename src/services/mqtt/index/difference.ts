/** One value that is other than it was. */
export interface Difference {
  /** Members and positions, joined with dots; empty for the whole payload. */
  readonly path: string
  readonly was: unknown
  readonly is: unknown
}

const MOST_NODES = 2000
const DEEPEST = 12

/** What differs between two decoded payloads, states before measurements. Bounded: very large ones are compared in part. */
export function differencesOf(was: unknown, is: unknown): Difference[] {
  const found: Difference[] = []
  let nodes = 0
  const compare = (path: string, pair: { was: unknown; is: unknown }, depth: number) => {
    nodes += 1
    if (nodes > MOST_NODES || Object.is(pair.was, pair.is)) return
    const [before, after] = [membersOf(pair.was), membersOf(pair.is)]
    if (before === undefined || after === undefined || depth >= DEEPEST) {
      if (JSON.stringify(pair.was) !== JSON.stringify(pair.is)) found.push({ path, ...pair })
      return
    }
    for (const name of new Set([...before.keys(), ...after.keys()]))
      compare(path === '' ? name : `${path}.${name}`, { was: before.get(name), is: after.get(name) }, depth + 1)
  }
  compare('', { was, is }, 0)
  return found.sort((a, b) => weight(a) - weight(b))
}

const membersOf = (value: unknown): Map<string, unknown> | undefined =>
  typeof value === 'object' && value !== null ? new Map(Object.entries(value)) : undefined

/** Members that always change: reception, times, counters of uptime. */
const NOISE = /(?:^|\.)(?:linkquality|lqi|rssi|signal|last_?seen|time|timestamp|ts|uptime\w*|heap|load_?avg|unixtime)$/i

export const isNoise = ({ path }: Difference): boolean => NOISE.test(path)

/** What was said in words or came or went tells more than a number that moved. */
const weight = (difference: Difference) => {
  if (isNoise(difference)) return 2
  return typeof difference.was === 'number' && typeof difference.is === 'number' ? 1 : 0
}

const LONGEST_VALUE = 60

/** `brightness 12 → 200`; `battery (new) 97`; `color gone`. */
export function differenceText({ path, was, is }: Difference): string {
  const name = path === '' ? '' : `${path} `
  if (was === undefined) return `${name}(new) ${valueText(is)}`
  if (is === undefined) return `${name}gone`
  return `${name}${valueText(was)} → ${valueText(is)}`
}

function valueText(value: unknown): string {
  const text = typeof value === 'string' ? value.replace(/\s+/g, ' ') : (JSON.stringify(value) ?? 'nothing')
  return text.length > LONGEST_VALUE ? `${text.slice(0, LONGEST_VALUE - 1).toWellFormed()}…` : text
}
