import { print } from './call.ts'
import { addressOf, cancellable, type Context, type HubFlags } from './context.ts'
import type { Exit } from './exit-codes.ts'
import type { HubConfig } from './hub.ts'
import { hubClient } from './hub-client.ts'
import { harmless } from './style.ts'
import { write } from './terminal.ts'

/** `alicia reload`: the running hub reads `mcp.json` now. */
export async function reloadServers<Config extends HubConfig>(
  context: Context<Config>,
  flags: HubFlags,
): Promise<Exit> {
  const client = hubClient(addressOf(context, flags))
  const result = await cancellable(context, (signal) => client.call('gateway.reload_servers', {}, { signal }))
  if (flags.json) await print(context.terminal, result, true)
  else await write(context.terminal.stdout, `${sentence(result as Reloaded)}\n`)
  return 'ok'
}

type Reloaded = Readonly<Record<'added' | 'changed' | 'removed', readonly string[]>>

function sentence({ added, changed, removed }: Reloaded): string {
  const parts = Object.entries({ Added: added, Changed: changed, Removed: removed })
    .filter(([, names]) => names.length > 0)
    .map(([what, names]) => `${what}: ${names.map(harmless).join(', ')}.`)
  return parts.join(' ') || 'No server changed.'
}
