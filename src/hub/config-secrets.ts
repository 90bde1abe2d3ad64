import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Config } from '../config.ts'
import { parseConfigFile } from '../config/file.ts'
import { hasSecretReferences, plainSecretsIn, resolveSecrets } from '../config/secret-references.ts'
import { openNamedSecrets } from '../engines/named-secrets.ts'
import { silentLog } from '../kernel/log.ts'
import { KEY_FILES, keyringAt } from './secrets.ts'

export interface WhichSecrets {
  /** The keys that are about to be used; absent: all. */
  readonly of?: readonly (keyof Config)[]
  /** Where the secrets are, if not in the data folder of the configuration. */
  readonly data?: string
}

/**
 * The configuration with `${secret:name}` replaced by what `alicia secret set` keeps in the data folder. For whoever is about to
 * use a value; where none refers to a secret, no key is touched. Throws Fault `invalid_input` for a secret that is not set,
 * `storage_failed`.
 */
export function withSecrets(config: Config, { of, data = config.data }: WhichSecrets = {}): Config {
  const wanted = of ? Object.fromEntries(of.map((key) => [key, config[key]])) : { ...config }
  if (!hasSecretReferences(wanted)) return config
  const file = join(data, KEY_FILES.named)
  // Whoever only looks must not leave a key behind where there is no secret.
  const named = existsSync(file)
    ? openNamedSecrets({ file, secrets: keyringAt({ ...config, data }, silentLog), log: silentLog })
    : undefined
  return { ...config, ...resolveSecrets(wanted, (name) => named?.get(name)) }
}

/** Keys of its file that hold a secret in cleartext; those of flags and the environment are not in it. */
export function plainSecrets({ file }: Config): readonly string[] {
  return file === undefined ? [] : plainSecretsIn(parseConfigFile(file, readFileSync(file, 'utf8')).value)
}
