import { filtersOverlap } from '../../../kernel/topic.ts'

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
