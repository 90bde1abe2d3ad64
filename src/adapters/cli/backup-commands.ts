import type { Command } from 'commander'
import type { BackupFlags, RestoreFlags } from './backup.ts'
import type { Context } from './context.ts'
import type { Exit } from './exit-codes.ts'
import type { HubConfig } from './hub.ts'
import { lazy } from './lazy.ts'

const backup = lazy(async () => (await import('./backup.ts')).backup)
const restore = lazy(async () => (await import('./backup.ts')).restore)

export interface BackupCommands<Config extends HubConfig> {
  readonly program: Command
  readonly context: Context<Config>
  ends(command: Promise<Exit>): Promise<void>
  /** Adds the flags that lead to a data folder and its configuration. */
  withFolder(command: Command): Command
}

export function addBackupCommands<Config extends HubConfig>({
  program,
  context,
  ends,
  withFolder,
}: BackupCommands<Config>): void {
  withFolder(program.command('backup').description('write everything the hub keeps into one encrypted file'))
    .argument('[file]', 'absent: alicia-<date>.backup in this folder')
    .option('--recovery-key', 'make a key and print it once, instead of asking for a passphrase')
    .option('--passphrase-file <file>', 'read the passphrase there; else it is asked for, or read from stdin')
    .option('--force', 'put it in the place of a file that is there')
    .action((file: string | undefined, flags: BackupFlags) => ends(backup(context, file, flags)))
  withFolder(program.command('restore').description('put a backup into the data folder (the hub must not run)'))
    .argument('<file>', 'made by `alicia backup`')
    .option('--replace', 'move what the data folder has aside')
    .option('--passphrase-file <file>', 'read the passphrase or recovery key there')
    .action((file: string, flags: RestoreFlags) => ends(restore(context, file, flags)))
}
