import type { Caller } from '../../kernel/caller.ts'
import { Fault } from '../../kernel/fault.ts'
import type { WaitingCall } from '../../kernel/waiting-call.ts'

/** Marks a fault as somebody's decision: a model is to read it, and to ask for no other scope. */
const detailsOf = ({ id }: WaitingCall, decision: string) => ({ approval: { id, decision } })

export const refused = (call: WaitingCall, approver: Caller, reason: string | undefined): Fault =>
  new Fault(
    'forbidden',
    `${approver.name} refused ${call.operation}${reason === undefined ? '' : `: ${reason.replace(/[.!?]$/, '')}`}.`,
    {
      hint: 'Do not try it another way; ask whoever refused it.',
      details: detailsOf(call, 'denied'),
    },
  )

export const expired = (call: WaitingCall, waitMs: number): Fault =>
  new Fault('timeout', `Nobody allowed ${call.operation} within ${waitMs / 1000} s; it was not done.`, {
    hint: 'Somebody has to look at `alicia approvals` while the call waits.',
    details: detailsOf(call, 'expired'),
  })

export const full = (message: string): Fault =>
  new Fault('rate_limited', message, { hint: 'Wait until they are decided.', retryAfterMs: 30_000 })

export const unknownCall = (id: string): Fault =>
  new Fault('not_found', `No call ${shown(id)} waits for approval, as it was looked at.`, {
    hint: 'list_approvals shows those that wait.',
  })

export const goneFault = (id: string): Fault =>
  new Fault('conflict', `The call ${shown(id)} does not wait any more.`, {
    hint: 'It was decided, withdrawn, or waited too long; list_decisions knows.',
  })

export const toolChanged = ({ id, operation }: WaitingCall): Fault =>
  new Fault('conflict', `${operation} is not described as it was when ${id} was asked for; the call was ended.`, {
    hint: 'Look at the operation, and let the caller ask again.',
  })

const shown = (id: string) => JSON.stringify(id.slice(0, 20))
