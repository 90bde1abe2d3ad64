import { z } from 'zod'
import { Fault } from '../../kernel/fault.ts'
import { EVERYTHING, type Profile, type Profiles } from '../../kernel/mcp/profile.ts'
import { nearest } from '../../kernel/nearest.ts'
import { operation } from '../../kernel/operation.ts'
import type { Registry } from '../../kernel/registry.ts'
import { estimateTokens } from '../../kernel/token-estimate.ts'
import { modelTokensOf, type ListTools } from './listing.ts'
import { CATALOG } from './visible.ts'

/** Tools as the MCP front sends them to the clients of a profile; without a name, to those of everything. */
export type SentTools = (profile: string | undefined) => readonly Readonly<Record<string, unknown>>[]

export interface CostDeps {
  readonly registry: Registry
  readonly profiles: Profiles
  readonly listing: ListTools
  readonly sent: SentTools
}

/** The most expensive tools that are named. */
const MOST_NAMED = 10

const Cost = z.object({
  profile: z.string().describe('Empty: /mcp itself.'),
  path: z.string(),
  list: z.enum(['all', 'search']).describe('Whether all tools are listed, or those that find them.'),
  configured: z.enum(['all', 'search', 'auto']),
  callable: z.int().describe('Tools its clients can call.'),
  listed: z.int(),
  tokens: z.int().describe('What the list costs a model: names, descriptions, input schemas. Estimated.'),
  tokens_sent: z.int().describe('The whole list as it is sent, with what most clients keep from the model.'),
  tokens_all: z.int().describe('What all callable tools would cost a model.'),
  most_expensive: z.array(z.object({ name: z.string(), tokens: z.int() })),
})

export const listCosts = operation<CostDeps>()({
  name: 'catalog.list_costs',
  summary: 'How many tokens the list of tools costs a model, for each profile.',
  scope: 'catalog:read',
  effect: 'read',
  input: z.object({ profile: z.string().max(100).optional().describe('Only this one.') }),
  output: z.object({ profiles: z.array(Cost) }),
  async handler({ profile }, deps) {
    const all = [EVERYTHING, ...deps.profiles.names().flatMap((name) => deps.profiles.get(name) ?? [])]
    const chosen = profile === undefined ? all : all.filter(({ name }) => name === profile)
    if (profile !== undefined && chosen.length === 0) throw noProfile(profile, deps.profiles.names())
    return { profiles: chosen.map((one) => costOf(one, deps)) }
  },
})

function costOf(profile: Profile, { registry, listing, sent }: CostDeps): z.input<typeof Cost> {
  const { name, list } = profile
  const included = registry.list().filter((entry) => entry.tool.forModels !== false && profile.includes(entry))
  const tools = sent(name === '' ? undefined : name)
  const costs = tools
    .map((tool) => ({ name: String(tool['name']), tokens: modelCost(tool) }))
    .sort((a, b) => b.tokens - a.tokens)
  return {
    profile: name,
    path: name === '' ? '/mcp' : `/mcp/${name}`,
    list: listing(profile, included).mode,
    configured: list,
    callable: included.filter(({ provider }) => provider.id !== CATALOG).length,
    listed: tools.length,
    tokens: sum(costs.map(({ tokens }) => tokens)),
    tokens_sent: estimateTokens(JSON.stringify(tools)),
    tokens_all: modelTokensOf(included),
    most_expensive: costs.slice(0, MOST_NAMED),
  }
}

const modelCost = ({ name, description, inputSchema }: Readonly<Record<string, unknown>>): number =>
  estimateTokens(JSON.stringify({ name, description, inputSchema }))

const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0)

function noProfile(name: string, known: readonly string[]): Fault {
  const meant = nearest(name, known)
  return new Fault('not_found', `There is no profile called ${JSON.stringify(name)}.`, {
    hint: meant === undefined ? `There are: ${known.join(', ') || 'none'}.` : `Did you mean ${meant}?`,
  })
}
