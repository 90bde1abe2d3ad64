import { z } from 'zod'
import { TopicFilter } from '../topic.ts'

/** What a session may write at all; the topics that `safe` leaves out are in `protected-topics.ts`. */
export const Access = z
  .enum(['read_only', 'safe', 'all'])
  .describe(
    'read_only: publishes nothing; safe: all but deleting retained messages, $ topics and topics that administer ' +
      'bridges and devices; all: whatever the broker permits.',
  )

/** A rule with only a filter hides whole payloads; with a path, the members of that place. */
const RedactionRule = z.strictObject({
  topic: TopicFilter.default('#').describe('For which topics (default: all).'),
  path: z
    .string()
    .min(1)
    .max(200)
    .optional()
    .describe('A name: members of that name at any depth. a.*.b: from the root, * is any one level. None: all of it.'),
})

export type RedactionRule = z.output<typeof RedactionRule>

const Filters = z.array(TopicFilter).max(50)

const FilterPair = z.strictObject({
  allow: Filters.optional().describe('Only these; left out: all.'),
  deny: Filters.default([]).describe('None of these, whatever allow says.'),
})

/** The arguments of `establish_connection` that bound the session from then on. */
export const RulesInput = {
  access: Access.default('safe').describe(`What may be published. ${Access.description ?? ''} Default safe.`),
  read: FilterPair.optional().describe('Topic filters for reading; messages of other topics are dropped.'),
  write: FilterPair.optional().describe('Topic filters for publishing.'),
  max_publishes_per_minute: z
    .int()
    .min(1)
    .max(60_000)
    .default(600)
    .describe('Most messages published within a minute (1 to 60000, default 600).'),
  redact: z
    .array(RedactionRule)
    .max(50)
    .default([])
    .describe('What else must never be shown. Passwords, tokens, keys and the like are hidden anyway.'),
}

const RulesSchema = z.object(RulesInput)

/** What a session allows itself. Made once; stored sealed with what the session needs to connect. */
export type SessionRules = z.output<typeof RulesSchema>

/** Of sessions that were made without saying more. */
export const DEFAULT_RULES: SessionRules = RulesSchema.parse({})

export function rulesOf({ access, read, write, max_publishes_per_minute, redact }: SessionRules): SessionRules {
  return { access, max_publishes_per_minute, redact, ...(read && { read }), ...(write && { write }) }
}

/** The rules as lists show them: what is not said does not bound anything. */
export const RulesShown = z.object({
  access: z.string(),
  read: z.string().optional(),
  write: z.string().optional(),
  max_publishes_per_minute: z.number(),
  redact: z.array(z.string()).optional(),
})

export function shownRules({ access, read, write, max_publishes_per_minute, redact }: SessionRules) {
  return {
    access,
    max_publishes_per_minute,
    ...(read && { read: shownPair(read) }),
    ...(write && { write: shownPair(write) }),
    ...(redact.length > 0 && {
      redact: redact.map(({ topic, path }) => (path === undefined ? topic : `${topic} ${path}`)),
    }),
  }
}

const shownPair = ({ allow, deny }: z.output<typeof FilterPair>) =>
  [allow && `allow ${allow.join(', ')}`, deny.length > 0 && `deny ${deny.join(', ')}`].filter(Boolean).join('; ')
