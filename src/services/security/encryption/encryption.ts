import type { Clock } from '../../../kernel/clock.ts'
import type { Keys } from '../../../kernel/keys.ts'
import type { Log } from '../../../kernel/log.ts'
import type { Operation } from '../../../kernel/operation.ts'
import { createKey, destroyKeyVersion, listKeys, rewrapSecrets, rotateKey } from './key-operations.ts'
import { createRewrapping } from './rewrapping.ts'
import type { EncryptionDeps } from './shapes.ts'
import { decrypt, encrypt, rewrap } from './text-operations.ts'

export { listingFor } from './key-operations.ts'
export type { EncryptionDeps } from './shapes.ts'

export const encryptionOperations: readonly Operation<EncryptionDeps>[] = [
  encrypt,
  decrypt,
  rewrap,
  createKey,
  listKeys,
  rotateKey,
  rewrapSecrets,
  destroyKeyVersion,
]

/** What the operations work on; `stop` ends what runs in the background. */
export function startEncryption({ keys, clock, log }: { keys: Keys; clock: Clock; log: Log }) {
  const rewrapping = createRewrapping({ keys, clock, log })
  const deps: EncryptionDeps = { keys, rewrapping }
  return { deps, stop: () => rewrapping.stop() }
}
