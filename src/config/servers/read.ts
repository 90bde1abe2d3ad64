import { pathText } from '../../kernel/issues.ts'
import type { ServerDefinition } from '../../kernel/mcp/server-definition.ts'
import type { Complaint } from '../explain.ts'
import { isObject } from '../layers.ts'
import { problemsFault, SERVERS_HINT, type Problem } from '../problem.ts'
import { definitionOf, fingerprintOf } from './definition.ts'
import { readEntry } from './entry.ts'
import { identifierOf } from './identifier.ts'
import { cyclesIn, withKnownNeeds } from './needs.ts'
import { placeOf, type ServerSources } from './place.ts'
import { profilesOf, type ProfileDefinition } from './profile.ts'
import { readServerFile, type RawServer, type ServerFile } from './server-file.ts'
import { Unusable } from './unusable.ts'

/** A server that stands in a file and cannot be run as it is written there. */
export interface UnusableServer {
  /** Like that of a definition; unlike all others even where two names give the same one. */
  readonly id: string
  readonly name: string
  /** False: nobody misses it. */
  readonly enabled: boolean
  /** `missing`: a variable, secret or file that can still come; `wrong`: the file has to be changed. */
  readonly is: 'missing' | 'wrong'
  /** Names file, line and what is wanted, never a value. */
  readonly problem: Problem
  /** Changes with the problem. */
  readonly fingerprint: string
}

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

type Outcome = {
  readonly line: Required<Pick<Problem, 'source' | 'line'>>
  readonly value: unknown
  readonly warnings: readonly Problem[]
} & ({ readonly definition: ServerDefinition } | { readonly unusable: UnusableServer })

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
  const unique = withoutClashes(outcomes, sources.reserved)
  const usable = unique.flatMap((outcome) => ('definition' in outcome ? [outcome] : []))
  const known = new Map(unique.map(serverOf).map(({ name, id }) => [name, id]))
  const needs = usable.map(({ definition, line }) =>
    withKnownNeeds(definition, { known, line, reserved: sources.reserved }),
  )
  const cycles = cyclesIn(needs.map(({ definition }) => definition))
  const lines = new Map(usable.map(({ definition, line }) => [definition.id, line]))
  const definitions = needs.map(({ definition }) => definition).filter(({ id }) => !cycles.has(id))
  const profiles = profilesOf(read, definitions)
  return {
    definitions,
    unusable: [
      ...unique.flatMap((outcome) => ('unusable' in outcome ? [outcome.unusable] : [])),
      ...[...cycles].map(([id, text]) => {
        const { name, enabled } = usable.find(({ definition }) => definition.id === id)?.definition ?? {
          name: id,
          enabled: true,
        }
        return unusable({ id, name, enabled, is: 'wrong', problem: { ...(lines.get(id) ?? { source: '' }), text } })
      }),
    ],
    profiles: profiles.profiles,
    capabilities: capabilitiesOf(read),
    warnings: [
      ...read.flatMap(({ warnings }) => warnings),
      ...outcomes.flatMap(({ warnings }) => warnings),
      ...needs.flatMap(({ warnings }) => warnings),
      ...profiles.warnings,
    ],
    places: new Map(
      unique.map((outcome) => [
        serverOf(outcome).id,
        { file: outcome.line.source, line: outcome.line.line, value: outcome.value },
      ]),
    ),
    filesRead: [...filesRead],
  }
}

function textOf(file: string, sources: ServerSources): string | undefined {
  try {
    return sources.readFile(file)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    throw problemsFault(
      [{ source: file, text: `the file cannot be read (${code ?? 'no reason known'})` }],
      SERVERS_HINT,
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

const unusable = (server: Omit<UnusableServer, 'fingerprint'>): UnusableServer => ({
  ...server,
  // A line number alone is no change.
  fingerprint: fingerprintOf({ ...server, problem: server.problem.text }),
})

const serverOf = (outcome: Outcome) => ('definition' in outcome ? outcome.definition : outcome.unusable)

/** Of two that would have the same id, the second is refused; so is one that is called like a part of the hub. */
function withoutClashes(outcomes: readonly Outcome[], reserved: readonly string[]): Outcome[] {
  const taken = new Map<string, { readonly name: string; readonly line: Outcome['line'] }>()
  return outcomes.map((outcome) => {
    const { id, name, enabled } = serverOf(outcome)
    const refuse = (text: string): Outcome => {
      const { line, value, warnings } = outcome
      const ownId = freeId(id, taken)
      taken.set(ownId, { name, line })
      return {
        line,
        value,
        warnings,
        unusable: unusable({ id: ownId, name, enabled, is: 'wrong', problem: { ...line, text } }),
      }
    }
    const other = taken.get(id)
    if (other) {
      const where = `${other.line.source}:${other.line.line}`
      return refuse(`${name} gives the same id (${id}) as ${other.name} in ${where}; rename one of them`)
    }
    if (reserved.includes(id)) return refuse(`${name} is the name of a part of Alicia; give the server another`)
    taken.set(id, { name, line: outcome.line })
    return outcome
  })
}

function freeId(id: string, taken: ReadonlyMap<string, unknown>): string {
  let number = 2
  while (taken.has(`${id}-${number}`)) number += 1
  return `${id}-${number}`
}

/** Later files add to earlier ones; what is no object is left for the reader of capabilities to refuse. */
function capabilitiesOf(files: readonly ServerFile[]): unknown {
  const given = files.map(({ capabilities }) => capabilities).filter((value) => value !== undefined)
  return given.length > 1 && given.every(isObject) ? Object.assign({}, ...given) : given.at(-1)
}
