import { print } from './call.ts'
import { stdioSnippet } from './client-snippet.ts'
import { cancellable, dataFlags, type Context } from './context.ts'
import type { Exit } from './exit-codes.ts'
import type { HubConfig } from './hub.ts'
import { Fault } from '../../kernel/fault.ts'
import { candidateFor, chooseImports } from './import-choice.ts'
import { importPreview } from './import-preview.ts'
import type { ImportDone, ServerFiles } from './server-files.ts'
import { harmless, styleFor } from './style.ts'
import { write, type Terminal } from './terminal.ts'

export interface ImportFlags {
  readonly from?: string
  readonly all?: boolean
  readonly only: readonly string[]
  readonly dryRun?: boolean
  readonly rewrite?: boolean
  readonly yes?: boolean
  readonly restore?: boolean
  readonly json?: boolean
  readonly data?: string
  readonly config?: string
  readonly mcpFile?: string
}

/** `alicia import`: looks at what the clients of this machine have, shows it, lets choose, keeps copies, and writes. */
export async function importServers<Config extends HubConfig>(
  context: Context<Config>,
  flags: ImportFlags,
): Promise<Exit> {
  const { composition, terminal } = context
  const config = composition.loadConfig({ ...flags })
  const files = composition.servers(config)
  if (flags.restore) return await restore(files, terminal, flags)
  if (flags.from !== undefined && !files.importClients.includes(flags.from))
    throw new Fault('invalid_input', `--from must be one of ${files.importClients.join(', ')}.`)
  const sources = files.importable(flags.from)
  if (flags.dryRun && flags.json) {
    await print(terminal, sources, true)
    return 'ok'
  }
  const { stdout, stderr, env } = terminal
  await write(flags.json ? stderr : stdout, `${importPreview(sources, styleFor(stdout, env))}\n`)
  const isCandidate = candidateFor(flags)
  if (flags.dryRun || !sources.some(({ servers }) => servers.some(isCandidate))) return 'ok'
  const choices = await cancellable(context, (signal) => chooseImports(terminal, { sources, flags, signal }))
  const replacement = flags.rewrite ? { replacement: replacementFor(terminal, flags, config) } : {}
  await tell(terminal, files.import(choices, replacement), flags)
  return 'ok'
}

async function tell(terminal: Terminal, done: ImportDone, { json }: ImportFlags): Promise<void> {
  if (json) return await print(terminal, done, true)
  const lines = [
    `Added: ${done.added.map(harmless).join(', ') || 'nothing'}`,
    ...done.changed.map(({ file, backup }) => `  ${file}${backup === undefined ? '' : `, as it was in ${backup}`}`),
    '`alicia import --restore` takes it back; `alicia doctor` looks whether they can run.',
  ]
  await write(terminal.stdout, `${lines.join('\n')}\n`)
}

async function restore(files: ServerFiles, terminal: Terminal, { json }: ImportFlags): Promise<Exit> {
  const { restored, kept } = files.restoreImport()
  if (json) await print(terminal, { restored, kept }, true)
  else if (restored.length === 0) await write(terminal.stderr, 'There is no import to take back.\n')
  else await write(terminal.stdout, `Put back: ${restored.join(', ')}\n`)
  if (!json && kept.length > 0)
    await write(terminal.stderr, `Changed since the import; as they were until now: ${kept.join(', ')}\n`)
  return 'ok'
}

/** What a client starts instead: it needs no token, and finds the same servers without this one's environment. */
function replacementFor({ command, env }: Terminal, flags: ImportFlags, config: HubConfig): object {
  const isElsewhere = flags.mcpFile !== undefined || Boolean(env['ALICIA_MCP_FILE'])
  const words = [
    ...command,
    'stdio',
    ...dataFlags(env, { ...flags }, config),
    ...(isElsewhere ? ['--mcp-file', config.mcpFiles.join(',')] : []),
  ]
  return stdioSnippet(words).mcpServers.alicia
}
