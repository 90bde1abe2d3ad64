import { pathsOf, type Machine } from '../../folders.ts'
import { isObject } from '../../layers.ts'

type Values = Readonly<Record<string, unknown>>

/** An entry of another client as Alicia writes it, and what became of the rest. */
export interface Converted {
  readonly entry: Values
  readonly notes: readonly string[]
}

/** Keys that mean the same here. */
const SAME = ['command', 'args', 'env', 'envFile', 'cwd', 'url', 'headers', 'disabled', 'enabled', 'description']

/** Keys about how a client asks its person, which Alicia leaves to the client. */
const ASKING = ['autoApprove', 'alwaysAllow', 'trust', 'watchPaths', 'gallery', 'default_tools_approval_mode']

/**
 * `client` decides what a time-out means; `project` is the folder that a project's file is about: what was relative to
 * it is written out, since the entry moves elsewhere.
 */
export function convert(raw: Values, { client, project, platform }: Origin): Converted {
  const tools = toolRules(raw)
  const entry = {
    ...Object.fromEntries(SAME.filter((key) => raw[key] !== undefined).map((key) => [key, raw[key]])),
    ...addressIn(raw),
    ...timeouts(raw, client),
    ...codexKeys(raw),
    ...(tools && { tools }),
    ...(project !== undefined && raw['command'] !== undefined && inFolder(raw, project, platform)),
  }
  const known = new Set([...SAME, ...READ, ...ASKING])
  const lost = Object.keys(raw).filter((key) => !known.has(key))
  const here =
    project === undefined ? entry : inTexts(entry, (text) => text.replaceAll('${workspaceFolder}', () => project))
  return {
    // Gemini takes $NAME beside ${NAME}.
    entry: (client === 'gemini'
      ? inTexts(here, (text) => text.replaceAll(/\$([A-Za-z_]\w*)/g, '${$1}'))
      : here) as Values,
    notes: lost.length === 0 ? [] : [`not taken over: ${lost.join(', ')}`],
  }
}

interface Origin {
  readonly client: string
  readonly project: string | undefined
  readonly platform: Machine['platform']
}

/** A program of the project, its folder and its file of variables, by their full paths. */
function inFolder(raw: Values, project: string, platform: Machine['platform']): Values {
  const { resolve } = pathsOf(platform)
  const { command, cwd = project, envFile } = raw
  const below = (path: unknown) => (typeof path === 'string' && !/^[~$]/.test(path) ? resolve(project, path) : path)
  return {
    // A bare name is searched for in PATH.
    command: typeof command === 'string' && /^\.{1,2}[\\/]/.test(command) ? below(command) : command,
    cwd: below(cwd),
    ...(envFile !== undefined && { envFile: below(envFile) }),
  }
}

/** One spelling of address and type; Gemini says by the key that a server speaks Streamable HTTP. */
function addressIn(raw: Values): Values {
  const url = raw['url'] ?? raw['httpUrl'] ?? raw['serverUrl'] ?? raw['uri']
  const given = raw['type'] ?? raw['transportType'] ?? raw['transport']
  const type = typeof raw['httpUrl'] === 'string' ? 'streamable-http' : given
  return {
    ...(typeof url === 'string' && { url }),
    ...(typeof type === 'string' && type !== 'stdio' && { type }),
  }
}

/** Keys that are read here besides. */
const READ = [
  'type',
  'transportType',
  'transport',
  'httpUrl',
  'serverUrl',
  'uri',
  'timeout',
  'startup_timeout_sec',
  'startup_timeout_ms',
  'tool_timeout_sec',
  'bearer_token_env_var',
  'env_vars',
  'http_headers',
  'env_http_headers',
  'enabled_tools',
  'disabled_tools',
  'includeTools',
  'excludeTools',
  'enabledTools',
  'disabledTools',
]

/** Cline and Roo count seconds, Gemini milliseconds; of others the unit is not known. */
function timeouts(raw: Values, client: string): Values {
  const { timeout, tool_timeout_sec: tool, startup_timeout_sec: start, startup_timeout_ms: startMs } = raw
  const seconds = client === 'cline' || client === 'roo' ? timeout : tool
  const limit = client === 'gemini' && typeof timeout === 'number' ? timeout / 1000 : seconds
  const startLimit = typeof startMs === 'number' ? startMs / 1000 : start
  return {
    ...(typeof limit === 'number' && { timeoutSeconds: limit }),
    ...(typeof startLimit === 'number' && { startTimeoutSeconds: startLimit }),
  }
}

/** Codex names variables where others write references. */
function codexKeys({
  bearer_token_env_var: bearer,
  http_headers: fixed,
  env_http_headers: named,
  env_vars,
  env,
}: Values): Values {
  const headers = {
    ...(isObject(fixed) && fixed),
    ...(isObject(named) &&
      Object.fromEntries(Object.entries(named).map(([key, name]) => [key, `\${${String(name)}}`]))),
    ...(typeof bearer === 'string' && { Authorization: `Bearer \${${bearer}}` }),
  }
  const passed = (Array.isArray(env_vars) ? env_vars : []).filter((name) => typeof name === 'string')
  return {
    ...(Object.keys(headers).length > 0 && { headers }),
    ...(passed.length > 0 && {
      env: { ...Object.fromEntries(passed.map((name) => [name, `\${${name}}`])), ...(isObject(env) && env) },
    }),
  }
}

function toolRules(raw: Values): Values | undefined {
  const allow = listIn(raw, ['includeTools', 'enabledTools', 'enabled_tools'])
  const deny = listIn(raw, ['excludeTools', 'disabledTools', 'disabled_tools'])
  if (allow.length === 0 && deny.length === 0) return undefined
  return { ...(allow.length > 0 && { allow }), ...(deny.length > 0 && { deny }) }
}

const listIn = (raw: Values, keys: readonly string[]): unknown[] =>
  keys.flatMap((key) => (Array.isArray(raw[key]) ? (raw[key] as unknown[]) : []))

function inTexts(value: unknown, change: (text: string) => string): unknown {
  if (typeof value === 'string') return change(value)
  if (Array.isArray(value)) return value.map((item) => inTexts(item, change))
  if (!isObject(value)) return value
  return Object.fromEntries(Object.entries(value).map(([key, child]) => [key, inTexts(child, change)]))
}
