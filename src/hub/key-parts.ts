import type { Config } from '../config.ts'
import type { DataFolder } from '../engines/data-folder.ts'
import { openNamedSecrets } from '../engines/named-secrets.ts'
import { openSharedKeys } from '../engines/secrets.ts'
import type { Clock } from '../kernel/clock.ts'
import type { Part } from '../kernel/lifecycle.ts'
import type { Log } from '../kernel/log.ts'
import { KEY_FILES, secretsOf } from './secrets.ts'
import { readyPart } from './parts.ts'

interface KeyPartsOptions {
  readonly config: Config
  readonly folder: DataFolder
  readonly clock: Clock
  readonly log: Log
}

/** Both ports of the keys: `secrets`, and `keys` after it. Throws Fault `storage_failed` where there is no root key. */
export function keyParts({ config, folder, clock, log }: KeyPartsOptions): Part[] {
  const keyring = secretsOf(config, folder, log)
  keyring.tend(openNamedSecrets({ file: folder.file(KEY_FILES.named), secrets: keyring, log }).sealed)
  if (!isShared(config)) return [readyPart('secrets', keyring), readyPart('keys', keyring)]
  const shared: Part = {
    name: 'secrets',
    needs: ['store'],
    essential: true,
    async start({ store }) {
      if (!store) throw new TypeError('Shared keys are in the database.')
      const exchange = await openSharedKeys({ store, keyring, clock, log })
      return { value: keyring, stop: () => exchange.stop() }
    },
  }
  return [shared, { ...readyPart('keys', keyring), needs: ['secrets'] }]
}

/** Whether other hubs can have the same database and the same root key. */
const isShared = ({ secretKey, database }: Config): boolean => secretKey !== undefined && database.url !== undefined
