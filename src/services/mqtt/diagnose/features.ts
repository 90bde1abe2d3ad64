import type { Clock } from '../../../kernel/clock.ts'
import { Fault } from '../../../kernel/fault.ts'
import { brokerLimits } from '../broker-facts.ts'
import type { Connection } from '../connection.ts'
import { reasonText } from '../reason-codes.ts'
import { rounded, type Check } from './check.ts'
import { catcher, probeTopic, publishProbe } from './probe-topic.ts'

interface Attempt {
  readonly connection: Connection
  readonly signal: AbortSignal
  readonly clock: Clock
  /** Whether messages may be published to see what really happens. */
  readonly publishes: boolean
}

/** Whether subscriptions with wildcards, shared ones and retained messages work; what it publishes it removes again. */
export async function featureChecks(attempt: Attempt): Promise<Check[]> {
  const base = probeTopic()
  const said = brokerLimits(attempt.connection)
  return [
    await subscriptionCheck(attempt, {
      check: 'wildcards',
      filter: `${base}/w/+`,
      topic: `${base}/w/probe`,
      announced: said?.wildcard_subscriptions,
      without: 'warn',
    }),
    await subscriptionCheck(attempt, {
      check: 'shared_subscriptions',
      filter: `$share/alicia-probe/${base}/s`,
      topic: `${base}/s`,
      announced: said?.shared_subscriptions,
      without: 'skip',
    }),
    await settled('retained', attempt.signal, () => retainedCheck(attempt, `${base}/r`, said?.retain_available)),
  ]
}

interface Wish {
  readonly check: string
  readonly filter: string
  /** What a message to it proves that the subscription works. */
  readonly topic: string
  /** By the CONNACK; undefined with MQTT 3.1.1. */
  readonly announced: boolean | undefined
  /** How bad it is to be without. */
  readonly without: 'warn' | 'skip'
}

function subscriptionCheck({ connection, signal, clock, publishes }: Attempt, wish: Wish): Promise<Check> {
  const { check, filter, topic, announced } = wish
  // Asking for it all the same would be a protocol error, and end the connection (MQTT 5 §3.2.2.3.11, §3.2.2.3.13).
  if (announced === false)
    return Promise.resolve({ check, result: wish.without, says: 'The broker says that it has none.' })
  return settled(check, signal, async () => {
    const { wanted, caught } = catcher(filter)
    const subscription = await connection.subscribe([wanted], 1, signal)
    try {
      const granted = subscription.granted[0] ?? 128
      if (granted >= 128) return refusedCheck(check, granted, announced)
      if (!publishes) return grantedOnly(check, announced)
      const startMs = clock.monotonic()
      await publishProbe(connection, { topic, text: 'probe' }, signal)
      if (!(await caught(signal)))
        return { check, result: 'fail', says: 'Granted, but a message did not come through.' }
      return { check, result: 'pass', ms: rounded(clock.monotonic() - startMs), says: 'A message came through.' }
    } finally {
      await subscription.end()
    }
  })
}

/** Not authorized, or an unspecified error, which is all that MQTT 3.1.1 has: a matter of this user's rights. */
const DENIED = new Set([128, 135])

function refusedCheck(check: string, code: number, announced: boolean | undefined): Check {
  const result = announced && DENIED.has(code) ? 'skip' : 'warn'
  return {
    check,
    result,
    says: `${announced ? 'Announced, but refused' : 'Refused'} to this user: ${reasonText(code)}.`,
  }
}

/** Brokers of MQTT 3.1.1 do not say whether they share; one that does not takes `$share/…` for a plain topic. */
const grantedOnly = (check: string, announced: boolean | undefined): Check =>
  announced === undefined
    ? { check, result: 'pass', says: 'Granted; only probe: true shows whether messages come.' }
    : { check, result: 'pass', says: 'Announced and granted.' }

async function retainedCheck(
  { connection, signal, publishes }: Attempt,
  topic: string,
  announced: boolean | undefined,
): Promise<Check> {
  const check = 'retained'
  if (announced === false) return { check, result: 'warn', says: 'The broker says that it keeps no messages.' }
  if (!publishes) {
    const says = announced ? 'Announced; only probe: true tries it.' : 'Not tried: that takes probe: true.'
    return { check, result: announced ? 'pass' : 'skip', says }
  }
  const clear = () => publishProbe(connection, { topic, text: '', retain: true }, signal)
  // Who may not remove a message must not leave one: with nothing there yet this harms nobody.
  const refused = await clear().then(() => undefined, words)
  if (refused !== undefined)
    return { check, result: 'skip', says: `Not tried, because it could not be removed again. ${refused}` }
  await publishProbe(connection, { topic, text: 'probe', retain: true }, signal)
  const isKept = await isRetained(connection, topic, signal)
  await clear()
  if (!isKept) return { check, result: 'fail', says: 'A message that it should have kept did not come back.' }
  if (await isRetained(connection, topic, signal, 'ping'))
    return { check, result: 'warn', says: `It kept a message, and keeps it still: ${topic}.` }
  return { check, result: 'pass', says: 'It kept a message, and removed it again.' }
}

/** Subscribes anew, and waits for the message, or only until the broker has answered something that was asked later. */
async function isRetained(
  connection: Connection,
  topic: string,
  signal: AbortSignal,
  until?: 'ping',
): Promise<boolean> {
  const { wanted, caught } = catcher(topic, ({ retain, payload }) => retain && payload.length > 0)
  const subscription = await connection.subscribe([wanted], 0, signal)
  try {
    if (until === undefined) return (await caught(signal)) !== undefined
    const asked = new AbortController()
    const found = caught(AbortSignal.any([signal, asked.signal]))
    await connection.ping(signal)
    asked.abort()
    return (await found) !== undefined
  } finally {
    await subscription.end()
  }
}

/** A refusal on the way is a finding; a lost connection or the caller's own end is not. */
async function settled(check: string, signal: AbortSignal, attempt: () => Promise<Check>): Promise<Check> {
  try {
    return await attempt()
  } catch (error) {
    if (signal.aborted || !(error instanceof Fault) || error.code === 'unavailable') throw error
    return { check, result: 'warn', says: words(error) }
  }
}

const words = (error: unknown) =>
  error instanceof Fault ? [error.message, error.hint].filter(Boolean).join(' ') : String(error)
