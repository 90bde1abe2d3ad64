import { Fault } from '../fault.ts'
import { notSent, wasNotSent } from './blame.ts'
import type { GroupMember } from './member.ts'

/** What the caller gets when all that could be asked failed: what one said, or all of it together. */
export function togetherFault(name: string, errors: readonly unknown[]): unknown {
  const last = errors.at(-1)
  if (errors.length === 1 || !(last instanceof Fault)) return last
  const said = errors.map((error) => (error instanceof Fault ? error.message : 'There was a defect.')).join(' ')
  const fault = new Fault(last.code, `${errors.length} instances of ${name} failed. ${said}`, {
    ...(last.hint !== undefined && { hint: last.hint }),
    ...(!last.retryable && { retryable: last.retryable }),
    ...(last.retryAfterMs !== undefined && { retryAfterMs: last.retryAfterMs }),
    details: { provider: name },
    cause: last,
  })
  return errors.every(wasNotSent) ? notSent(fault) : fault
}

/** Nobody may be asked: the one whose breaker lets a call through soonest speaks for all. */
export function nobodyFault<C>(name: string, members: readonly GroupMember<C>[]): Fault {
  const [soonest] = members.toSorted((a, b) => a.breaker.waitMs() - b.breaker.waitMs())
  if (soonest) return soonest.refusal()
  return notSent(
    new Fault('unavailable', `${name} has nobody who could answer.`, {
      hint: 'Try again when one of its instances is back.',
      details: { provider: name },
    }),
  )
}
