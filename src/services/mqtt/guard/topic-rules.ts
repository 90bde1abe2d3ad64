import { filterCovers, filtersOverlap, topicMatcher, withoutShare } from '../../../kernel/topic.ts'
import type { SessionRules } from './session-rules.ts'

/** What one pair of allow and deny filters makes of topics. */
export interface TopicRules {
  /** The rule that a topic breaks, in words. */
  broken(topic: string): string | undefined
  /** The rule by which no topic of this filter could pass, in words. */
  hopeless(filter: string): string | undefined
}

/** `what` begins the words: "read" gives `read.deny zigbee2mqtt/#`. */
export function topicRules(pair: SessionRules['read'], what: 'read' | 'write'): TopicRules {
  const allow = pair?.allow?.map((filter) => ({ filter, matches: topicMatcher(filter) }))
  const deny = (pair?.deny ?? []).map((filter) => ({ filter, matches: topicMatcher(filter) }))
  const notAllowed = `${what}.allow (${pair?.allow?.join(', ')})`
  return {
    broken(topic) {
      const denied = deny.find(({ matches }) => matches(topic))
      if (denied) return `${what}.deny ${denied.filter}`
      return allow && !allow.some(({ matches }) => matches(topic)) ? notAllowed : undefined
    },
    hopeless(filter) {
      const wanted = withoutShare(filter)
      const denied = deny.find((rule) => filterCovers(rule.filter, wanted))
      if (denied) return `${what}.deny ${denied.filter}`
      return allow && !allow.some((rule) => filtersOverlap(rule.filter, wanted)) ? notAllowed : undefined
    },
  }
}
