import { Fault } from '../../kernel/fault.ts'
import { META, MODERN_REVISION } from '../../kernel/mcp/protocol.ts'
import { RelayedError, type RelayedResult } from '../../kernel/mcp/relayed.ts'
import type { Offer } from '../../kernel/registry.ts'
import type { ClientFace, Connection } from '../connection/connection.ts'
import { entriesOf, LISTS, type ListKind, type Lists } from './listed.ts'

/** Pages of one list; a server that goes on for ever is cut off with an error, not listened to. */
const MOST_PAGES = 1000
/** Entries of one list. */
const MOST_ENTRIES = 20_000
const METHOD_NOT_FOUND = -32601

export interface Fetching {
  readonly name: string
  readonly connection: Connection
  readonly face: ClientFace
  readonly signal: AbortSignal
  /** What was known of it before. */
  readonly before: Lists
  /** It answers one of its lists with an error, or without end; what was known of that stays. */
  onRefused(method: string, error: Fault): void
}

/**
 * Asks a server for everything it lists, page by page. A list that it answers with an error, or without end, takes no other along,
 * but for the tools: without those there is little to offer. Throws what the connection throws.
 */
export async function fetchLists({ before, onRefused, ...asking }: Fetching): Promise<Lists> {
  const { capabilities, serverInfo, instructions } = asking.connection
  let ttlMs = Number.POSITIVE_INFINITY
  const onPage = (page: Readonly<Record<string, unknown>>) => {
    const said = page['ttlMs']
    if (typeof said === 'number' && said >= 0) ttlMs = Math.min(ttlMs, said)
  }
  const ask = (kind: ListKind) => fetchList(kind, { ...asking, onPage })
  const askBeside = (kind: Exclude<ListKind, 'tools'>) =>
    ask(kind).catch((error: unknown) => {
      if (!(error instanceof RelayedError || isTooLarge(error))) throw error
      onRefused(LISTS[kind].method, error)
      return before[kind]
    })
  const [tools, prompts, resources, templates] = await Promise.all([
    ask('tools'),
    askBeside('prompts'),
    askBeside('resources'),
    askBeside('templates'),
  ])
  return {
    tools: tools.map(({ key, ...entry }) => ({ name: key, ...entry })),
    prompts,
    resources,
    templates,
    capabilities,
    serverInfo,
    ...(instructions !== undefined && { instructions }),
    ...(ttlMs < Number.POSITIVE_INFINITY && { ttlMs }),
  }
}

interface Asking extends Pick<Fetching, 'name' | 'connection' | 'face' | 'signal'> {
  readonly onPage: (page: Readonly<Record<string, unknown>>) => void
}

/** One list, whole. A server that does not know the method has none. */
export async function fetchList(kind: ListKind, asking: Asking): Promise<Offer[]> {
  const { name, connection } = asking
  const { method, capability } = LISTS[kind]
  if (!(capability in connection.capabilities)) return []
  const found = new Map<string, Offer>()
  const seen = new Set<string>()
  let cursor: string | undefined
  for (let count = 0; count < MOST_PAGES; count++) {
    const page = await fetchPage(method, cursor, asking)
    if (page === undefined) return []
    asking.onPage(page.value)
    for (const entry of entriesOf(kind, page)) if (!found.has(entry.key)) found.set(entry.key, entry)
    if (found.size > MOST_ENTRIES) throw tooMany(name, method)
    const next = page.value['nextCursor']
    // A cursor that came before leads to pages that came before: some servers say `""` after the last one.
    if (typeof next !== 'string' || seen.has(next)) return [...found.values()]
    seen.add((cursor = next))
  }
  throw tooMany(name, method)
}

async function fetchPage(
  method: string,
  cursor: string | undefined,
  { connection, face, signal }: Asking,
): Promise<RelayedResult | undefined> {
  const params = {
    ...(cursor !== undefined && { cursor }),
    ...(connection.revision === MODERN_REVISION && { _meta: modernMeta(face) }),
  }
  try {
    return await connection.request({ method, params: () => JSON.stringify(params), signal })
  } catch (error) {
    if (error instanceof RelayedError && error.error.code === METHOD_NOT_FOUND) return undefined
    throw error
  }
}

/** What every request of 2026-07-28 says of who sends it. */
export const modernMeta = ({ clientInfo, capabilities }: ClientFace): object => ({
  [META.revision]: MODERN_REVISION,
  [META.clientInfo]: clientInfo,
  [META.clientCapabilities]: capabilities,
})

const isTooLarge = (error: unknown): error is Fault => error instanceof Fault && error.code === 'too_large'

const tooMany = (name: string, method: string) =>
  new Fault('too_large', `${name} answers ${method} with more than ${MOST_ENTRIES} entries or pages.`)
