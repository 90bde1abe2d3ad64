import type { Caller } from '../../kernel/caller.ts'
import { Fault } from '../../kernel/fault.ts'
import type { Role } from '../../kernel/role.ts'

export type DecidesAlone = (role: Role) => boolean

/** Whether this caller's own word is enough. Without a role it is a token that may do what it may do. */
export const isOwnWordEnough = ({ role }: Pick<Caller, 'role'>, decidesAlone: DecidesAlone): boolean =>
  role === undefined || decidesAlone(role)

/**
 * Throws Fault `forbidden` for whoever may not say yes or no to what `asker` asks for. Another channel means that whatever asks
 * cannot answer itself: not with the same credential, not by another one of the same program. Nor over MCP: the operations are not
 * for models.
 */
export function requireDecider(approver: Caller, asker: Caller, decidesAlone: DecidesAlone): void {
  if (!isOwnWordEnough(approver, decidesAlone))
    throw refusal(`${approver.name} does not decide alone, so not for others either.`, 'Ask somebody who does.')
  if (isSameSource(approver, asker))
    throw refusal(
      'Whoever asks cannot be who says yes.',
      'Decide with another login: that of `alicia` on the hub, of a phone, of a browser.',
    )
}

/** Whether both came by one credential, by one program, or by what nothing tells apart. */
function isSameSource(one: Caller, other: Caller): boolean {
  if (one.client !== undefined && one.client === other.client) return true
  if (one.credential !== undefined && one.credential === other.credential) return true
  // Two credentials of one person are two channels, where the person's own word is enough.
  return one.id === other.id && (one.credential === undefined || other.credential === undefined)
}

const refusal = (message: string, hint: string) => new Fault('forbidden', message, { hint })
