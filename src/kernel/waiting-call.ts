import type { Caller } from './caller.ts'

/** A call that waits for a person, as it may be shown: without secrets, and without characters that people do not see. */
export interface WaitingCall {
  /** Short enough to be read out: `4F2K`. */
  readonly id: string
  /** `service.verb_noun` */
  readonly operation: string
  readonly summary: string
  readonly provider: string
  readonly caller: Pick<Caller, 'id' | 'name' | 'via' | 'role' | 'person' | 'address'>
  readonly arguments: unknown
  /** Of operation, provider, description and all arguments: whoever says yes can say to what. */
  readonly fingerprint: string
  /** Wall-clock milliseconds. */
  readonly askedMs: number
  readonly untilMs: number
}

export type ApprovalChange = 'asked' | 'approved' | 'denied' | 'expired' | 'withdrawn'
