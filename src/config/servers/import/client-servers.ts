import { parse as parseToml } from 'smol-toml'
import { parseConfigFile } from '../../file.ts'
import type { Machine } from '../../folders.ts'
import { isObject } from '../../layers.ts'
import { IMPORT_CLIENTS, type ClientFile, type ImportClient } from './clients.ts'
import { convert, type Converted } from './convert.ts'

/** A server in another client's file. */
export interface ClientServer extends Converted {
  readonly name: string
  /** Where it stands in the file. */
  readonly path: readonly string[]
}

/** One client's file that is there and has servers, or cannot be read. */
export interface ClientServers {
  readonly client: ImportClient
  readonly file: string
  readonly servers: readonly ClientServer[]
  /** VS Code's `inputs`, which the entries refer to. */
  readonly inputs: readonly unknown[]
  readonly problem?: string
}

export interface Look {
  readonly machine: Machine
  readFile(path: string): string | undefined
}

/** The servers of every client that has some; of one client where it is named. */
export function findClientServers({ machine, readFile }: Look, only?: string): ClientServers[] {
  return IMPORT_CLIENTS.filter(({ id }) => only === undefined || id === only).flatMap((client) =>
    withoutTwins(client.files(machine)).flatMap(({ path, project }) => {
      const found = readClientFile(client, { path, project, readFile, platform: machine.platform })
      return found && (found.servers.length > 0 || found.problem !== undefined) ? [found] : []
    }),
  )
}

/** Where somebody works in the home folder itself, a project's file is their own. */
const withoutTwins = (files: readonly ClientFile[]): readonly ClientFile[] =>
  files.filter(({ path }, index) => files.findIndex((other) => other.path === path) === index)

interface File {
  readonly path: string
  readonly project: string | undefined
  readonly readFile: Look['readFile']
  readonly platform: Machine['platform']
}

function readClientFile(client: ImportClient, { path, project, readFile, platform }: File): ClientServers | undefined {
  const none = { client, file: path, servers: [], inputs: [] }
  let value: unknown
  try {
    const text = readFile(path)
    if (text === undefined) return undefined
    value = client.format === 'toml' ? parseToml(text) : jsonOf(path, text)
  } catch {
    // The parser's message may quote the file, and with it a secret.
    return { ...none, problem: `${path} cannot be read as ${client.format.toUpperCase()}` }
  }
  const places = [
    { container: ['mcpServers'], project },
    { container: ['servers'], project },
    { container: ['mcp', 'servers'], project },
    { container: ['mcp_servers'], project },
    // Claude Code keeps those of single projects in the same file.
    ...Object.keys(objectAt(value, ['projects'])).map((folder) => ({
      container: ['projects', folder, 'mcpServers'],
      project: folder,
    })),
  ]
  const servers = places.flatMap(({ container, project }) =>
    Object.entries(objectAt(value, container)).flatMap(([name, raw]) => {
      // What an earlier import put there leads back here.
      if (!isObject(raw) || name === 'alicia') return []
      return [{ name, path: [...container, name], ...convert(raw, { client: client.id, project, platform }) }]
    }),
  )
  const inputs = [listAt(value, ['inputs']), listAt(value, ['mcp', 'inputs'])].flat()
  return { ...none, servers, inputs }
}

function jsonOf(path: string, text: string): unknown {
  const { value, problems } = parseConfigFile(path, text)
  // A key that stands twice is a client's business; what is no JSON is not.
  if (problems.some((problem) => problem.text.startsWith('this is not JSON'))) throw new SyntaxError('not JSON')
  return value
}

const valueAt = (value: unknown, path: readonly string[]): unknown =>
  path.reduce<unknown>((at, key) => (isObject(at) ? at[key] : undefined), value)

function objectAt(value: unknown, path: readonly string[]): Readonly<Record<string, unknown>> {
  const found = valueAt(value, path)
  return isObject(found) ? found : {}
}

function listAt(value: unknown, path: readonly string[]): unknown[] {
  const found = valueAt(value, path)
  return Array.isArray(found) ? found : []
}
