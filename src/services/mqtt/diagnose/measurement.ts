import type { IPublishPacket } from 'mqtt'
import type { Clock } from '../../../kernel/clock.ts'
import type { Wanted } from '../connection.ts'
import { topicMatcher } from '../../../kernel/topic.ts'
import { disjointGroups } from './filter-groups.ts'
import { isProbe } from './probe-topic.ts'
import { createTraffic, type Traffic } from './traffic.ts'

/** What some filters bring, each by itself and all together. */
export interface Measurement {
  readonly filters: readonly { readonly filter: string; readonly traffic: Traffic }[]
  /** Each message once, however many of the filters it matches. */
  readonly total: Traffic
  /** Each needs a connection of its own. */
  readonly groups: readonly MeasuredGroup[]
}

/** Filters of which a topic matches one at most. */
export interface MeasuredGroup {
  readonly first: Wanted
  readonly others: readonly Wanted[]
  /** The subscription stands: time runs from here. */
  begin(): void
}

/** `filters` are valid, and at least one. Probes, our own and others', do not count. */
export function createMeasurement(filters: readonly string[], clock: Clock): Measurement {
  const total = createTraffic(clock)
  const measured = filters.map((filter) => ({ filter, traffic: createTraffic(clock) }))
  const matchers = new Map(filters.map((filter) => [filter, topicMatcher(filter)]))
  const groups = disjointGroups(filters)
  const inEarlier = (index: number) => {
    const earlier = groups
      .slice(0, index)
      .flat()
      .flatMap((filter) => matchers.get(filter) ?? [])
    return (topic: string) => earlier.some((matches) => matches(topic))
  }
  const groupOf = (members: readonly string[], index: number): MeasuredGroup[] => {
    const own = measured.filter(({ filter }) => members.includes(filter))
    const isCounted = inEarlier(index)
    const [first, ...others] = own.map(({ filter, traffic }) => ({
      filter,
      matches: matchers.get(filter) ?? topicMatcher(filter),
      listener(packet: IPublishPacket) {
        if (isProbe(packet.topic)) return
        traffic.accept(packet)
        if (!isCounted(packet.topic)) total.accept(packet)
      },
    }))
    const begin = () => {
      for (const { traffic } of own) traffic.begin()
      if (index === 0) total.begin()
    }
    return first ? [{ first, others, begin }] : []
  }
  return { filters: measured, total, groups: groups.flatMap(groupOf) }
}
