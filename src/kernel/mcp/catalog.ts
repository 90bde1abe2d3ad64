import type { EventMap, Events } from '../events.ts'
import type { Offer, Provider, Registry } from '../registry.ts'
import { addressOf, readAddress, schemeOf } from './address.ts'
import { appOf } from './apps.ts'
import { claimName, forgetUnused } from './exposed-name.ts'
import { isObject, type Params } from './message.ts'
import { replaceAddresses, type JsonText } from './raw-address.ts'
import { fitsTemplate } from './uri-template.ts'

export type ListKind = 'prompts' | 'resources' | 'templates'

/** An entry of a list as the hub offers it. */
export interface CatalogEntry {
  /** A prompt's name, a resource's URI, a template: the provider's own, or another where two providers have the same. */
  readonly key: string
  readonly provider: Provider
  readonly offer: Offer
}

/** Who may know what a request names. */
export interface Target {
  readonly provider: Provider
  /** What the provider calls it, where the hub calls it something else. */
  readonly own?: string
  /** It speaks of addresses like this one: where nobody has the thing, its word counts. */
  readonly isLikely?: boolean
}

/** Everything besides tools that all providers offer, each thing under a key of its own. */
export interface Catalog {
  /** In order of their keys. The same array until something changes: do not change it. */
  list(kind: ListKind): readonly CatalogEntry[]
  /** Who answers, the likeliest first; more than one where only they can say whether they know it. Empty: nobody. */
  route(method: string, params: Params): readonly Target[]
  /** The params of `notifications/resources/updated` for clients: those of the provider, or with its address alone. */
  updateOf(updated: EventMap['resource.updated']): JsonText
  /** A result, or an entry of a list, in which a provider's addresses are as clients know them. */
  exposeAddresses(provider: string, text: JsonText): JsonText
}

const KINDS = ['prompts', 'resources', 'templates'] as const

/** Follows the registry for the life of the process. */
export function createCatalog(registry: Registry, events: Events): Catalog {
  const promptOwners = new Map<string, string>()
  const addressOwners = new Map<string, string>()
  /** By provider: its own address, and the one the hub gave it. Only those that differ. */
  const renamed = new Map<string, Map<string, string>>()
  let lists: Readonly<Record<ListKind, readonly CatalogEntry[]>> | undefined
  let prompts = new Map<string, CatalogEntry>()
  let resources = new Map<string, CatalogEntry>()
  const forget = () => (lists = undefined)
  for (const name of ['tools.changed', 'prompts.changed', 'resources.changed'] as const) events.on(name, forget)

  /** The first to have an address keeps it for as long as the process lives; for others it is offered under another. */
  const addressFor = (provider: string, uri: string): string => {
    const owner = addressOwners.get(uri) ?? provider
    addressOwners.set(uri, owner)
    if (owner === provider) return uri
    const known = renamed.get(provider) ?? new Map<string, string>()
    renamed.set(provider, known.set(uri, addressOf(provider, uri)))
    return addressOf(provider, uri)
  }
  const keyOf = (kind: ListKind, { id }: Provider, { key }: Offer): string =>
    kind === 'prompts'
      ? claimName(promptOwners, { owner: `${id} ${key}`, provider: id, own: key })
      : addressFor(id, key)

  const read = () => {
    if (lists) return lists
    const gathered: Record<ListKind, CatalogEntry[]> = { prompts: [], resources: [], templates: [] }
    for (const provider of registry.providers())
      for (const kind of KINDS)
        for (const offer of provider.offers?.[kind] ?? [])
          gathered[kind].push({ key: keyOf(kind, provider, offer), provider, offer })
    for (const kind of KINDS) gathered[kind].sort((a, b) => (a.key < b.key ? -1 : 1))
    const apps = [...registry.providers()].flatMap((provider) =>
      appsOf(provider).map((uri) => ({ key: addressFor(provider.id, uri), provider, offer: { key: uri, value: {} } })),
    )
    prompts = new Map(gathered.prompts.map((entry) => [entry.key, entry]))
    // In this order: where a list has an app too, its entry stands.
    resources = new Map([...apps, ...gathered.templates, ...gathered.resources].map((entry) => [entry.key, entry]))
    forgetUnused(promptOwners, (name) => prompts.has(name))
    forgetUnused(addressOwners, (uri) => resources.has(uri))
    for (const known of renamed.values()) forgetUnused(known, (_, address) => resources.has(address))
    return (lists = gathered)
  }

  const exposeAddresses = (provider: string, text: JsonText): JsonText => {
    // Who offers what under which address is found out when somebody asks, and this may be the first.
    read()
    const known = renamed.get(provider)
    return known ? replaceAddresses(text, known) : text
  }

  const targetOf = ({ key, provider, offer }: CatalogEntry): Target =>
    key === offer.key ? { provider } : { provider, own: offer.key }

  const toPrompt = (name: unknown): readonly Target[] => {
    read()
    const entry = typeof name === 'string' ? prompts.get(name) : undefined
    return entry ? [targetOf(entry)] : []
  }

  const toAddress = (method: string, uri: unknown): readonly Target[] => {
    if (typeof uri !== 'string') return []
    const { templates } = read()
    const entry = resources.get(uri)
    if (entry) return [targetOf(entry)]
    const { provider: named, uri: own = uri } = readAddress(uri) ?? {}
    const known = [...registry.providers()].filter(({ offers }) => offers && 'resources' in offers.capabilities)
    const addressee = known.find(({ id }) => id === named)
    if (addressee) return [{ provider: addressee, own }]
    const ranks = known.map((provider) => ({
      provider,
      rank: rankOf({ provider, templates, method, uri, addressOwners }),
    }))
    return ranks.sort((a, b) => b.rank - a.rank).map(({ provider, rank }) => ({ provider, isLikely: rank > 0 }))
  }

  return {
    list: (kind) => read()[kind],
    route(method, params) {
      const { ref } = params
      if (method === 'prompts/get') return toPrompt(params['name'])
      if (method.startsWith('resources/')) return toAddress(method, params['uri'])
      if (method !== 'completion/complete') return toOwner(registry, method, params)
      if (!isObject(ref)) return []
      return ref['type'] === 'ref/prompt' ? toPrompt(ref['name']) : toAddress(method, ref['uri'])
    },
    updateOf: ({ provider, uri, params = JSON.stringify({ uri }) }) => exposeAddresses(provider, params),
    exposeAddresses,
  }
}

/** Apps may stand in no list of resources: the tools that they belong to name them (SEP-1865, "Resource Discovery"). */
const appsOf = ({ tools, offers }: Provider): string[] =>
  offers && 'resources' in offers.capabilities ? tools.flatMap(({ mcp }) => (mcp && appOf(mcp.value)) ?? []) : []

interface Question {
  readonly provider: Provider
  readonly templates: readonly CatalogEntry[]
  readonly method: string
  readonly uri: string
  readonly addressOwners: ReadonlyMap<string, string>
}

/** How likely a provider knows an address that stands in no list. Its own word counts most, then its templates. */
function rankOf({ provider, templates, method, uri, addressOwners }: Question): number {
  if (addressOwners.get(uri) === provider.id) return 4
  if (provider.offers?.owns?.(method, { uri })) return 3
  const mine = templates.filter((entry) => entry.provider === provider)
  if (mine.some(({ key }) => fitsTemplate(key, uri))) return 2
  const scheme = schemeOf(uri)
  const listed = [...mine, ...(provider.offers?.resources ?? [])]
  return listed.some(({ key }) => schemeOf(key) === scheme) ? 1 : 0
}

/** Methods that name nothing of a list: whoever says that the thing is its own, else the only one that takes the method. */
function toOwner(registry: Registry, method: string, params: Params): readonly Target[] {
  const takers = [...registry.providers()].filter((provider) => takes(provider, method))
  const owners = takers.filter(({ offers }) => offers?.owns?.(method, params))
  if (owners.length > 0) return owners.map((provider) => ({ provider }))
  return takers.length === 1 || method.startsWith('tasks/') ? takers.map((provider) => ({ provider })) : []
}

const TASKS = 'io.modelcontextprotocol/tasks'

function takes({ id, offers }: Provider, method: string): boolean {
  if (!offers) return false
  if (method.startsWith('tasks/')) {
    const { tasks, extensions } = offers.capabilities
    return isObject(tasks) || (isObject(extensions) && TASKS in extensions)
  }
  return offers.methods.some(({ name }) => name === `${id}/${method}` || name === `${id}/*`)
}
