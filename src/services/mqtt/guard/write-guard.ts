import type { Clock } from '../../../kernel/clock.ts'
import { Fault } from '../../../kernel/fault.ts'
import type { Publication } from '../connection.ts'
import { withoutShare } from '../../../kernel/topic.ts'
import { protectionOf } from './protected-topics.ts'
import { createRedactor, type Redactor } from './redaction.ts'
import type { SessionRules } from './session-rules.ts'
import { topicRules } from './topic-rules.ts'

/** What the rules make of something to publish. */
export type Verdict =
  | { readonly allowed: true }
  | { readonly allowed: false; readonly rule: string; readonly why: string; readonly hint: string }

/** One session's rules, and how much it has published lately. */
export interface Guard {
  readonly rules: SessionRules
  readonly redactor: Redactor
  mayRead(topic: string): boolean
  /** The refusal, when no message of this filter could be shown. */
  unreadable(filter: string): Fault | undefined
  /** Says what `admit` would, and counts nothing. */
  verdict(publication: Publication): Verdict
  /** Counts a message that is about to be published. Throws Fault `forbidden`, `rate_limited`. */
  admit(publication: Publication): void
}

const MINUTE_MS = 60_000

/** Topics of this service's own probes and replies, which it removes again: a session's filters need not name them. */
const isOwn = (filter: string) => /^alicia-(?:probe|reply)[-/]/.test(withoutShare(filter))

const OPEN_HINT = 'The session was made so; establish_connection makes another with other rules.'

export interface GuardOptions {
  readonly rules: SessionRules
  readonly clock: Clock
  /** The session is one with the hub's own broker. */
  readonly atOwnBroker: boolean
}

/**
 * Where the hub itself speaks at its own broker. A remote one knows the hub and its sessions by one login, so its access
 * list cannot tell them apart: without this a session could ask the hub for things in the owner's name.
 */
const hubTopic = (topic: string) => topic === 'alicia' || topic.startsWith('alicia/')
const hubTalk = (topic: string) => /^alicia\/v1\/(?:req|as|rep)(?:\/|$)/.test(topic)

export function createGuard({ rules, clock, atOwnBroker }: GuardOptions): Guard {
  const reading = topicRules(rules.read, 'read')
  const writing = topicRules(rules.write, 'write')
  const most = rules.max_publishes_per_minute
  // A bucket that fills evenly: `room` is what it held at `atMs`.
  let room = most
  let atMs = clock.monotonic()

  const refill = () => {
    const nowMs = clock.monotonic()
    room = Math.min(most, room + ((nowMs - atMs) * most) / MINUTE_MS)
    atMs = nowMs
  }

  const verdict = (publication: Publication): Verdict => {
    const { topic } = publication
    if (atOwnBroker && hubTopic(topic))
      return {
        allowed: false,
        rule: 'own broker',
        why: `only the hub publishes below alicia/ at its own broker (${topic})`,
        hint: 'Call the operation itself instead of asking for it over MQTT.',
      }
    // Probes clear up behind themselves.
    if (isOwn(topic) && rules.access !== 'read_only') return { allowed: true }
    const tier = tierVerdict(rules.access, publication)
    if (!tier.allowed) return tier
    const broken = writing.broken(topic)
    if (broken !== undefined)
      return { allowed: false, rule: broken, why: `the session may not publish to ${topic}`, hint: OPEN_HINT }
    if (deletesRetained(publication) && !publication.confirmed)
      return {
        allowed: false,
        rule: 'confirm',
        why: `it deletes the retained message of ${topic}, which nothing brings back`,
        hint: 'Say confirm: true if that is wanted; dry_run: true shows what is kept there.',
      }
    return { allowed: true }
  }

  return {
    rules,
    redactor: createRedactor(rules.redact),
    mayRead: (topic) => !(atOwnBroker && hubTalk(topic)) && (isOwn(topic) || reading.broken(topic) === undefined),
    unreadable(filter) {
      const rule = isOwn(filter) ? undefined : reading.hopeless(filter)
      if (rule === undefined) return undefined
      return new Fault('forbidden', `This session may not read ${filter} (rule ${rule}).`, {
        hint: OPEN_HINT,
        details: { rule },
      })
    },
    verdict,
    admit(publication) {
      const said = verdict(publication)
      if (!said.allowed) throw forbidden(said)
      refill()
      if (room < 1) {
        const retryAfterMs = Math.ceil(((1 - room) * MINUTE_MS) / most)
        throw new Fault(
          'rate_limited',
          `This session publishes at most ${most} messages a minute (rule max_publishes_per_minute).`,
          {
            hint: `Nothing was sent. Try again in ${Math.ceil(retryAfterMs / 1000)} s.`,
            retryAfterMs,
          },
        )
      }
      room -= 1
    },
  }
}

export const deletesRetained = ({ retain, payload }: Publication) => retain && payload.length === 0

function tierVerdict(access: SessionRules['access'], publication: Publication): Verdict {
  if (access === 'all') return { allowed: true }
  const rule = `access ${access}`
  if (access === 'read_only') return { allowed: false, rule, why: 'the session publishes nothing', hint: OPEN_HINT }
  const hint = 'Only a session made with access: all may do that; ask the person whose home it is first.'
  if (deletesRetained(publication))
    return { allowed: false, rule, why: `it deletes the retained message of ${publication.topic}`, hint }
  const protection = protectionOf(publication)
  if (!protection) return { allowed: true }
  return { allowed: false, rule: `${rule}: ${protection.name}`, why: `${protection.why} (${publication.topic})`, hint }
}

/** The refusal as a fault. */
export const forbidden = ({ rule, why, hint }: Extract<Verdict, { allowed: false }>) =>
  new Fault('forbidden', `Not published: ${why} (rule ${rule}).`, { hint, details: { rule } })
