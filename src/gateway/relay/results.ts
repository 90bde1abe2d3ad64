import { isObject } from '../../kernel/mcp/message.ts'
import { META } from '../../kernel/mcp/protocol.ts'
import { readElements, readMembers, writeMembers, type JsonText } from '../../kernel/mcp/raw.ts'
import { RelayedResult } from '../../kernel/mcp/relayed.ts'
import { prepend } from './params.ts'

/** Results that 2026-07-28 wants to say how long they may be kept (server/utilities/caching, "Cacheable Results"). */
const CACHEABLE: ReadonlySet<string> = new Set([
  'tools/list',
  'prompts/list',
  'resources/list',
  'resources/templates/list',
  'resources/read',
])

const COMPLETE: readonly [string, JsonText][] = [['resultType', '"complete"']]
/** A server of before did not say: so not at all, and for nobody else. */
const UNCACHED: readonly [string, JsonText][] = [...COMPLETE, ['ttlMs', '0'], ['cacheScope', '"private"']]

const textOf = (members: readonly [string, JsonText][]) => members.map(([key, text]) => `"${key}":${text}`).join(',')
const COMPLETE_TEXT = textOf(COMPLETE)
const UNCACHED_TEXT = textOf(UNCACHED)

/** The requests that may be answered by `input_required` (2026-07-28, mrtr, "Supported Requests"). */
export const MAY_ASK: ReadonlySet<string> = new Set(['tools/call', 'prompts/get', 'resources/read'])

/** What a server of before answered, as 2026-07-28 has it. */
export function modernResult(method: string, result: RelayedResult): RelayedResult {
  const cacheable = CACHEABLE.has(method)
  const added = cacheable ? UNCACHED : COMPLETE
  if (added.some(([key]) => key in result.value)) {
    const members = readMembers(result.text)
    members.set('resultType', '"complete"')
    for (const [key, text] of added) if (!members.has(key)) members.set(key, text)
    return new RelayedResult(writeMembers(members))
  }
  const text = prepend(result.text, cacheable ? UNCACHED_TEXT : COMPLETE_TEXT)
  return new RelayedResult(text, {
    ...result.value,
    resultType: 'complete',
    ...(cacheable && { ttlMs: 0, cacheScope: 'private' }),
  })
}

/** What a server of 2026-07-28 answered, without what earlier revisions do not know. */
export function legacyResult(method: string, result: RelayedResult): RelayedResult {
  const members = readMembers(result.text)
  if (members.get('resultType') === '"complete"') members.delete('resultType')
  if (CACHEABLE.has(method)) for (const [key] of UNCACHED.slice(COMPLETE.length)) members.delete(key)
  if (method === 'tools/call') withObjectOnly(members)
  const meta = result.value['_meta']
  if (isObject(meta) && META.serverInfo in meta) {
    const metaMembers = readMembers(members.get('_meta') ?? '{}')
    metaMembers.delete(META.serverInfo)
    if (metaMembers.size === 0) members.delete('_meta')
    else members.set('_meta', writeMembers(metaMembers))
  }
  return new RelayedResult(writeMembers(members))
}

/**
 * Until 2025-11-25 structured content is an object, and clients refuse a whole result for one that is not. What such a tool
 * does not say in its content, too, as it should (2026-07-28, tools, "Structured Content"), is said there.
 */
function withObjectOnly(members: Map<string, JsonText>): void {
  const structured = members.get('structuredContent')
  if (structured === undefined || structured.startsWith('{')) return
  members.delete('structuredContent')
  const content = members.get('content')?.trim() ?? '[]'
  if (content.startsWith('[') && readElements(content).length === 0)
    members.set('content', `[{"type":"text","text":${JSON.stringify(structured)}}]`)
}

export const isInputRequired = (result: RelayedResult): boolean => result.value['resultType'] === 'input_required'

/** One of `inputRequests`, as it goes to a client. */
export interface InputRequest {
  readonly key: string
  readonly method: string
  readonly params: JsonText
}

/** Asks a client of 2026-07-28 (mrtr, "InputRequiredResult"). */
export function inputRequired(requests: readonly InputRequest[], requestState?: string): RelayedResult {
  const asked = requests.map(
    ({ key, method, params }) => `${JSON.stringify(key)}:{"method":${JSON.stringify(method)},"params":${params}}`,
  )
  const state = requestState === undefined ? '' : `,"requestState":${JSON.stringify(requestState)}`
  return new RelayedResult(`{"resultType":"input_required","inputRequests":{${asked.join(',')}}${state}}`)
}
