import { z } from 'zod'
import { isLent, type Caller } from '../../../kernel/caller.ts'
import { Fault } from '../../../kernel/fault.ts'
import { OWNER } from '../../../kernel/identity.ts'
import { operation } from '../../../kernel/operation.ts'
import { requireHttp, type LoginDeps } from './shapes.ts'

export const rotateOwnerToken = operation<LoginDeps>()({
  name: 'security.rotate_owner_token',
  summary: 'Make a new token of the owner; the old one is refused from that moment on, and what lives on it ends.',
  description:
    'Programs that the owner let in, and browsers that signed in with it, end as well. Tokens that were made by hand stay. Ask without ' +
    'an event stream, which would end with the old token.',
  scope: 'tokens:write',
  effect: 'write',
  forModels: false,
  input: z.object({}),
  output: z.object({
    token: z.string().meta({ writeOnly: true }).describe('Also in the file `token` of the data folder'),
    broker: z
      .enum(['renewed', 'restarted', 'failed', 'elsewhere'])
      .describe(
        '`restarted`: the broker was started anew for it; `failed`: it takes the old token until the hub starts anew',
      ),
  }),
  async handler(_, { ownerToken, logins, events, caller, requestId }) {
    requireHttp(caller)
    requireOwner(caller)
    const rotated = await ownerToken.rotate()
    const { via, address, id, name } = caller
    events.emit('security.noted', {
      kind: 'token.rotated',
      outcome: 'ok',
      via,
      ...(address !== undefined && { address }),
      who: { id, name },
      requestId,
    })
    await logins.endAllOf(OWNER.id)
    return { ...rotated }
  },
})

/** Whoever gets it can do everything from then on. Throws Fault `forbidden`. */
function requireOwner(caller: Caller): void {
  if (caller.role === 'owner' && caller.scopes.includes('*') && !isLent(caller)) return
  throw new Fault('forbidden', 'Only the owner makes a new token of the owner.', {
    hint: '`alicia token rotate` on the machine of the hub.',
  })
}
