import { Fault } from '../../kernel/fault.ts'
import { print } from './call.ts'
import { addressOf, cancellable, type Context, type HubFlags } from './context.ts'
import { HubUnreachable, type Exit } from './exit-codes.ts'
import type { HubConfig } from './hub.ts'
import { hubClient } from './hub-client.ts'

/** `alicia inspect <name>`: its definition without secrets, and its state where a hub runs. */
export async function inspectServer<Config extends HubConfig>(
  context: Context<Config>,
  name: string,
  flags: HubFlags,
): Promise<Exit> {
  const { composition, terminal } = context
  const file =
    flags.url === undefined ? composition.servers(composition.loadConfig({ ...flags })).find(name) : undefined
  const input = { name: file?.id ?? name }
  const running =
    file?.problem === undefined && file?.enabled !== false
      ? await askHub(context, flags, { operation: 'gateway.inspect_server', input })
      : undefined
  const shown = {
    ...(file && {
      name: file.name,
      defined: `${file.file}:${file.line}`,
      ...(file.problem !== undefined && { problem: file.problem }),
      ...(!file.enabled && { enabled: false }),
      definition: file.entry,
    }),
    ...(running === undefined ? { state: 'not running' } : { running }),
  }
  await print(terminal, shown, flags.json ?? false)
  return 'ok'
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
  const servers = composition.servers(composition.loadConfig({ ...flags })).list()
  return (servers.find((server) => server.name === name) ?? servers.find(({ id }) => id === name))?.id ?? name
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
