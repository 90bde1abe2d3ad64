import type { OfflineKeys } from '../adapters/cli/offline-keys.ts'
import type { Config } from '../config.ts'
import { openDataFolder } from '../engines/data-folder.ts'
import { ROOT_KEY } from '../kernel/keys.ts'
import { silentLog } from '../kernel/log.ts'
import { OWNER } from '../kernel/identity.ts'
import { listingFor } from '../services/security/encryption/encryption.ts'
import { withSecrets } from './config-secrets.ts'
import { keyringAt, secretsOf } from './secrets.ts'

/** Keys of a hub that does not run: what its owner could ask of one that does. */
export const offlineKeys: OfflineKeys<Config> = {
  list: (config) => listingFor(keyringAt(config, silentLog), { ...OWNER, via: 'cli' }),
  rotate(given, name) {
    const config = withSecrets(given, { of: ['token'] })
    const { data, token } = config
    const folder = openDataFolder({ path: data, log: silentLog, ...(token !== undefined && { token }) })
    try {
      const keyring = secretsOf(config, folder, silentLog)
      if (name === ROOT_KEY) keyring.rotateRoot()
      else keyring.rotate(name)
    } finally {
      folder.close()
    }
  },
}
