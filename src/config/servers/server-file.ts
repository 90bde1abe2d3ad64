import type { z } from 'zod'
import { pathText } from '../../kernel/issues.ts'
import { parseConfigFile, type ConfigFile } from '../file.ts'
import { isObject } from '../layers.ts'
import { problemsFault, SERVERS_HINT, type Problem } from '../problem.ts'
import { issuesOf } from './entry.ts'
import { InputSchema, ProfileSchema, type Input, type Profile } from './schema.ts'
import { explained, unknownKeys } from './unknown-keys.ts'

/** A server of a file, unread: where it stands and what stands there. */
export interface RawServer {
  readonly name: string
  readonly path: readonly [...PropertyKey[], string]
  readonly value: unknown
}

/** One file with servers, as far as it concerns all of them. */
export interface ServerFile {
  readonly file: string
  readonly servers: readonly RawServer[]
  readonly inputs: readonly Input[]
  readonly profiles: ReadonlyMap<string, Profile>
  readonly capabilities: unknown
  readonly warnings: readonly Problem[]
  lineOf: ConfigFile['lineOf']
}

/** Where servers stand: most clients', VS Code's `mcp.json`, and VS Code's settings. */
const CONTAINERS = [['mcpServers'], ['servers'], ['mcp', 'servers']] as const
const TOP = ['mcpServers', 'servers', 'inputs', 'mcp', 'profiles', 'capabilities', '$schema']
/** Somebody may point at a file that is mostly about other things. */
const MOST_TOP_WARNINGS = 10

/** Throws Fault `invalid_input` with every problem when the file is broken: no JSON, or not of this form. */
export function readServerFile(file: string, text: string): ServerFile {
  const parsed = parseConfigFile(file, text)
  if (parsed.problems.length > 0) throw problemsFault(parsed.problems, SERVERS_HINT)
  const { value, lineOf } = parsed
  const problems: Problem[] = []
  const at = (path: readonly PropertyKey[]) => ({ source: file, line: lineOf(path) })
  const complain = (path: readonly PropertyKey[], text: string) =>
    void problems.push({ ...at(path), text: `${pathText(path) || 'the file'} ${text}` })
  if (!isObject(value)) {
    complain([], 'must be an object: {…}')
    throw problemsFault(problems, SERVERS_HINT)
  }
  const containers = CONTAINERS.flatMap((path) => {
    const container = valueAt(value, path)
    if (container === undefined || isObject(container)) return container === undefined ? [] : [{ path, container }]
    complain(path, 'must be an object: {"<name>": {…}}')
    return []
  })
  const warnings: Problem[] = unknownTop(value).map((key) => ({ ...at([key]), text: `${key} ${explained(key, TOP)}` }))
  const check = <Schema extends z.ZodType>(schema: Schema, given: unknown, path: readonly PropertyKey[]) => {
    const parsed = schema.safeParse(given)
    for (const issue of issuesOf(schema, given, parsed)) complain([...path, ...issue.path], issue.text)
    for (const unknown of unknownKeys(schema, given, path))
      warnings.push({ ...at(unknown.path), text: `${pathText(unknown.path)} ${unknown.text}` })
    return parsed.success ? [parsed.data] : []
  }
  const inputs = listAt(value, ['inputs'], complain).concat(listAt(value, ['mcp', 'inputs'], complain))
  const result: ServerFile = {
    file,
    servers: containers.flatMap(({ path, container }) =>
      Object.entries(container).map(([name, server]): RawServer => ({ name, path: [...path, name], value: server })),
    ),
    inputs: inputs.flatMap(({ path, item }) => {
      const parsed = InputSchema.safeParse(item)
      for (const issue of issuesOf(InputSchema, item, parsed)) complain([...path, ...issue.path], issue.text)
      return parsed.success ? [parsed.data] : []
    }),
    profiles: new Map(
      profilesIn(value, complain).flatMap(([name, raw]) =>
        check(ProfileSchema, raw, ['profiles', name]).map((profile) => [name, profile] as const),
      ),
    ),
    capabilities: value['capabilities'],
    warnings,
    lineOf,
  }
  if (problems.length > 0) throw problemsFault(problems, SERVERS_HINT)
  return result
}

type Complain = (path: readonly PropertyKey[], text: string) => void

/** Names are parts of addresses. */
const PROFILE_NAME = /^[a-z][a-z0-9_-]{0,63}$/

function profilesIn(value: Record<string, unknown>, complain: Complain): [string, unknown][] {
  const { profiles = {} } = value
  if (!isObject(profiles)) {
    complain(['profiles'], 'must be an object: {"<name>": {…}}')
    return []
  }
  for (const name of Object.keys(profiles))
    if (!PROFILE_NAME.test(name))
      complain(['profiles', name], 'must have a name of a–z, 0–9, _ and - that begins with a letter')
  return Object.entries(profiles)
}

function listAt(value: unknown, path: readonly string[], complain: Complain) {
  const list = valueAt(value, path) ?? []
  if (Array.isArray(list)) return list.map((item: unknown, index) => ({ path: [...path, index], item }))
  complain(path, 'must be a list: […]')
  return []
}

const valueAt = (value: unknown, path: readonly string[]): unknown =>
  path.reduce<unknown>((at, key) => (isObject(at) ? at[key] : undefined), value)

const unknownTop = (value: Record<string, unknown>) =>
  Object.keys(value)
    .filter((key) => !TOP.includes(key))
    .slice(0, MOST_TOP_WARNINGS)
