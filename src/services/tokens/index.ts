import { service } from '../../kernel/service.ts'
import { createToken, listTokens, revokeToken } from './operations.ts'
import { openTokens } from './tokens.ts'

export const tokens = service({
  name: 'tokens',
  summary: "Access tokens beside the owner's, each with its own scopes.",
  needs: ['store', 'identity', 'people'],
  operations: [createToken, listTokens, revokeToken],
  async start({ store, identity, people, events, clock, log }) {
    const tokens = await openTokens({ store, people, events, clock, log })
    const removeSource = identity.addSource(({ hash }) => tokens.holder(hash))
    return {
      deps: { tokens, now: () => clock.now() },
      async stop() {
        removeSource()
        await tokens.close()
      },
    }
  },
})
