import { absolutePath, pathsOf, type Machine } from '../folders.ts'
import { parseEnvFile } from './env-file.ts'
import { resolveText, type References, type Secrets } from './references.ts'
import type { Input } from './schema.ts'
import { locating, Unusable } from './unusable.ts'

/** What reading needs of the machine; given, so that tests can be another one. */
export interface ServerSources extends Machine {
  /** The text of a file, or undefined when it does not exist. */
  readFile(path: string): string | undefined
  /** What `alicia secret set` keeps under that name. May throw Fault. */
  secret(name: string): string | undefined
  /** Names that servers cannot have: those of services and parts of the hub. */
  readonly reserved: readonly string[]
}

/** One file's surroundings: resolves its texts, and remembers what they were made of. */
export interface Place {
  /** Throws `Unusable` with that path. */
  text(value: string, path: readonly PropertyKey[]): string
  /** `~` is the home folder; a relative one begins at the file's own folder. */
  path(path: string): string
  variablesOf(envFile: string, path: readonly PropertyKey[]): Readonly<Record<string, string>>
  readonly secrets: Secrets
}

/** A place for one server of the file; `filesRead` collects the other files that its definition depends on. */
export function placeOf(
  file: string,
  { inputs, sources, filesRead }: { inputs: readonly Input[]; sources: ServerSources; filesRead: Set<string> },
): Place {
  const paths = pathsOf(sources.platform)
  const folder = paths.dirname(file)
  const secrets: Secrets = new Set()
  const absolute = (path: string) => absolutePath(path, folder, sources)
  const read = (path: string) => {
    filesRead.add(absolute(path))
    try {
      return sources.readFile(absolute(path))
    } catch {
      return undefined
    }
  }
  const references: References = {
    variable: (name) => sources.env[name],
    secret: (name) => secretValue(name, sources),
    input: (id) => inputValue(id, inputs, sources),
    file: (path) => read(path)?.replace(/\r?\n$/, ''),
    userHome: sources.home,
    // Clients keep theirs in a folder of their own inside the project.
    workspaceFolder: /^\.(vscode|cursor)$/.test(paths.basename(folder)) ? paths.dirname(folder) : folder,
    cwd: folder,
    pathSeparator: paths.sep,
  }
  return {
    secrets,
    text: (value, path) => locating(path, () => resolveText(value, references, secrets)),
    path: absolute,
    variablesOf(envFile, path) {
      const text = read(envFile)
      if (text === undefined) throw new Unusable('missing', `the file ${absolute(envFile)} cannot be read`, path)
      return parseEnvFile(text)
    },
  }
}

/** One that is there and cannot be opened concerns only the servers that use it. */
function secretValue(name: string, sources: ServerSources): string | undefined {
  try {
    return sources.secret(name)
  } catch (error) {
    throw new Unusable('missing', `the secret ${name} cannot be opened: ${(error as Error).message}`)
  }
}

/** Nobody is asked at a start: the value is a secret of that name, or the default. */
function inputValue(id: string, inputs: readonly Input[], sources: ServerSources) {
  const input = inputs.find((candidate) => candidate.id === id)
  const kept = secretValue(id, sources)
  if (kept !== undefined) return { value: kept, isSecret: input?.password ?? true }
  if (input?.default === undefined || input.default === null) return undefined
  return { value: String(input.default), isSecret: input.password ?? false }
}
