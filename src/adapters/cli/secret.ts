import { Fault } from '../../kernel/fault.ts'
import { print } from './call.ts'
import { cancellable, type Context } from './context.ts'
import type { Exit } from './exit-codes.ts'
import { hiddenInput } from './hidden-input.ts'
import type { HubConfig } from './hub.ts'
import { harmless } from './style.ts'
import { write } from './terminal.ts'

interface Flags {
  readonly json?: boolean
}

/**
 * `alicia secret set <name>`: the value comes from the keyboard or from standard input, never from the command line,
 * which other users and the shell's history can read.
 */
export async function setSecret<Config extends HubConfig>(
  context: Context<Config>,
  name: string,
  flags: Flags,
): Promise<Exit> {
  const { secrets } = filesOf(context, flags)
  const value = await cancellable(context, (signal) =>
    hiddenInput(context.terminal, { message: `Value of ${name}`, signal }),
  )
  secrets.set(name, value)
  await write(context.terminal.stderr, `Kept. Write \${secret:${harmless(name)}} where it belongs.\n`)
  return 'ok'
}

/** `alicia secret list`: names, never values. */
export async function listSecrets<Config extends HubConfig>(context: Context<Config>, flags: Flags): Promise<Exit> {
  await print(context.terminal, filesOf(context, flags).secrets.list(), flags.json ?? false)
  return 'ok'
}

export async function removeSecret<Config extends HubConfig>(
  context: Context<Config>,
  name: string,
  flags: Flags,
): Promise<Exit> {
  if (!filesOf(context, flags).secrets.remove(name))
    throw new Fault('not_found', `There is no secret ${name}.`, { hint: '`alicia secret list` shows those there are.' })
  await write(context.terminal.stderr, `Removed ${harmless(name)}.\n`)
  return 'ok'
}

const filesOf = <Config extends HubConfig>({ composition }: Context<Config>, flags: Flags) =>
  composition.servers(composition.loadConfig({ ...flags }))
