import type { Adapter } from 'oidc-provider'
import type { ModelTable } from './model-table.ts'

export interface ModelAdapterOptions {
  readonly table: ModelTable
  endGrant(grantId: string): Promise<void>
}

/** How long a client that registered itself may wait for its first login. */
const UNUSED_CLIENT_SECONDS = 86_400
/** A home has dozens. */
const MOST_CLIENTS = 500

/** What the library keeps things in. `spent` makes what is thrown where something that is good once is used twice at once. */
export function createModelAdapter(model: string, options: ModelAdapterOptions, spent: () => Error): Adapter {
  const { table, endGrant } = options
  return {
    async upsert(id, payload, expiresIn) {
      const isNewClient = model === 'Client'
      if (isNewClient && (await table.count(model)) >= MOST_CLIENTS) await table.removeOldest(model)
      await table.upsert(model, id, { ...payload }, isNewClient ? UNUSED_CLIENT_SECONDS : expiresIn)
    },
    find: async (id) => await table.find(model, id),
    findByUid: async (uid) => await table.findByUid(model, uid),
    // Codes for people to type are not offered.
    findByUserCode: async () => undefined,
    // Two who use it at the same time are two who have it: as with one that comes later, all that came of it ends.
    async consume(id) {
      if (await table.consume(model, id)) return
      const grantId = (await table.find(model, id))?.['grantId']
      if (typeof grantId === 'string') await endGrant(grantId)
      throw spent()
    },
    destroy: (id) => table.remove(model, id),
    // The library revokes kind by kind what a grant gave. Access tokens are nowhere kept: they end with the grant's id.
    revokeByGrantId: (grantId) => (model === 'AccessToken' ? endGrant(grantId) : table.removeByGrant(model, grantId)),
  }
}
