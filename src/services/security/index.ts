import { service } from '../../kernel/service.ts'
import { encryptionOperations, startEncryption } from './encryption/encryption.ts'

/** Keys, and encryption for whoever needs it. */
export const security = service({
  name: 'security',
  summary: 'Encrypt and decrypt texts with named keys, and look after the keys.',
  // Of the hub: the keys are in its data folder.
  needs: ['keys'],
  operations: encryptionOperations,
  async start({ keys, clock, log }) {
    const encryption = startEncryption({ keys, clock, log })
    return {
      deps: encryption.deps,
      async stop() {
        await encryption.stop()
      },
    }
  },
})
