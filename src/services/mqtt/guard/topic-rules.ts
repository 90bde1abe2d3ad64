import { filtersOverlap } from '../diagnose/filter-groups.ts'
import { topicMatcher, withoutShare } from '../topic.ts'
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
      const denied = deny.find((rule) => covers(rule.filter, wanted))
      if (denied) return `${what}.deny ${denied.filter}`
      return allow && !allow.some((rule) => filtersOverlap(rule.filter, wanted)) ? notAllowed : undefined
    },
  }
}

/** Whether each topic of `inner` is also one of `outer`. */
function covers(outer: string, inner: string): boolean {
  const [out, into] = [withoutShare(outer).split('/'), inner.split('/')]
  // A wildcard at the beginning takes no topic of the broker's own [MQTT-4.7.2-1].
  if (inner.startsWith('$') && (out[0] === '#' || out[0] === '+')) return false
  for (const [index, level] of out.entries()) {
    if (level === '#') return true
    const other = into[index]
    if (other === undefined || other === '#') return false
    if (level !== '+' && level !== other) return false
  }
  return out.length === into.length
}
