import type { Replica, Transport } from '../../kernel/mcp/server-definition.ts'
import type { Place } from './place.ts'
import type { Entry, Extras, Target } from './schema.ts'
import { isSensitive, sensitiveInArguments, sensitiveInUrl, sensitiveParts } from './sensitive.ts'
import { Unusable } from './unusable.ts'

type Values = Readonly<Record<string, string | number | boolean | null>>

/** Every place the server runs at: its own and those of `replicas`. Throws `Unusable`. */
export function replicasOf(entry: Entry, extras: Extras, place: Place): Replica[] {
  const { replicas = [], weight = 1 } = extras
  const own = targetOf(entry)
  if (own.command === undefined && own.url === undefined && (typeof replicas === 'number' || replicas.length === 0))
    throw new Unusable('wrong', 'it has neither a command nor a url')
  const first =
    own.command === undefined && own.url === undefined ? [] : [{ transport: transportOf(own, place, []), weight }]
  if (typeof replicas === 'number') return Array.from({ length: replicas }, () => first).flat()
  const others = replicas.map(({ weight = 1, ...target }, index) => ({
    transport: transportOf(inherit(own, target), place, ['replicas', index]),
    weight,
  }))
  return [...first, ...others]
}

/** One spelling of the address: Gemini says by the key that it speaks Streamable HTTP. */
function targetOf({ serverUrl, httpUrl, transport, ...entry }: Entry): Target {
  const url = entry.url ?? httpUrl ?? serverUrl
  const type =
    entry.type ?? transport ?? (entry.url === undefined && httpUrl !== undefined ? 'streamable-http' : undefined)
  return { ...entry, ...(url !== undefined && { url }), ...(type !== undefined && { type }) }
}

/** What a replica does not say is as in the server itself, where both are of one kind. */
function inherit({ command, url, ...own }: Target, replica: Target): Target {
  if (replica.command !== undefined) return url === undefined ? { ...own, ...replica } : replica
  if (replica.url !== undefined) return command === undefined ? { ...own, ...replica } : replica
  return { ...own, ...(command !== undefined && { command }), ...(url !== undefined && { url }), ...replica }
}

function transportOf(target: Target, place: Place, path: readonly PropertyKey[]): Transport {
  const { command, url, type } = target
  if (command !== undefined && url !== undefined)
    throw new Unusable('wrong', 'it has a command and a url: one of them is too much', [...path, 'url'])
  if (command !== undefined) {
    if (type !== undefined && type !== 'stdio')
      throw new Unusable('wrong', `type ${type} goes with a url, not with a command`, [...path, 'type'])
    return stdioOf(command, target, { place, path })
  }
  if (url === undefined) throw new Unusable('wrong', 'it has neither a command nor a url', path)
  if (type === 'stdio') throw new Unusable('wrong', 'type stdio goes with a command, not with a url', [...path, 'type'])
  return remoteOf(url, target, { place, path })
}

interface Where {
  readonly place: Place
  readonly path: readonly PropertyKey[]
}

function stdioOf(command: string, { args = [], env = {}, envFile, cwd }: Target, { place, path }: Where): Transport {
  const fromFile =
    envFile === undefined ? {} : place.variablesOf(place.text(envFile, [...path, 'envFile']), [...path, 'envFile'])
  const program = place.text(command, [...path, 'command'])
  const words = args.map((arg, index) => place.text(String(arg ?? ''), [...path, 'args', index]))
  const variables = { ...fromFile, ...textsOf(env, place, [...path, 'env']) }
  hide(place, sensitiveInArguments(words))
  for (const [name, value] of Object.entries(variables)) if (isSensitive(name)) hide(place, [value])
  for (const value of Object.values(variables)) hide(place, sensitiveInUrl(value))
  return {
    kind: 'stdio',
    // A bare name is searched for in PATH.
    command: /^\.{0,2}[\\/]|^~[\\/]/.test(program) ? place.path(program) : program,
    args: words,
    env: variables,
    ...(cwd !== undefined && { cwd: place.path(place.text(cwd, [...path, 'cwd'])) }),
  }
}

const MODES = {
  stdio: 'auto',
  http: 'auto',
  'streamable-http': 'streamable',
  streamableHttp: 'streamable',
  streamable_http: 'streamable',
  sse: 'sse',
} as const

function remoteOf(address: string, { headers = {}, type = 'http' }: Target, { place, path }: Where): Transport {
  const url = place.text(address, [...path, 'url'])
  if (!/^(https?|wss?):$/.test(URL.parse(url)?.protocol ?? ''))
    throw new Unusable('wrong', 'its url must begin with https://, http://, wss:// or ws://', [...path, 'url'])
  hide(place, sensitiveInUrl(url))
  const texts = headersOf(headers, place, [...path, 'headers'])
  if (/^ws/i.test(url) || type === 'ws' || type === 'websocket')
    return { kind: 'websocket', url: url.replace(/^http/i, 'ws'), headers: texts }
  return { kind: 'http', url, headers: texts, mode: MODES[type] }
}

function headersOf(headers: Values, place: Place, path: readonly PropertyKey[]): Record<string, string> {
  const texts = textsOf(headers, place, path)
  for (const [name, value] of Object.entries(texts)) {
    if (/[\r\n\0]/.test(name + value))
      throw new Unusable('wrong', 'a header must have no line break in it', [...path, name])
    if (isSensitive(name)) hide(place, sensitiveParts(value))
  }
  return texts
}

/** VS Code takes `null` for a variable that is to be absent. */
function textsOf(values: Values, place: Place, path: readonly PropertyKey[]): Record<string, string> {
  return Object.fromEntries(
    Object.entries(values).flatMap(([name, value]) =>
      value === null ? [] : [[name, place.text(String(value), [...path, name])]],
    ),
  )
}

function hide(place: Place, secrets: Iterable<string>): void {
  for (const secret of secrets) if (secret !== '') place.secrets.add(secret)
}
