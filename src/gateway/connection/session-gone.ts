import { Fault } from '../../kernel/fault.ts'
import { notSent } from '../../kernel/resilience/blame.ts'

/** The server refused a request since it does not know the session any more: it did nothing of what it was asked. */
export class SessionGone extends Fault {
  constructor(name: string, reason: string) {
    super('unavailable', `${name}: ${reason}.`, { details: { provider: name } })
    notSent(this)
  }
}
