import type { Operation } from '../../kernel/operation.ts'
import { service } from '../../kernel/service.ts'
import { encryptionOperations, startEncryption, type EncryptionDeps } from './encryption/encryption.ts'
import { loginOperations, type LoginDeps } from './login/login.ts'

type Deps = EncryptionDeps & LoginDeps

const operations: readonly Operation<Deps>[] = [...loginOperations, ...encryptionOperations]

/** Logins, keys, and encryption for whoever needs it. */
export const security = service({
  name: 'security',
  summary: 'Log in and out; encrypt and decrypt texts with named keys, and look after the keys.',
  // Of the hub: the keys are in its data folder.
  needs: ['keys', 'people', 'logins', 'ownerToken'],
  operations,
  async start({ keys, people, logins, ownerToken, clock, events, log }) {
    const encryption = startEncryption({ keys, clock, log })
    return {
      deps: { ...encryption.deps, people, logins, ownerToken, events, clock },
      async stop() {
        await encryption.stop()
      },
    }
  },
})
