import type { Config } from '../config.ts'
import type { DataFolder } from '../engines/data-folder.ts'
import { loadSecrets, type Keyring } from '../engines/secrets.ts'
import type { RootLog } from '../kernel/log.ts'

/** The keys that the configuration names, or those in the data folder. */
export const secretsOf = (config: Config, folder: DataFolder, log: RootLog): Keyring =>
  loadSecrets({
    file: folder.file('secret.key'),
    log,
    ...(config.secretKey !== undefined && { fromEnvironment: config.secretKey }),
  })

/** What must never stand in the log. */
export function* secretsIn(config: Config): Generator<string> {
  if (config.token !== undefined) yield config.token
  yield* config.secretKey?.split(',') ?? []
  for (const { password } of config.broker.users) yield password
  const urls = [config.database.url, config.broker.kind === 'remote' ? config.broker.url : undefined]
  for (const url of urls) {
    const password = url === undefined ? '' : (URL.parse(url)?.password ?? '')
    yield password
    yield decodeURIComponent(password)
  }
}
