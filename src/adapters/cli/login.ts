import { print } from './call.ts'
import { addressOf, cancellable, type Context, type HubFlags } from './context.ts'
import type { Exit } from './exit-codes.ts'
import type { HubConfig } from './hub.ts'
import { hubClient } from './hub-client.ts'
import { idOf } from './servers.ts'
import { harmless } from './style.ts'
import { write } from './terminal.ts'

export interface LoginFlags extends HubFlags {
  /** `--no-browser` */
  readonly browser?: boolean
}

/** `alicia login <name>`: says the address where a person logs in, and opens it where there is a desktop. */
export async function logIn<Config extends HubConfig>(
  context: Context<Config>,
  name: string,
  flags: LoginFlags,
): Promise<Exit> {
  const { terminal } = context
  const result = await ask(context, flags, { operation: 'gateway.login_server', name })
  if (flags.json) {
    await print(terminal, result, true)
    return 'ok'
  }
  const { authorization_url: address } = result as { authorization_url: string }
  const isOpen = flags.browser !== false && terminal.stdout.isTTY && (await terminal.openBrowser(address))
  await write(
    terminal.stdout,
    `${isOpen ? 'Log in in the browser; if none came up, open' : 'Open in a browser'}:\n  ${harmless(address)}\n` +
      `\`alicia list\` shows ${harmless(name)} as ready when it is done.\n`,
  )
  return 'ok'
}

/** `alicia logout <name>`: the owner's login there is forgotten, and revoked where that can be. */
export async function logOut<Config extends HubConfig>(
  context: Context<Config>,
  name: string,
  flags: HubFlags,
): Promise<Exit> {
  const { terminal } = context
  const result = await ask(context, flags, { operation: 'gateway.logout_server', name })
  if (flags.json) await print(terminal, result, true)
  else await write(terminal.stdout, `The login at ${harmless(name)} is forgotten.\n`)
  return 'ok'
}

/** Calls an operation on the server of that name. */
function ask<Config extends HubConfig>(
  context: Context<Config>,
  flags: HubFlags,
  { operation, name }: { readonly operation: string; readonly name: string },
): Promise<unknown> {
  const client = hubClient(addressOf(context, flags))
  const input = { name: idOf(context, name, flags) }
  return cancellable(context, (signal) => client.call(operation, input, { signal }))
}
