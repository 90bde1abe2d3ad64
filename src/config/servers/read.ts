import { pathText } from '../../kernel/issues.ts'
import type { ServerDefinition } from '../../kernel/mcp/server-definition.ts'
import type { Complaint } from '../explain.ts'
import { isObject } from '../layers.ts'
import { problemsFault, type Problem } from '../problem.ts'
import { withoutClashes } from './clashes.ts'
import { definitionOf } from './definition.ts'
import { readEntry } from './entry.ts'
import { identifierOf } from './identifier.ts'
import { withKnownNeeds, withoutCycles } from './needs.ts'
import { serverOf, unusable, type Outcome, type UnusableServer } from './outcome.ts'
import { placeOf, type ServerSources } from './place.ts'
import { profilesOf, type ProfileDefinition } from './profile.ts'
import { readServerFile, type RawServer, type ServerFile } from './server-file.ts'
import { Unusable } from './unusable.ts'

/** Where a server stands, and what stands there, references unresolved: cleartext secrets included. */
export interface ServerPlace {
  readonly file: string
  readonly line: number
  readonly value: unknown
}

/** What the files say about other people's servers. */
export interface ServerConfig {
  readonly definitions: readonly ServerDefinition[]
  readonly unusable: readonly UnusableServer[]
  readonly profiles: readonly ProfileDefinition[]
  /** As it stands in the files, unread; undefined: nothing. */
  readonly capabilities: unknown
  readonly warnings: readonly Problem[]
  /** Where each server stands, by id. */
  readonly places: ReadonlyMap<string, ServerPlace>
  /** Absolute paths of every file it was made of, there or not. */
  readonly filesRead: readonly string[]
}

/**
 * Reads `mcp.json` and its like; a file that does not exist has no servers. What is wrong with one server is that
 * server's alone. Throws Fault `invalid_input` with file and line where a file as a whole cannot be read.
 */
export function readServers(files: readonly string[], sources: ServerSources): ServerConfig {
  const filesRead = new Set(files)
  const read = files.flatMap((file) => {
    const text = textOf(file, sources)
    return text === undefined ? [] : [readServerFile(file, text)]
  })
  const outcomes = read.flatMap((file) =>
    file.servers.map((server) => readServer(server, { file, sources, filesRead })),
  )
  const servers = withoutCycles(withKnownNeeds(withoutClashes(outcomes, sources.reserved), sources.reserved))
  const definitions = servers.flatMap((outcome) => ('definition' in outcome ? [outcome.definition] : []))
  const profiles = profilesOf(read, definitions)
  return {
    definitions,
    unusable: servers.flatMap((outcome) => ('unusable' in outcome ? [outcome.unusable] : [])),
    profiles: profiles.profiles,
    capabilities: capabilitiesOf(read),
    warnings: [
      ...read.flatMap(({ warnings }) => warnings),
      ...servers.flatMap(({ warnings }) => warnings),
      ...profiles.warnings,
    ],
    places: new Map(
      servers.map((outcome) => {
        const { source, line } = outcome.line
        return [serverOf(outcome).id, { file: source, line, value: outcome.value }]
      }),
    ),
    filesRead: [...filesRead],
  }
}

/** The text of a file with servers; undefined: there is none. Throws Fault `invalid_input` where it cannot be read. */
export function textOf(file: string, sources: Pick<ServerSources, 'readFile'>): string | undefined {
  try {
    return sources.readFile(file)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    throw problemsFault(
      [{ source: file, text: `the file cannot be read (${code ?? 'no reason known'})` }],
      'It must be a file that the user who runs this may read.',
    )
  }
}

interface Reading {
  readonly file: ServerFile
  readonly sources: ServerSources
  readonly filesRead: Set<string>
}

function readServer({ name, path, value }: RawServer, { file, sources, filesRead }: Reading): Outcome {
  const at = (below: readonly PropertyKey[]) => ({ source: file.file, line: file.lineOf(below) })
  const problems = (complaints: readonly Complaint[]) =>
    complaints.map(({ path, text }): Problem => ({ ...at(path), text }))
  const line = at(path)
  const result = readEntry(value, path)
  const warnings = problems(result.warnings)
  const refuse = (is: Unusable['is'], problem: Problem): Outcome => ({
    line,
    value,
    warnings,
    unusable: unusable({ id: identifierOf(name), name, enabled: isEnabled(value), is, problem }),
  })
  if ('wrong' in result) {
    const [first = { ...line, text: `${name} is wrong` }, ...more] = problems(result.wrong)
    return refuse('wrong', { ...first, text: [first.text, ...more.map(({ text }) => text)].join('; ') })
  }
  try {
    const place = placeOf(file.file, { inputs: file.inputs, sources, filesRead })
    return { line, value, warnings, definition: definitionOf(name, result.entry, result.extras, place) }
  } catch (error) {
    if (!(error instanceof Unusable)) throw error
    const where = [...path, ...result.pathOf(error.path)]
    return refuse(error.is, { ...at(where), text: `${pathText(where)}: ${error.message}` })
  }
}

const isEnabled = (value: unknown) => !isObject(value) || (value['enabled'] ?? value['disabled'] !== true) !== false

/** Later files add to earlier ones; what is no object is left for the reader of capabilities to refuse. */
function capabilitiesOf(files: readonly ServerFile[]): unknown {
  const given = files.map(({ capabilities }) => capabilities).filter((value) => value !== undefined)
  return given.length > 1 && given.every(isObject) ? Object.assign({}, ...given) : given.at(-1)
}
