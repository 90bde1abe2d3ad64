import type { Transport } from '../../kernel/mcp/server-definition.ts'
import { isObject } from '../layers.ts'
import type { ServerConfig } from './read.ts'
import { isSensitive } from './sensitive.ts'

/** A server of the files as it may be shown: references stay references, cleartext secrets are blotted out. */
export interface DescribedServer {
  readonly id: string
  readonly name: string
  readonly enabled: boolean
  readonly transport: Transport['kind'] | 'sse' | 'unknown'
  /** Its command line or address. */
  readonly target: string
  readonly file: string
  readonly line: number
  readonly entry: unknown
  /** Why it cannot be run as it is written. */
  readonly problem?: string
}

const HIDDEN = '(hidden)'

export function describeServers({ definitions, unusable, places }: ServerConfig): DescribedServer[] {
  const known = new Map([...definitions, ...unusable].map((server) => [server.id, server]))
  return [...places].flatMap(([id, place]) => {
    const server = known.get(id)
    if (!server) return []
    const { name, enabled } = server
    const { file, line } = place
    const problem = 'problem' in server ? { problem: server.problem.text } : {}
    return [{ id, name, enabled, ...describeEntry(place.value), file, line, entry: shown(place.value), ...problem }]
  })
}

/** How an entry is reached, in a few words that hold no secret. */
export function describeEntry(value: unknown): Pick<DescribedServer, 'transport' | 'target'> {
  const entry = isObject(value) ? value : {}
  const { command, args, type, transport: alias } = entry
  if (typeof command === 'string')
    return { transport: 'stdio', target: [command, ...shownArguments(args).map(wordOf)].join(' ') }
  const url = entry['url'] ?? entry['httpUrl'] ?? entry['serverUrl']
  if (typeof url !== 'string') return { transport: 'unknown', target: '' }
  const given = type ?? alias
  const kind = typeof given === 'string' ? given : ''
  if (/^wss?:/i.test(url) || /^ws|^websocket/.test(kind)) return { transport: 'websocket', target: shownUrl(url) }
  return { transport: kind === 'sse' ? 'sse' : 'http', target: shownUrl(url) }
}

/** What is no text does not belong there, and is shown all the same. */
const wordOf = (arg: unknown): string => (typeof arg === 'string' ? arg : (JSON.stringify(shown(arg)) ?? ''))

/** Any part of an entry as it may be shown. `key` is what it is called. */
function shown(value: unknown, key = ''): unknown {
  if (key === 'args') return shownArguments(value)
  if (Array.isArray(value)) return value.map((item) => shown(item, key))
  if (isObject(value))
    return Object.fromEntries(Object.entries(value).map(([name, child]) => [name, shown(child, name)]))
  if (typeof value !== 'string' || value === '') return value
  return isSensitive(key) ? hiddenUnlessReference(value) : shownUrl(value)
}

/** `Bearer ${secret:x}` shows what it refers to; a literal does not. */
function hiddenUnlessReference(value: string): string {
  return /\$\{[^{}]+\}/.test(value) && !/:-/.test(value) ? value : HIDDEN
}

function shownArguments(args: unknown): unknown[] {
  if (!Array.isArray(args)) return []
  return args.map((arg: unknown, index) => {
    if (typeof arg !== 'string') return arg
    const before: unknown = args[index - 1]
    const [, flag] = /^--?([A-Za-z][\w-]*)$/.exec(typeof before === 'string' ? before : '') ?? []
    if (flag !== undefined && isSensitive(flag)) return hiddenUnlessReference(arg)
    const [, name, value = ''] = /^(--?[A-Za-z][\w-]*)=(.*)$/s.exec(arg) ?? []
    if (name !== undefined && isSensitive(name)) return `${name}=${hiddenUnlessReference(value)}`
    return shownUrl(arg)
  })
}

/** An address without its password and telling parameters; any other text as it is. */
function shownUrl(text: string): string {
  const withoutPassword = text.replace(/^([a-z][a-z0-9+.-]*:\/\/[^/?#:@]*):[^/?#@]*@/i, `$1:${HIDDEN}@`)
  return withoutPassword.replaceAll(/([?&])([^=&#]+)=([^&#]*)/g, (whole, mark: string, name: string, value: string) =>
    /^[a-z][a-z0-9+.-]*:\/\//i.test(text) && isSensitive(name)
      ? `${mark}${name}=${hiddenUnlessReference(value)}`
      : whole,
  )
}

/** Where the entry has a secret in cleartext, as paths of keys. */
export function cleartextIn(value: unknown, path: readonly (string | number)[] = []): (readonly (string | number)[])[] {
  if (Array.isArray(value)) return value.flatMap((item, index) => cleartextAt(value, item, [...path, index]))
  if (!isObject(value)) return []
  return Object.entries(value).flatMap(([key, child]) => cleartextAt(value, child, [...path, key]))
}

function cleartextAt(parent: unknown, child: unknown, path: readonly (string | number)[]) {
  if (typeof child === 'object') return cleartextIn(child, path)
  const key = path.at(-1) ?? ''
  const seen = Array.isArray(parent) ? shownArguments(parent)[Number(key)] : shown(child, String(key))
  return typeof child === 'string' && String(seen).includes(HIDDEN) ? [path] : []
}
