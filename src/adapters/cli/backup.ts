import { existsSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { Fault } from '../../kernel/fault.ts'
import type { Backups, BackupSecret } from './backups.ts'
import { cancellable, type Context } from './context.ts'
import type { Exit } from './exit-codes.ts'
import { hiddenInput } from './hidden-input.ts'
import type { HubConfig } from './hub.ts'
import { progressLine } from './progress-line.ts'
import { harmless } from './style.ts'
import { write } from './terminal.ts'

export interface BackupFlags {
  readonly recoveryKey?: boolean
  readonly force?: boolean
  readonly passphraseFile?: string
  readonly [flag: string]: unknown
}

export interface RestoreFlags {
  readonly replace?: boolean
  readonly passphraseFile?: string
  readonly [flag: string]: unknown
}

/** `alicia backup [file]`. A recovery key stands alone on stdout, and is shown this once. */
export async function backup<Config extends HubConfig>(
  context: Context<Config>,
  name: string | undefined,
  flags: BackupFlags,
): Promise<Exit> {
  const { composition, terminal, clock } = context
  const backups = backupsOf(context)
  const config = composition.loadConfig(flags)
  const file = resolve(name ?? `alicia-${new Date(clock.now()).toISOString().slice(0, 10)}.backup`)
  if (!flags.force && existsSync(file))
    throw new Fault('conflict', `There is a file ${file} already.`, { hint: 'Name another, or use --force.' })
  return await cancellable(context, async (signal) => {
    const secret: BackupSecret = flags.recoveryKey
      ? { is: 'recovery', key: await backups.newRecoveryKey() }
      : { is: 'passphrase', passphrase: await newPassphrase(context, flags, signal) }
    const line = progressLine(terminal, clock, 'backup')
    const request = { file, overwrite: flags.force ?? false, secret, signal, onProgress: progressTo(line) }
    const { bytes, files } = await backups.make(config, request).finally(line.stop)
    if (secret.is === 'recovery') await write(terminal.stdout, `${secret.key}\n`)
    const kept = secret.is === 'recovery' ? ' Keep the recovery key: it is not shown again.' : ''
    await write(terminal.stderr, `${harmless(file)}: ${files} files, ${megabytes(bytes)}.${kept}\n`)
    return 'ok' as const
  })
}

/** `alicia restore <file>`. */
export async function restore<Config extends HubConfig>(
  context: Context<Config>,
  name: string,
  flags: RestoreFlags,
): Promise<Exit> {
  const { composition, terminal, clock } = context
  const config = composition.loadConfig(flags)
  return await cancellable(context, async (signal) => {
    const line = progressLine(terminal, clock, 'restore')
    const { created, files, aside, moved } = await backupsOf(context)
      .restore(config, {
        file: resolve(name),
        replace: flags.replace ?? false,
        flags,
        signal,
        onProgress: progressTo(line),
        secret: async (is) => secretOf(is, await shownSecret(context, is, { flags, signal })),
      })
      .finally(line.stop)
    const said = [
      `Restored ${files} files of ${created} into ${config.data}.`,
      ...(aside === undefined ? [] : [`What was there before is in ${aside}.`]),
      ...Object.entries(moved).map(([now, before]) => `${now} was ${before}.`),
    ]
    await write(terminal.stderr, `${said.map(harmless).join('\n')}\n`)
    return 'ok' as const
  })
}

function backupsOf<Config extends HubConfig>({ composition }: Context<Config>): Backups<Config> {
  if (composition.backups) return composition.backups
  throw new Fault('internal', 'This program was composed without backups.')
}

const secretOf = (is: BackupSecret['is'], text: string): BackupSecret =>
  is === 'passphrase' ? { is, passphrase: text } : { is, key: text }

async function newPassphrase(
  { terminal }: Pick<Context, 'terminal'>,
  { passphraseFile }: BackupFlags,
  signal: AbortSignal,
): Promise<string> {
  if (passphraseFile !== undefined) return fromFile(passphraseFile)
  const passphrase = await hiddenInput(terminal, { message: 'Passphrase for the backup', signal })
  if (!terminal.stdin.isTTY) return passphrase
  const again = await hiddenInput(terminal, { message: 'The same again', signal })
  if (again === passphrase) return passphrase
  throw new Fault('invalid_input', 'The two passphrases are not the same.')
}

async function shownSecret(
  { terminal }: Pick<Context, 'terminal'>,
  is: BackupSecret['is'],
  { flags, signal }: { flags: RestoreFlags; signal: AbortSignal },
): Promise<string> {
  if (flags.passphraseFile !== undefined) return fromFile(flags.passphraseFile)
  const message = is === 'passphrase' ? 'Passphrase of the backup' : 'Recovery key of the backup'
  return await hiddenInput(terminal, { message, signal })
}

function fromFile(path: string): string {
  try {
    return readFileSync(path, 'utf8').replace(/\r?\n$/, '')
  } catch (cause) {
    throw new Fault('invalid_input', `The file ${path} cannot be read.`, { cause })
  }
}

const progressTo = (line: ReturnType<typeof progressLine>) => (done: number, total: number) =>
  line.update({
    progress: total === 0 ? 100 : Math.floor((done / total) * 100),
    total: 100,
    message: megabytes(done),
  })

const megabytes = (bytes: number) => `${(bytes / 1_000_000).toFixed(1)} MB`
