import type { IPublishPacket } from 'mqtt'
import { mayUse, type Caller } from '../../../kernel/caller.ts'
import { Fault } from '../../../kernel/fault.ts'
import type { Connection, Publication, Wanted } from '../connection.ts'
import { reasonText } from '../reason-codes.ts'
import { topicMatcher } from '../../../kernel/topic.ts'

/** Throws Fault `forbidden` where the caller may only read. */
export function requireWriting(caller: Caller): void {
  if (mayUse(caller.scopes, 'mqtt:write')) return
  throw new Fault('forbidden', `${caller.name} lacks the scope mqtt:write that probe: true needs.`, {
    hint: 'Leave probe out, or use a token that has this scope.',
    details: { scope: 'mqtt:write' },
  })
}

/** How long a message may take to come back, milliseconds. */
const RETURN_MS = 3000

/** A topic nobody else uses, below the one level that all probes share and that access lists can name. */
export const probeTopic = (): string => `${PREFIX}${crypto.randomUUID()}`

const PREFIX = 'alicia-probe/'

export const isProbe = (topic: string): boolean => topic.startsWith(PREFIX)

/** A subscription that waits for one message. */
export interface Catcher {
  readonly wanted: Wanted
  /** The first message that passed; undefined when none came in time or the signal aborted. */
  caught(signal: AbortSignal): Promise<IPublishPacket | undefined>
}

export function catcher(filter: string, passes: (packet: IPublishPacket) => boolean = () => true): Catcher {
  const { promise, resolve } = Promise.withResolvers<IPublishPacket>()
  const matches = topicMatcher(filter)
  return {
    wanted: { filter, matches, listener: (packet) => passes(packet) && resolve(packet) },
    async caught(signal) {
      const within = AbortSignal.any([signal, AbortSignal.timeout(RETURN_MS)])
      const over = Promise.withResolvers<undefined>()
      const aborted = () => over.resolve(undefined)
      within.addEventListener('abort', aborted, { once: true })
      if (within.aborted) aborted()
      return await Promise.race([promise, over.promise]).finally(() => within.removeEventListener('abort', aborted))
    },
  }
}

/** Publishes a probe as surely as the broker lets; throws Fault `forbidden` or `upstream_failed` when it refuses. */
export async function publishProbe(
  connection: Connection,
  { topic, text, retain = false }: { topic: string; text: string; retain?: boolean },
  signal: AbortSignal,
): Promise<void> {
  const qos = connection.connack.properties?.maximumQoS === 0 ? 0 : 1
  const publication: Publication = { topic, payload: Buffer.from(text), qos, retain }
  const code = await connection.publish(publication, signal)
  if (code < 128) return
  throw new Fault(code === 135 ? 'forbidden' : 'upstream_failed', `The broker refused a probe: ${reasonText(code)}.`, {
    hint: 'The user of this session needs to write alicia-probe/#, or leave probe out.',
  })
}
