import { readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { chooseBroker, clashes, type BrokerConfig } from './config/broker.ts'
import { explain, type Complaint } from './config/explain.ts'
import { parseConfigFile, type ConfigFile } from './config/file.ts'
import { absolutePath, defaultDataFolder, pathsOf, type Machine } from './config/folders.ts'
import { givenOutside, layOver, unknownVariables, type Given, type Layer } from './config/layers.ts'
import { problemsFault, type Problem } from './config/problem.ts'
import { ConfigSchema, type ParsedConfig } from './config/schema.ts'

/** Everything that can be set, read once and frozen. Paths are absolute. */
export type Config = Readonly<Omit<ParsedConfig, 'data' | 'broker' | 'mcpFiles'>> & {
  /** The data folder. */
  readonly data: string
  /** Files with other MCP servers, at least one; the first is the one that `alicia add` changes. */
  readonly mcpFiles: readonly string[]
  /** The file it was read from, where there is one. */
  readonly file?: string
  readonly broker: Readonly<BrokerConfig>
}

/** Where configuration comes from; `configSources` reads it off the process. */
export interface ConfigSources extends Machine {
  /** Parsed flags by their camel-case name: `{ mqttPort: '1884', demo: true }`. Others are ignored. */
  readonly flags: Readonly<Record<string, unknown>>
  /** The text of a file, or undefined when it does not exist. */
  readFile(path: string): string | undefined
}

/** The environment of the process; nothing else looks at it. */
export const environment: ConfigSources['env'] = process.env

/** The machine this process runs on. */
export function configSources(flags: ConfigSources['flags']): ConfigSources {
  const { platform } = process
  return { flags, env: environment, cwd: process.cwd(), home: homedir(), platform, readFile: readIfThere }
}

/** Names looked for in the data folder when no file is named. */
const FILE_NAMES = ['alicia.jsonc', 'alicia.json']

/** Paths in the file begin at its folder, others at the working directory. */
const PATH_KEYS = ['program', 'ca', 'cert', 'key'] as const

/**
 * Flags over environment over file over defaults, checked against one schema. Throws Fault `invalid_input` with every
 * problem at once: key, nearest valid key, and file and line, variable or flag. No value is ever part of it.
 */
export function loadConfig(sources: ConfigSources): Config {
  const given = givenOutside(sources.flags, sources.env)
  const problems = unknownVariables(sources.env)
  const { path: filePath, file } = readConfigFile(sources, given, problems)
  // Values of a file that is no JSON would only add complaints that are not true.
  const merged = layOver(file?.problems.length ? {} : (file?.value ?? {}), given.values())
  const parsed = ConfigSchema.safeParse(merged)
  const locate = locator(filePath, file, given)
  const complain = (complaints: readonly Complaint[]) =>
    problems.push(...complaints.map((complaint) => ({ ...locate(complaint.path), text: complaint.text })))
  if (!parsed.success) {
    complain(parsed.error.issues.flatMap((issue) => explain(issue, merged)))
    throw problemsFault(problems)
  }
  const { broker: parsedBroker, data: givenData, mcpFiles = [], ...rest } = parsed.data
  const base = (key: string) =>
    given.has(key) || filePath === undefined ? sources.cwd : pathsOf(sources.platform).dirname(filePath)
  const broker = chooseBroker(parsedBroker, rest.host, (key) => layerOf(key, merged, given))
  if (Array.isArray(broker)) complain(broker)
  else complain(clashes(rest.port, broker))
  if (problems.length > 0 || Array.isArray(broker)) throw problemsFault(problems)
  const data = givenData === undefined ? defaultDataFolder(sources) : absolutePath(givenData, base('data'), sources)
  const files = mcpFiles.map((path) => absolutePath(path, base('mcpFiles'), sources))
  return deepFreeze({
    ...rest,
    broker: withAbsolutePaths(broker, (path, key) => absolutePath(path, base(`broker.${key}`), sources)),
    data,
    mcpFiles: files.length > 0 ? files : [pathsOf(sources.platform).join(data, 'mcp.json')],
    ...(filePath !== undefined && { file: filePath }),
  })
}

interface Found {
  readonly path?: string
  readonly file?: ConfigFile
}

/** The file that was named, else the one in the data folder, else none. */
function readConfigFile(sources: ConfigSources, given: ReadonlyMap<string, Given>, problems: Problem[]): Found {
  const named = given.get('config')
  const data = given.get('data')
  const folder =
    data === undefined ? defaultDataFolder(sources) : absolutePath(String(data.value), sources.cwd, sources)
  const candidates =
    named === undefined
      ? FILE_NAMES.map((name) => pathsOf(sources.platform).join(folder, name))
      : [absolutePath(String(named.value), sources.cwd, sources)]
  for (const path of candidates) {
    try {
      const text = sources.readFile(path)
      if (text === undefined) continue
      const file = parseConfigFile(path, text)
      problems.push(...file.problems)
      return { path, file }
    } catch (error) {
      problems.push({ source: path, text: `the file cannot be read (${(error as NodeJS.ErrnoException).code})` })
      return {}
    }
  }
  if (named) problems.push({ source: named.source, text: `there is no file ${candidates.join()}` })
  return {}
}

/** Says where a key was set: by the variable or flag that gave it, else on which line of the file. */
function locator(path: string | undefined, file: ConfigFile | undefined, given: ReadonlyMap<string, Given>) {
  return (key: readonly PropertyKey[]): Pick<Problem, 'source' | 'line'> => {
    for (let length = key.length; length > 0; length--) {
      const outside = given.get(key.slice(0, length).join('.'))
      if (outside) return { source: outside.source }
    }
    return path === undefined || file === undefined
      ? { source: 'configuration' }
      : { source: path, line: file.lineOf(key) }
  }
}

function layerOf(key: string, merged: unknown, given: ReadonlyMap<string, Given>): Layer {
  const outside = given.get(key)
  if (outside) return outside.layer
  const value = key
    .split('.')
    .reduce<unknown>((at, step) => (at as Record<string, unknown> | undefined)?.[step], merged)
  return value === undefined ? 'default' : 'file'
}

function withAbsolutePaths(broker: BrokerConfig, absolute: (path: string, key: string) => string): BrokerConfig {
  const paths = PATH_KEYS.flatMap((key) => {
    const path = (broker as Partial<Record<typeof key, string>>)[key]
    // A bare name is a program to be searched for in PATH.
    return path === undefined || (key === 'program' && !/[\\/]/.test(path)) ? [] : [[key, absolute(path, key)]]
  })
  return { ...broker, ...Object.fromEntries(paths) }
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined
    throw error
  }
}

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null) {
    for (const child of Object.values(value)) deepFreeze(child)
    Object.freeze(value)
  }
  return value
}
