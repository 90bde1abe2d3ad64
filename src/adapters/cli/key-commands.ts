import type { Command } from 'commander'
import type { Context, HubFlags } from './context.ts'
import type { Exit } from './exit-codes.ts'
import type { HubConfig } from './hub.ts'
import { destroyKeyVersion } from './key.ts'
import { lazy } from './lazy.ts'

const listKeys = lazy(async () => (await import('./key.ts')).listKeys)
const rewrapSecrets = lazy(async () => (await import('./key.ts')).rewrapSecrets)
const rotateKey = lazy(async () => (await import('./key.ts')).rotateKey)
const rotateSigningKey = lazy(async () => (await import('./key.ts')).rotateSigningKey)

export interface KeyCommands<Config extends HubConfig> {
  readonly program: Command
  readonly context: Context<Config>
  ends(command: Promise<Exit>): Promise<void>
  /** Adds the flags that lead to a running hub. */
  withHub(command: Command): Command
}

/** Commands about the keys: of a hub that runs, and as far as they need none, of one that does not. */
export function addKeyCommands<Config extends HubConfig>({
  program,
  context,
  ends,
  withHub,
}: KeyCommands<Config>): void {
  const key = program.command('key').description('the keys that encrypt what the hub stores, and what callers encrypt')
  const flagsOf = (command: Command) => command.optsWithGlobals<HubFlags>()
  withHub(key.command('list').description('the keys there are, with their versions')).action((_, command: Command) =>
    ends(listKeys(context, flagsOf(command))),
  )
  withHub(key.command('rotate').description('make a new version of a key, which encrypts from now on'))
    .argument('[name]', '`hub`: what the hub stores; `root`: what wraps all other keys; or one of your own', 'hub')
    .option('--signing', 'instead: the key that signs access tokens, of a hub that runs')
    .action((name: string, { signing }: { readonly signing?: boolean }, command: Command) => {
      if (signing !== true) return ends(rotateKey(context, name, flagsOf(command)))
      return ends(rotateSigningKey(context, command.args[0], flagsOf(command)))
    })
  withHub(
    key.command('rewrap').description('encrypt what the hub stores with the newest key now, not in the background'),
  ).action((_, command: Command) => ends(rewrapSecrets(context, flagsOf(command))))
  withHub(key.command('destroy').description('destroy an old version of a key, for good'))
    .argument('<name>', 'as `key list` shows it')
    .argument('<version>', 'its number')
    .option('--accept-loss', 'also where something still needs it')
    .action((name: string, version: string, _, command: Command) =>
      ends(
        destroyKeyVersion(
          context,
          { name, version },
          command.optsWithGlobals<HubFlags & { readonly acceptLoss?: boolean }>(),
        ),
      ),
    )
}
