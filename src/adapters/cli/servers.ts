import { Fault } from '../../kernel/fault.ts'
import { print } from './call.ts'
import { addressOf, cancellable, type Context, type HubFlags } from './context.ts'
import { HubUnreachable, type Exit } from './exit-codes.ts'
import type { HubConfig } from './hub.ts'
import { hubClient } from './hub-client.ts'
import type { ListedServer, ServerFiles } from './server-files.ts'

/** `alicia inspect <name>`: its definition without secrets, and its state where a hub runs. */
export async function inspectServer<Config extends HubConfig>(
  context: Context<Config>,
  name: string,
  flags: HubFlags,
): Promise<Exit> {
  const { composition, terminal } = context
  const { file, fault } =
    flags.url === undefined ? inFiles(composition.servers(composition.loadConfig({ ...flags })), name) : {}
  const input = { name: file?.id ?? name }
  const running =
    file?.problem === undefined && file?.enabled !== false
      ? await askHub(context, flags, { operation: 'gateway.inspect_server', input })
      : undefined
  if (fault && running === undefined) throw fault
  const shown = {
    ...(file && definitionOf(file)),
    ...(running === undefined ? { state: 'not running' } : { running }),
  }
  await print(terminal, shown, flags.json ?? false)
  // The hub goes on with what it had before the file was broken: both are worth knowing.
  if (fault) throw fault
  return 'ok'
}

const definitionOf = ({ name, file, line, problem, enabled, entry }: ListedServer) => ({
  name,
  defined: `${file}:${line}`,
  ...(problem !== undefined && { problem }),
  ...(!enabled && { enabled: false }),
  definition: entry,
})

/** Throws Fault `not_found`; a file that is broken is no reason not to ask the hub. */
function inFiles(files: ServerFiles, name: string): { readonly file?: ListedServer; readonly fault?: Fault } {
  try {
    return { file: files.find(name) }
  } catch (error) {
    if (error instanceof Fault && error.code === 'invalid_input') return { fault: error }
    throw error
  }
}

/** `alicia restart <name>`: the hub does it, and says how it went. */
export async function restartServer<Config extends HubConfig>(
  context: Context<Config>,
  name: string,
  flags: HubFlags,
): Promise<Exit> {
  const client = hubClient(addressOf(context, flags))
  const input = { name: idOf(context, name, flags) }
  const result = await cancellable(context, (signal) => client.call('gateway.restart_server', input, { signal }))
  await print(context.terminal, result, flags.json ?? false)
  return 'ok'
}

/** The hub knows servers by id; one that is in no file of ours is asked for by what was typed. */
export function idOf<Config extends HubConfig>(
  { composition }: Context<Config>,
  name: string,
  flags: HubFlags,
): string {
  if (flags.url !== undefined) return name
  const servers = serversOf(composition.servers(composition.loadConfig({ ...flags })))
  return (servers.find((server) => server.name === name) ?? servers.find(({ id }) => id === name))?.id ?? name
}

/** None where a file is broken: the hub goes on with what it had, and is asked by what was typed. */
function serversOf(files: Pick<ServerFiles, 'list'>): ReturnType<ServerFiles['list']> {
  try {
    return files.list()
  } catch (error) {
    if (error instanceof Fault) return []
    throw error
  }
}

interface Question {
  readonly operation: string
  readonly input: object
}

/** Undefined where no hub runs, or one that does not know the server or the operation (yet); `--url` must answer. */
export async function askHub<Config extends HubConfig>(
  context: Context<Config>,
  flags: HubFlags,
  { operation, input }: Question,
): Promise<unknown> {
  try {
    const client = hubClient(addressOf(context, flags))
    return await cancellable(context, (signal) => client.call(operation, input, { signal }))
  } catch (error) {
    const isSilent =
      error instanceof HubUnreachable ||
      (error instanceof Fault && (error.code === 'unknown_operation' || error.code === 'not_found'))
    if (flags.url === undefined && isSilent) return undefined
    throw error
  }
}
