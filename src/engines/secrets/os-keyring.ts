import { createRequire } from 'node:module'
import { platform } from 'node:process'
import type * as Keyring from '@napi-rs/keyring'
import { Fault } from '../../kernel/fault.ts'
import type { KeyPlace } from './root-keys.ts'

const SERVICE = 'alicia'

/**
 * The keyring of the operating system: Secret Service on Linux, the Keychain on macOS, the Credential Manager on Windows. Its
 * calls are synchronous; a keyring that asks a person to unlock it holds the hub up meanwhile, which at its start harms nobody.
 * `account`: the data folder, so that each hub of a person has its own entry.
 */
export function osKeyring(account: string): KeyPlace {
  let opened: Keyring.Entry | undefined
  const use = <T>(task: (entry: Keyring.Entry) => T): T => {
    try {
      return task((opened ??= openEntry(account)))
    } catch (error) {
      throw new Fault('storage_failed', `The OS keyring cannot be used: ${(error as Error).message}.`, {
        hint:
          platform === 'linux'
            ? 'It needs a D-Bus session with a Secret Service (GNOME Keyring, KWallet, KeePassXC), unlocked. Without one remove secretKeySource: the key is kept in the data folder then.'
            : 'Unlock it, or remove secretKeySource: the key is kept in the data folder then.',
        cause: error,
      })
    }
  }
  return {
    source: 'keyring',
    where: 'the OS keyring',
    read: () => use((entry) => entry.getPassword()) ?? undefined,
    write: (text) => use((entry) => entry.setPassword(text)),
  }
}

/** Loaded only where it is wanted: a native library. */
function openEntry(account: string): Keyring.Entry {
  const { Entry } = createRequire(import.meta.url)('@napi-rs/keyring') as typeof Keyring
  // Its own choice would fall back to the kernel's keyring, which forgets everything at a restart of the machine.
  return new Entry(SERVICE, account, { linux: { store: 'secret-service' } })
}
