import { join } from 'node:path'
import type { Config } from '../config.ts'
import type { DataFolder } from '../engines/data-folder.ts'
import { loadSecrets, type Keyring } from '../engines/secrets.ts'
import type { Log } from '../kernel/log.ts'

/** Files of the data folder with keys, and with what they seal. */
export const KEY_FILES = { root: 'secret.key', data: 'keys.json', named: 'secrets.json' } as const

/** The keys that the configuration names, or those of the data folder. Throws Fault `storage_failed`. */
export function keyringAt(config: KeyConfig, log: Log): Keyring {
  const { data, secretKey, secretKeySource } = config
  return loadSecrets({
    file: join(data, KEY_FILES.root),
    keysFile: join(data, KEY_FILES.data),
    log,
    ...(secretKey !== undefined && { fromEnvironment: secretKey }),
    ...(secretKeySource === 'keyring' && { inKeyring: data }),
  })
}

type KeyConfig = Pick<Config, 'data' | 'secretKey' | 'secretKeySource'>

/** The same for whoever has the folder to themselves: what an earlier rotation left is put in order. */
export function secretsOf(config: Config, _folder: DataFolder, log: Log): Keyring {
  const keyring = keyringAt(config, log)
  keyring.settle()
  return keyring
}

/** What must never stand in the log. */
export function* secretsIn(config: Config): Generator<string> {
  if (config.token !== undefined) yield config.token
  yield* config.secretKey?.split(',') ?? []
  for (const { password } of config.broker.users) yield password
  if (config.broker.kind === 'remote' && config.broker.session) yield config.broker.session.password
  const urls = [config.database.url, config.broker.kind === 'remote' ? config.broker.url : undefined]
  for (const url of urls) {
    const password = url === undefined ? '' : (URL.parse(url)?.password ?? '')
    yield password
    yield decodeURIComponent(password)
  }
}
