import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Config } from '../config.ts'
import { hasSecretReferences, resolveSecrets } from '../config/secret-references.ts'
import { openNamedSecrets } from '../engines/named-secrets.ts'
import { silentLog } from '../kernel/log.ts'
import { KEY_FILES, keyringAt } from './secrets.ts'

/**
 * The configuration with every `${secret:name}` in it replaced by what `alicia secret set` keeps in the data folder. For whoever
 * is about to use a value; where none refers to a secret, no key is touched. `data`: where the secrets are, if not in its folder.
 * Throws Fault `invalid_input` for a secret that is not set, `storage_failed`.
 */
export function withSecrets(config: Config, data = config.data): Config {
  if (!hasSecretReferences(config)) return config
  const file = join(data, KEY_FILES.named)
  // Whoever only looks must not leave a key behind where there is no secret.
  const named = existsSync(file)
    ? openNamedSecrets({ file, secrets: keyringAt({ ...config, data }, silentLog), log: silentLog })
    : undefined
  return resolveSecrets(config, (name) => named?.get(name))
}
