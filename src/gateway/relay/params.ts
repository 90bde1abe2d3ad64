import { META } from '../../kernel/mcp/protocol.ts'
import { readMembers, writeMembers, type JsonText } from '../../kernel/mcp/raw.ts'

/** A request's params on their way to the server. */
export interface Outbound {
  /** The client's own progress token, as it wrote it; undefined: it wants no progress. */
  readonly token: JsonText | undefined
  /** The params for a request with this id, which is the progress token too. */
  write(id: number): JsonText
}

/** What the client of 2026-07-28 says of itself in every request. */
const IDENTITY = [META.revision, META.clientInfo, META.clientCapabilities, META.logLevel] as const

/**
 * Whether a member of that name may stand somewhere in the text. A name is spelt as it is, or with `\u` escapes: the other
 * escapes make no letters.
 */
export const mayHold = (text: JsonText, name: string): boolean => text.includes(name) || text.includes(ESCAPE)

/** Not where it is used: a template with a tag is a call each time. */
const ESCAPE = String.raw`\u`

/** The object with these members, which it does not have yet, before its own. */
export function prepend(object: JsonText, members: string): JsonText {
  const rest = object.slice(object.indexOf('{') + 1).trimStart()
  return rest.startsWith('}') ? `{${members}}` : `{${members},${rest}`
}

/** The same era on both sides: the text stays, but for the progress token, which is unique on each connection only. */
export function unchanged(params: JsonText): Outbound {
  if (!mayHold(params, 'progressToken')) return { token: undefined, write: () => params }
  const members = readMembers(params)
  const meta = metaOf(members)
  const token = meta.get('progressToken')
  if (token === undefined) return { token, write: () => params }
  return {
    token,
    write(id) {
      meta.set('progressToken', String(id))
      return writeMembers(members.set('_meta', writeMembers(meta)))
    },
  }
}

/** Params that are the hub's own: it always wants progress. */
export function ofHub(params: JsonText): Outbound {
  if (!mayHold(params, '_meta'))
    return { token: undefined, write: (id) => prepend(params, `"_meta":{"progressToken":${id}}`) }
  const members = readMembers(params)
  const meta = metaOf(members)
  return {
    token: undefined,
    write(id) {
      meta.set('progressToken', String(id))
      return writeMembers(members.set('_meta', writeMembers(meta)))
    },
  }
}

/** What a request of 2026-07-28 says beside what it asks: answers to an earlier `input_required`. */
export interface Retry {
  readonly inputResponses: JsonText | undefined
  readonly requestState: JsonText | undefined
}

/** From 2026-07-28 to a server of before: without what the client says of itself, and without answers. */
export function forLegacy(params: JsonText): Outbound & Retry {
  const members = readMembers(params)
  const retry = { inputResponses: members.get('inputResponses'), requestState: members.get('requestState') }
  members.delete('inputResponses')
  members.delete('requestState')
  const meta = metaOf(members)
  const token = meta.get('progressToken')
  for (const key of IDENTITY) meta.delete(key)
  return {
    ...retry,
    token,
    write(id) {
      if (token !== undefined) meta.set('progressToken', String(id))
      if (meta.size === 0) members.delete('_meta')
      else members.set('_meta', writeMembers(meta))
      return writeMembers(members)
    },
  }
}

/** To a server of 2026-07-28, for a client that does not say who it is in each request. `identity`: `identityOf`. */
export function forModern(params: JsonText, identity: string, always: boolean): Outbound {
  if (!mayHold(params, '_meta'))
    return {
      token: undefined,
      write: (id) => prepend(params, `"_meta":{${identity}${always ? `,"progressToken":${id}` : ''}}`),
    }
  const members = readMembers(params)
  const meta = metaOf(members)
  const token = meta.get('progressToken')
  for (const key of IDENTITY) meta.delete(key)
  return {
    token,
    write(id) {
      if (always || token !== undefined) meta.set('progressToken', String(id))
      return writeMembers(members.set('_meta', prepend(writeMembers(meta), identity)))
    },
  }
}

/** The members of `_meta` that 2026-07-28 requires of a client (basic, "Per-request protocol fields"). */
export function identityOf(client: {
  readonly clientInfo: object | undefined
  readonly capabilities: object
  readonly logLevel?: string
}): string {
  const { clientInfo, capabilities, logLevel } = client
  const members: [string, JsonText][] = [
    [META.revision, '"2026-07-28"'],
    [META.clientCapabilities, JSON.stringify(capabilities)],
  ]
  if (clientInfo !== undefined) members.push([META.clientInfo, JSON.stringify(clientInfo)])
  if (logLevel !== undefined) members.push([META.logLevel, JSON.stringify(logLevel)])
  return members.map(([key, text]) => `"${key}":${text}`).join(',')
}

/** The params of a retry, with the answers in their text. */
export function withAnswers(params: JsonText, { inputResponses, requestState }: Retry): JsonText {
  const members = readMembers(params)
  for (const [name, text] of [
    ['inputResponses', inputResponses],
    ['requestState', requestState],
  ] as const) {
    if (text === undefined) members.delete(name)
    else members.set(name, text)
  }
  return writeMembers(members)
}

/** The members of `_meta`; none where there is no such object. */
function metaOf(members: ReadonlyMap<string, JsonText>): Map<string, JsonText> {
  const meta = members.get('_meta')
  return meta?.startsWith('{') ? readMembers(meta) : new Map()
}
