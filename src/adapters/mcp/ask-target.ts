import type { Target } from '../../kernel/mcp/catalog.ts'
import { isObject, type Params } from '../../kernel/mcp/message.ts'
import { MODERN_REVISION } from '../../kernel/mcp/protocol.ts'
import { readMembers, writeMembers, type JsonText } from '../../kernel/mcp/raw.ts'
import { RelayedResult } from '../../kernel/mcp/relayed.ts'
import { callOf, metaOf } from './call-tool.ts'
import { withParams, type Exchange } from './exchange.ts'
import type { McpServer } from './server.ts'

export interface Asked {
  readonly method: string
  readonly params: Params
  /** The params as text, where they are not what the client wrote. */
  readonly text?: JsonText
}

const UNCACHED: readonly [string, JsonText][] = [
  ['ttlMs', '0'],
  ['cacheScope', '"private"'],
]

/** Asks one provider, in its own words. Throws Fault, RelayedError among them. */
export async function askTarget(
  { invoke, catalog, metaText }: Pick<McpServer, 'invoke' | 'catalog' | 'metaText'>,
  { provider, own }: Target,
  { method, params, text }: Asked,
  exchange: Exchange,
): Promise<JsonText> {
  const { id, offers } = provider
  const name = `${id}/${method}`
  const isNamed = offers?.methods.some((tool) => tool.name === name) ?? false
  const input = own === undefined ? params : renameValue(method, params, own)
  const words = own === undefined ? text : renameText(method, exchange.params, own)
  const peer = words === undefined ? exchange : withParams(exchange, words)
  const call = callOf(isNamed ? name : `${id}/*`, isNamed ? input : { method, params: input }, metaOf(params), exchange)
  const output = await invoke({ ...call, peer })
  if (output instanceof RelayedResult) return catalog.exposeAddresses(id, output.text)
  if (exchange.revision !== MODERN_REVISION) return JSON.stringify(output ?? {})
  const members = readMembers(JSON.stringify(output ?? {}))
  return writeMembers(
    new Map([
      ['resultType', '"complete"'],
      // What a service of the hub says may be other the next moment, and is this caller's to see.
      ...(method === 'resources/read' ? UNCACHED : []),
      ...members,
      ['_meta', members.get('_meta') ?? metaText],
    ]),
  )
}

/** The member that names a prompt or a resource; in `completion/complete` it is one of `ref`. */
const namingMember = (method: string, { ref }: Params): string =>
  method === 'prompts/get' || (isObject(ref) && ref['type'] === 'ref/prompt') ? 'name' : 'uri'

function renameValue(method: string, params: Params, own: string): Params {
  const renamed = { [namingMember(method, params)]: own }
  return method === 'completion/complete' && isObject(params['ref'])
    ? { ...params, ref: { ...params['ref'], ...renamed } }
    : { ...params, ...renamed }
}

function renameText(method: string, text: JsonText, own: string): JsonText {
  const members = readMembers(text)
  const ref = members.get('ref')
  if (method !== 'completion/complete' || ref === undefined)
    return writeMembers(members.set(namingMember(method, {}), JSON.stringify(own)))
  const within = readMembers(ref)
  const member = within.get('type') === '"ref/prompt"' ? 'name' : 'uri'
  return writeMembers(members.set('ref', writeMembers(within.set(member, JSON.stringify(own)))))
}
