import { print } from './call.ts'
import type { Context } from './context.ts'
import type { Exit } from './exit-codes.ts'
import type { HubConfig } from './hub.ts'
import { entryOf, entryOfJson, type EntryFlags } from './server-entry.ts'
import { harmless } from './style.ts'
import { write } from './terminal.ts'

interface AddFlags extends EntryFlags {
  readonly force?: boolean
  readonly json?: boolean
}

/** `alicia add <name> -- <command…>` or `--url`. */
export async function addServer<Config extends HubConfig>(
  context: Context<Config>,
  name: string,
  { words, flags }: { words: readonly string[]; flags: AddFlags },
): Promise<Exit> {
  return await put(context, name, { entry: entryOf(words, flags), flags })
}

/** `alicia add-json <name> <json>` */
export async function addServerJson<Config extends HubConfig>(
  context: Context<Config>,
  name: string,
  { text, flags }: { text: string; flags: Pick<AddFlags, 'force' | 'json'> },
): Promise<Exit> {
  return await put(context, name, { entry: entryOfJson(text), flags })
}

async function put<Config extends HubConfig>(
  { composition, terminal }: Context<Config>,
  name: string,
  { entry, flags }: { entry: object; flags: Pick<AddFlags, 'force' | 'json'> },
): Promise<Exit> {
  const config = composition.loadConfig({ ...flags })
  const files = composition.servers(config)
  const { file, id, warnings, cleartext } = files.add(name, entry, { replace: flags.force ?? false })
  const { problem } = files.find(name)
  if (flags.json) {
    await print(terminal, { name, id, file, warnings, cleartext, ...(problem !== undefined && { problem }) }, true)
    return 'ok'
  }
  const next = composition.findHub(config) ? 'The running hub has it in a moment.' : '`alicia start` runs it.'
  await write(terminal.stdout, `Added ${harmless(name)} to ${file}. ${next}\n`)
  if (problem !== undefined) await write(terminal.stderr, `It cannot run yet: ${harmless(problem)}.\n`)
  for (const warning of warnings) await write(terminal.stderr, `${harmless(warning)}\n`)
  if (cleartext.length > 0)
    await write(
      terminal.stderr,
      `${harmless(cleartext.join(', '))} stands there in cleartext. To keep it encrypted: alicia secret set <name>, ` +
        'and ${secret:<name>} in its place.\n',
    )
  return 'ok'
}

/** `alicia remove <name>` */
export async function removeServer<Config extends HubConfig>(
  { composition, terminal }: Context<Config>,
  given: string,
  flags: { readonly json?: boolean },
): Promise<Exit> {
  const { name, file } = composition.servers(composition.loadConfig({ ...flags })).remove(given)
  if (flags.json) await print(terminal, { name, file }, true)
  else await write(terminal.stdout, `Removed ${harmless(name)} from ${file}.\n`)
  return 'ok'
}
