import { Fault } from '../../kernel/fault.ts'
import { print } from './call.ts'
import { addressOf, cancellable, type Context, type HubFlags } from './context.ts'
import type { Exit } from './exit-codes.ts'
import type { HubConfig } from './hub.ts'
import { hubClient } from './hub-client.ts'
import { progressLine } from './progress-line.ts'
import { harmless } from './style.ts'
import { write } from './terminal.ts'

/** `alicia key list`. */
export async function listKeys<Config extends HubConfig>(context: Context<Config>, flags: HubFlags): Promise<Exit> {
  const offline = offlineFor(context, flags)
  const listed = offline ? offline.keys.list(offline.config) : await run(context, flags, 'list_keys', {})
  await print(context.terminal, listed, flags.json ?? false)
  return 'ok'
}

/** `alicia key rotate [name]`. */
export async function rotateKey<Config extends HubConfig>(
  context: Context<Config>,
  name: string,
  flags: HubFlags,
): Promise<Exit> {
  const offline = offlineFor(context, flags)
  if (offline) offline.keys.rotate(offline.config, name)
  else await run(context, flags, 'rotate_key', { name })
  await write(context.terminal.stderr, `${harmless(rotatedText(name))}\n`)
  return 'ok'
}

/** `alicia key rotate --signing`; it is no named key, and kept in the database. */
export async function rotateSigningKey<Config extends HubConfig>(
  context: Context<Config>,
  named: string | undefined,
  flags: HubFlags,
): Promise<Exit> {
  if (named !== undefined)
    throw new Fault('invalid_input', `--signing rotates the key of access tokens, not ${named}.`, {
      hint: 'Give the one or the other.',
    })
  await run(context, flags, 'rotate_signing_key', {})
  await write(
    context.terminal.stderr,
    'There is a new key for access tokens. Those signed with the old one end within minutes.\n',
  )
  return 'ok'
}

function rotatedText(name: string): string {
  if (name === 'root') return 'There is a new root key, and every other key is wrapped with it.'
  if (name === 'hub') return 'There is a new key. What is stored is encrypted with it in the background.'
  return `${name} has a new version. The older ones still decrypt.`
}

/** `alicia key rewrap`. */
export async function rewrapSecrets<Config extends HubConfig>(
  context: Context<Config>,
  flags: HubFlags,
): Promise<Exit> {
  await print(context.terminal, await run(context, flags, 'rewrap_secrets', {}), flags.json ?? false)
  return 'ok'
}

/** `alicia key destroy <name> <version>`. */
export async function destroyKeyVersion<Config extends HubConfig>(
  context: Context<Config>,
  { name, version }: { readonly name: string; readonly version: string },
  flags: HubFlags & { readonly acceptLoss?: boolean },
): Promise<Exit> {
  if (!/^[1-9]\d{0,8}$/.test(version))
    throw new Fault('invalid_input', 'A version is a whole number, from 1.', { hint: '`alicia key list` shows them.' })
  const input = { name, version: Number(version), accept_loss: flags.acceptLoss ?? false }
  await print(context.terminal, await run(context, flags, 'destroy_key_version', input), flags.json ?? false)
  return 'ok'
}

/** Where no hub runs on the data folder and none was named. */
function offlineFor<Config extends HubConfig>({ composition }: Context<Config>, flags: HubFlags) {
  const { keys } = composition
  if (flags.url !== undefined || !keys) return undefined
  const config = composition.loadConfig({ ...flags })
  return composition.findHub(config) ? undefined : { keys, config }
}

async function run<Config extends HubConfig>(
  context: Context<Config>,
  flags: HubFlags,
  operation: string,
  input: object,
): Promise<unknown> {
  const client = hubClient(addressOf(context, flags))
  const line = progressLine(context.terminal, context.clock, operation)
  try {
    return await cancellable(context, (signal) =>
      client.call(`security.${operation}`, input, { signal, progress: line.update }),
    )
  } finally {
    line.stop()
  }
}
