import type { Registry } from '../../kernel/registry.ts'
import { isGrant, parseGrant, scopeCovers } from '../../kernel/scope.ts'
import type { ScopeText } from './pages/consent.ts'

const VERBS: Readonly<Record<string, string>> = {
  read: 'look at',
  write: 'change',
  use: 'use',
  own: 'look after your own part of',
  '*': 'do everything with',
}

/** Where the name of an area says too little. */
const AREAS: Readonly<Record<string, string>> = {
  capabilities: 'what the home can do',
  catalog: 'the list of tools',
  crypto: 'encryption',
  devices: 'devices',
  gateway: 'the other MCP servers',
  health: 'how the hub is',
  lb: 'how calls are spread over servers',
  mcp: 'the tools of other MCP servers',
  metrics: 'figures on calls',
  mqtt: 'devices and messages on MQTT',
  orchestrator: 'the services of the hub',
  people: 'the people of the home',
  tokens: 'access tokens',
}

/** What the scope lets a program do in this hub, as it is now. */
export function scopeText(text: string, registry: Pick<Registry, 'list'>): ScopeText {
  const { scope, bounds } = parseGrant(text)
  const operations = registry
    .list()
    .filter(({ tool }) => tool.scope !== null && scopeCovers(scope, tool.scope))
    .map(({ name, tool: { summary, effect } }) => ({ name, summary, effect }))
  return {
    scope: text,
    title: titleOf(scope),
    ...(bounds.length > 0 && { within: bounds.map(({ kind, name }) => `${kind} ${name}`).join(', ') }),
    operations,
    isDestructive: operations.some(({ effect }) => effect === 'destructive'),
    isEverything: scope === '*',
  }
}

function titleOf(scope: string): string {
  if (scope === '*') return 'Do everything that you may do'
  const [area = '', verb = ''] = scope.split(':')
  const what = `${VERBS[verb] ?? `${verb}:`} ${AREAS[area] ?? area}`
  return what.charAt(0).toUpperCase() + what.slice(1)
}

/** Areas that are about who may do what: no program needs them to begin with. */
const ADMINISTRATION: ReadonlySet<string> = new Set([
  'approvals',
  'audit',
  'auth',
  'backup',
  'crypto',
  'encryption',
  'keys',
  'people',
  'security',
  'tokens',
])

/**
 * Enough to begin with (MCP, Scope Minimization): of the whole hub, the scopes that change nothing; of a profile, which somebody
 * has chosen, all that its tools need.
 */
export function startingScopes(
  registry: Pick<Registry, 'list'>,
  includes: ((entry: ReturnType<Registry['list']>[number]) => boolean) | undefined,
): string[] {
  const entries = registry.list().filter((entry) => entry.tool.scope !== null && (includes?.(entry) ?? true))
  const changing = new Set(entries.filter(({ tool }) => tool.effect !== 'read').map(({ tool }) => tool.scope))
  const scopes = entries.flatMap(({ tool: { scope } }) => (scope === null ? [] : [scope]))
  const wanted = scopes.filter((scope) => !ADMINISTRATION.has(scope.split(':')[0] ?? ''))
  return [...new Set(wanted.filter((scope) => includes !== undefined || !changing.has(scope)))].sort()
}

/** Every scope that means something here. */
export function knownScopes(registry: Pick<Registry, 'list'>): string[] {
  const scopes = registry.list().flatMap(({ tool: { scope } }) => (scope === null ? [] : [scope]))
  return [...new Set(['*', ...scopes, ...scopes.map((scope) => `${scope.split(':')[0]}:*`)])]
}

/** What nobody reads who has to agree to it. */
const MOST_SCOPES = 200

/** Those of a scope parameter that are grants; the first of very many. */
export const grantsIn = (scope: unknown): string[] =>
  typeof scope === 'string' ? [...new Set(scope.split(' '))].filter(isGrant).slice(0, MOST_SCOPES) : []
