import { Fault } from '../../kernel/fault.ts'
import { print } from './call.ts'
import type { Context, HubFlags } from './context.ts'
import type { Exit } from './exit-codes.ts'
import type { HubConfig } from './hub.ts'
import type { ListedServer } from './server-files.ts'
import { askHub } from './servers.ts'
import { columns, harmless, styleFor, type Style } from './style.ts'
import { write } from './terminal.ts'

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
  const rowOf = ({ id, name }: Pick<ListedServer, 'id' | 'name'>) =>
    states.find((row) => row['id'] === id || row['name'] === id || row['name'] === name)
  const known = new Set(files.map(rowOf))
  return [
    ...files.map(({ entry: _, ...server }) => ({ ...server, ...statusOf(server, rowOf(server)) })),
    ...states.filter((row) => !known.has(row)).map((row) => ({ ...row, ...statusOf({ enabled: true }, row) })),
  ]
}

function statusOf({ enabled, problem }: Pick<ListedServer, 'enabled' | 'problem'>, row: Row | undefined): Row {
  if (!enabled) return { status: 'disabled' }
  if (problem === undefined) return row ? stateOf(row) : { status: 'not running' }
  // A change that makes a server wrong is not taken over: the hub runs it as it was.
  if (row === undefined || row['state'] === 'failed') return { status: 'failed', reason: problem }
  return { ...stateOf(row), reason: `as it was before the file was changed: ${problem}` }
}

function stateOf({ tools, state, status, reason, held_tools: held }: Row): Row {
  const count = Array.isArray(tools) ? tools.length : tools
  return {
    status: text(state ?? status ?? 'unknown'),
    ...(reason !== undefined && reason !== null && { reason }),
    ...(typeof count === 'number' && { tools: count }),
    ...(typeof held === 'number' && held > 0 && { held }),
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
  const lines = rows.flatMap(({ name, transport, status, tools, target, reason, held }) => [
    [
      bold(harmless(text(name))),
      text(transport ?? ''),
      (colours[text(status)] ?? dim)(harmless(text(status))),
      text(tools ?? ''),
      harmless(text(target ?? '')),
    ],
    ...(reason === undefined ? [] : [['', '', '', '', dim(`→ ${harmless(text(reason))}`)]]),
    ...(held === undefined ? [] : [['', '', '', '', yellow(`→ and ${text(held)} held back: alicia review`)]]),
  ])
  return columns([head, ...lines]).join('\n')
}

function rowsIn(value: unknown, key: string): Row[] {
  const rows = (value as Row | undefined)?.[key]
  return Array.isArray(rows) ? rows.filter((row): row is Row => typeof row === 'object' && row !== null) : []
}

const text = (value: unknown): string => (typeof value === 'string' ? value : (JSON.stringify(value) ?? ''))
