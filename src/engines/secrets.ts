import { rmSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { Fault } from '../kernel/fault.ts'
import type { Log } from '../kernel/log.ts'
import { takeLock } from './folder-lock.ts'
import { readPrivateFile, writePrivateFile } from './private-file.ts'
import { MOST_SEALED } from './secrets/cipher.ts'
import { diskKeyFile, memoryKeyFile, type KeyFile, type LockedFile } from './secrets/key-file.ts'
import { createKeyring, type Keyring } from './secrets/keyring.ts'
import { osKeyring } from './secrets/os-keyring.ts'
import { givenRootKeys, keptRootKeys, moveToKeyring, type RootKeys } from './secrets/root-keys.ts'

export type { Keyring } from './secrets/keyring.ts'
export { openSharedKeys } from './secrets/shared-keys.ts'

export interface SecretsOptions {
  /** Where the root key is kept; made with a first one when it is missing. */
  readonly file: string
  readonly log: Log
  /** ALICIA_SECRET_KEY: one or more root keys with commas between; then that file is not touched. */
  readonly fromEnvironment?: string
  /** Keep the root key in the keyring of the operating system, under this name; one in the file moves there. */
  readonly inKeyring?: string
  /**
   * Where the data keys are kept. Absent: `keys.json` beside the file; with keys from the environment in memory alone, so that
   * nothing that is sealed can be opened by the next process.
   */
  readonly keysFile?: string
}

/** Throws Fault `storage_failed` for a root key that is missing, weak or unreadable. */
export function loadSecrets(options: SecretsOptions): Keyring {
  const { log } = options
  const file = keyFileOf(options)
  const roots = rootKeysOf(options, file)
  // Other hubs may have the same root key and share their data keys: each of them counts for itself.
  const mostSealed = roots.source === 'environment' ? MOST_SEALED / MOST_HUBS : MOST_SEALED
  return createKeyring({ file, roots, log, mostSealed })
}

/** That share one root key; more would bring a key nearer to its limit, not over it at once. */
const MOST_HUBS = 16

function keyFileOf({ file, log, fromEnvironment, keysFile }: SecretsOptions): KeyFile {
  if (keysFile === undefined && fromEnvironment !== undefined) return memoryKeyFile()
  return diskKeyFile(lockedFile(keysFile ?? join(dirname(file), 'keys.json'), log))
}

function rootKeysOf({ file, log, fromEnvironment, inKeyring }: SecretsOptions, dataKeys: KeyFile): RootKeys {
  if (fromEnvironment !== undefined) return givenRootKeys(fromEnvironment)
  const refuseAnother = () => {
    if (!dataKeys.exists()) return
    throw new Fault('storage_failed', 'The root key is gone: there are keys that it wraps.', {
      hint: `Put back ${file}, ALICIA_SECRET_KEY or secretKeySource, as it was, or restore a backup.`,
    })
  }
  const inFile = {
    source: 'file',
    where: `the key file ${file}`,
    read: () => readPrivateFile(file, log),
    write: (text: string) => writePrivateFile(file, text),
    remove: () => rmSync(file),
  } as const
  if (inKeyring === undefined) return keptRootKeys(inFile, refuseAnother)
  const keyring = osKeyring(inKeyring)
  moveToKeyring(inFile, keyring, log)
  return keptRootKeys(keyring, refuseAnother)
}

const lockedFile = (path: string, log: Log): LockedFile => ({
  path,
  read: () => readPrivateFile(path, log),
  write: (text) => writePrivateFile(path, text),
  // A file is never written to, but put in the place of the one before.
  stamp() {
    const stats = statSync(path, { bigint: true, throwIfNoEntry: false })
    return stats && `${stats.ino} ${stats.mtimeNs} ${stats.size}`
  },
  lock: () => takeLock(`${path}.lock`),
})
