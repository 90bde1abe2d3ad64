import { pathsOf, type Machine } from '../../folders.ts'

/** A client whose servers can be taken over: where it keeps them, and in what form. */
export interface ImportClient {
  readonly id: string
  readonly title: string
  readonly format: 'json' | 'toml'
  /** Files to look at, absolute; most do not exist. A project's own are those below the working directory. */
  files(machine: Machine): readonly ClientFile[]
}

export interface ClientFile {
  readonly path: string
  /** The folder that relative paths and `${workspaceFolder}` mean; undefined: it is of no project. */
  readonly project?: string
}

/** Where programs keep their settings, by system. */
function settingsFolder({ env, home, platform }: Machine): string {
  const { join } = pathsOf(platform)
  if (platform === 'win32') return env['APPDATA'] || join(home, 'AppData', 'Roaming')
  if (platform === 'darwin') return join(home, 'Library', 'Application Support')
  return env['XDG_CONFIG_HOME'] || join(home, '.config')
}

const inHome =
  (...path: string[]) =>
  ({ home, platform }: Machine): ClientFile => ({ path: pathsOf(platform).join(home, ...path) })

const inSettings =
  (...path: string[]) =>
  (machine: Machine): ClientFile => ({ path: pathsOf(machine.platform).join(settingsFolder(machine), ...path) })

const inProject =
  (...path: string[]) =>
  ({ cwd, platform }: Machine): ClientFile => ({ path: pathsOf(platform).join(cwd, ...path), project: cwd })

const codexHome = (machine: Machine): ClientFile => {
  const folder = machine.env['CODEX_HOME']
  return folder
    ? { path: pathsOf(machine.platform).join(folder, 'config.toml') }
    : inHome('.codex', 'config.toml')(machine)
}

/** VS Code and its preview keep extensions' data apart. */
const EDITIONS = ['Code', 'Code - Insiders']
const inExtension = (extension: string, file: string) =>
  EDITIONS.map((edition) => inSettings(edition, 'User', 'globalStorage', extension, 'settings', file))

type Place = (machine: Machine) => ClientFile

const client = (id: string, title: string, places: readonly Place[], format: ImportClient['format'] = 'json') => ({
  id,
  title,
  format,
  files: (machine: Machine) => places.map((place) => place(machine)),
})

export const IMPORT_CLIENTS: readonly ImportClient[] = [
  client('claude-desktop', 'Claude Desktop', [inSettings('Claude', 'claude_desktop_config.json')]),
  client('claude-code', 'Claude Code', [inHome('.claude.json'), inProject('.mcp.json')]),
  client('cursor', 'Cursor', [inHome('.cursor', 'mcp.json'), inProject('.cursor', 'mcp.json')]),
  client('vscode', 'VS Code', [
    ...EDITIONS.flatMap((edition) => [
      inSettings(edition, 'User', 'mcp.json'),
      inSettings(edition, 'User', 'settings.json'),
    ]),
    inProject('.vscode', 'mcp.json'),
  ]),
  client('codex', 'Codex', [codexHome, inProject('.codex', 'config.toml')], 'toml'),
  client('gemini', 'Gemini CLI', [inHome('.gemini', 'settings.json'), inProject('.gemini', 'settings.json')]),
  client('cline', 'Cline', [
    ...inExtension('saoudrizwan.claude-dev', 'cline_mcp_settings.json'),
    inHome('.cline', 'data', 'settings', 'cline_mcp_settings.json'),
  ]),
  client('windsurf', 'Windsurf', [
    inHome('.codeium', 'windsurf', 'mcp_config.json'),
    inHome('.codeium', 'mcp_config.json'),
  ]),
  client('roo', 'Roo Code', [
    ...inExtension('rooveterinaryinc.roo-cline', 'mcp_settings.json'),
    inProject('.roo', 'mcp.json'),
  ]),
]
