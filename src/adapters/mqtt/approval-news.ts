import type { Events } from '../../kernel/events.ts'
import type { Log } from '../../kernel/log.ts'
import type { Bus } from '../../kernel/ports.ts'
import type { ApprovalChange, WaitingCall } from '../../kernel/waiting-call.ts'
import { APPROVALS_TOPIC } from './topics.ts'

export interface ApprovalNewsOptions {
  readonly bus: Pick<Bus, 'publish' | 'onConnect'>
  readonly events: Pick<Events, 'on'>
  readonly log: Log
  list(): readonly WaitingCall[]
  /** The name of a person, by id: news is for people. */
  nameOf(person: string): string | undefined
}

/**
 * Keeps a retained list of the calls that wait for somebody at `alicia/v1/evt/approvals`, with the latest change, so that a phone
 * or an automation can tell people. The broker lets only those read it who may read approvals.
 */
export function startApprovalNews({ bus, events, log, list, nameOf }: ApprovalNewsOptions) {
  const publish = (change?: ApprovalChange, id?: string) => {
    const waiting = list().map((call) => shown(call, nameOf))
    return bus
      .publish(APPROVALS_TOPIC, JSON.stringify({ ...(change && { change, id }), waiting }), { qos: 1, retain: true })
      .catch((error: unknown) => log.debug('news of approvals were not published', { error }))
  }
  // The broker may have lost what it retained, or have what an earlier run left behind.
  const endConnect = bus.onConnect(() => void publish())
  const endChanges = events.on('approval.changed', ({ call, change }) => void publish(change, call.id))
  return {
    async stop() {
      endConnect()
      endChanges()
      await publish()
    },
  }
}

const shown = (
  { askedMs, untilMs, caller: { person, ...caller }, ...call }: WaitingCall,
  nameOf: ApprovalNewsOptions['nameOf'],
) => ({
  ...call,
  caller: { ...caller, ...(person !== undefined && { person: nameOf(person) ?? person }) },
  asked_at: new Date(askedMs).toISOString(),
  until: new Date(untilMs).toISOString(),
})
