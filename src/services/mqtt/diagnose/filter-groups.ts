import { withoutShare } from '../topic.ts'

/** Whether some topic name matches both filters (MQTT 5 §4.7). */
export function filtersOverlap(one: string, other: string): boolean {
  const [first, second] = [withoutShare(one).split('/'), withoutShare(other).split('/')]
  // [MQTT-4.7.2-1]: a wildcard at the beginning does not match names that begin with $.
  const hidden = (a = '', b = '') => (a === '#' || a === '+') && b.startsWith('$')
  if (hidden(first[0], second[0]) || hidden(second[0], first[0])) return false
  return levelsOverlap(first, second)
}

function levelsOverlap(first: readonly string[], second: readonly string[]): boolean {
  for (let index = 0; ; index++) {
    const [a, b] = [first[index], second[index]]
    // "sport/#" also matches "sport".
    if (a === '#' || b === '#') return true
    if (a === undefined || b === undefined) return a === b
    if (a !== b && a !== '+' && b !== '+') return false
  }
}

/**
 * The filters in groups in which none overlap. Each group can share a connection: a message comes to it exactly once,
 * while of filters that overlap on one connection a broker sends one copy or several, as it likes (MQTT 5 §3.3.4).
 */
export function disjointGroups(filters: readonly string[]): string[][] {
  const groups: string[][] = []
  for (const filter of filters) {
    const group = groups.find((members) => members.every((member) => !filtersOverlap(member, filter)))
    if (group) group.push(filter)
    else groups.push([filter])
  }
  return groups
}
