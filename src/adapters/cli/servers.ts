import { Fault } from '../../kernel/fault.ts'
import { print } from './call.ts'
import { addressOf, cancellable, type Context, type HubFlags } from './context.ts'
import { HubUnreachable, type Exit } from './exit-codes.ts'
import type { HubConfig } from './hub.ts'
import { hubClient } from './hub-client.ts'
import { entryOf, entryOfJson, type EntryFlags } from './server-entry.ts'
import type { ListedServer } from './server-files.ts'
import { columns, harmless, styleFor, type Style } from './style.ts'
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
  const { file, id, warnings, cleartext } = composition
    .servers(config)
    .add(name, entry, { replace: flags.force ?? false })
  if (flags.json) {
    await print(terminal, { name, id, file, warnings, cleartext }, true)
    return 'ok'
  }
  const next = composition.findHub(config) ? 'The running hub has it in a moment.' : '`alicia start` runs it.'
  await write(terminal.stdout, `Added ${harmless(name)} to ${file}. ${next}\n`)
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

type Row = Readonly<Record<string, unknown>>

/** `alicia list`: what the files say, and what the running hub knows of it. */
export async function listServers<Config extends HubConfig>(context: Context<Config>, flags: HubFlags): Promise<Exit> {
  const { terminal } = context
  const { servers, fault } = flags.url === undefined ? inFiles(context, flags) : NOTHING
  const running = await askHub(context, flags, { operation: 'gateway.list_servers', input: {} })
  if (fault && running === undefined) throw fault
  const all = merged(servers, rowsIn(running, 'servers'))
  if (flags.json) await print(terminal, all, true)
  else if (all.length === 0)
    await write(terminal.stderr, 'There are no servers. Add one: alicia add <name> -- npx -y <package>\n')
  else await write(terminal.stdout, `${table(all, styleFor(terminal.stdout, terminal.env))}\n`)
  // The hub goes on with what it had before the file was broken: both are worth knowing.
  if (fault) throw fault
  return 'ok'
}

interface InFiles {
  readonly servers: readonly ListedServer[]
  /** Why the files cannot be read. */
  readonly fault?: Fault
}

const NOTHING: InFiles = { servers: [] }

function inFiles<Config extends HubConfig>({ composition }: Context<Config>, flags: HubFlags): InFiles {
  const files = composition.servers(composition.loadConfig({ ...flags }))
  try {
    return { servers: files.list() }
  } catch (error) {
    if (error instanceof Fault) return { servers: [], fault: error }
    throw error
  }
}

/** One row for each server, of the files and of the hub. */
function merged(files: readonly ListedServer[], states: readonly Row[]): Row[] {
  const stateOf = ({ id, name }: Pick<ListedServer, 'id' | 'name'>) =>
    states.find((row) => row['id'] === id || row['name'] === id || row['name'] === name)
  const known = new Set(files.map(stateOf))
  return [
    ...files.map(({ entry: _, ...server }) => ({ ...server, ...statusOf(server, stateOf(server)) })),
    ...states.filter((row) => !known.has(row)).map((row) => ({ ...row, ...statusOf({ enabled: true }, row) })),
  ]
}

function statusOf(server: Pick<ListedServer, 'enabled' | 'problem'>, row: Row | undefined): Row {
  if (!server.enabled) return { status: 'disabled' }
  if (server.problem !== undefined) return { status: 'failed', reason: server.problem }
  if (!row) return { status: 'not running' }
  const { tools, state, status, reason } = row
  const count = Array.isArray(tools) ? tools.length : tools
  return {
    status: text(state ?? status ?? 'unknown'),
    ...(reason !== undefined && reason !== null && { reason }),
    ...(typeof count === 'number' && { tools: count }),
  }
}

function table(rows: readonly Row[], { bold, dim, green, red, yellow }: Style): string {
  const colours: Readonly<Record<string, (text: string) => string>> = {
    ready: green,
    failed: red,
    needs_login: yellow,
    degraded: yellow,
    backing_off: yellow,
  }
  const head = ['name', 'transport', 'status', 'tools', 'target'].map(dim)
  const lines = rows.flatMap(({ name, transport, status, tools, target, reason }) => [
    [
      bold(harmless(text(name))),
      text(transport ?? ''),
      (colours[text(status)] ?? dim)(harmless(text(status))),
      text(tools ?? ''),
      harmless(text(target ?? '')),
    ],
    ...(reason === undefined ? [] : [['', '', '', '', dim(`→ ${harmless(text(reason))}`)]]),
  ])
  return columns([head, ...lines]).join('\n')
}

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

/** `alicia restart <name>` and `alicia login <name>`: the hub does it, and says how it went. */
export async function askServer<Config extends HubConfig>(
  context: Context<Config>,
  name: string,
  { operation, flags }: { operation: 'gateway.restart_server' | 'gateway.login_server'; flags: HubFlags },
): Promise<Exit> {
  const client = hubClient(addressOf(context, flags))
  const input = { name: idOf(context, name, flags) }
  const result = await cancellable(context, (signal) => client.call(operation, input, { signal }))
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
async function askHub<Config extends HubConfig>(
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

function rowsIn(value: unknown, key: string): Row[] {
  const rows = (value as Row | undefined)?.[key]
  return Array.isArray(rows) ? rows.filter((row): row is Row => typeof row === 'object' && row !== null) : []
}

const text = (value: unknown): string => (typeof value === 'string' ? value : (JSON.stringify(value) ?? ''))
