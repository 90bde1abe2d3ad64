import type { Provider } from '../../kernel/registry.ts'
import type { Described, Description } from './description.ts'

/** Names of scopes that are never a service's own: what the hub gives other MCP servers. */
const TAKEN_AREAS = ['mcp']

/**
 * Why a service may not be offered beside those that are there; undefined: it may. It must not take the place of
 * anything: not its name, not its scopes (whoever has them was given them for something else), not its REST addresses.
 */
export function refusal(description: Description, providers: Iterable<Provider>): string | undefined {
  const { service, operations } = description
  const others = [...providers].filter(({ id, kind }) => id !== service || kind !== 'bus')
  const namesake = others.find(({ id }) => id === service)
  if (namesake) return `the hub has that name already (${namesake.kind})`
  const tools = others.flatMap(({ tools }) => tools)
  const areas = new Set([...TAKEN_AREAS, ...tools.flatMap(({ scope }) => (scope === null ? [] : [areaOf(scope)]))])
  const paths = tools.flatMap(({ name, route }) => [plainPath(name), ...(route ? [route.path] : [])])
  for (const operation of operations) {
    const problem = problemOf(operation, areas, paths)
    if (problem !== undefined) return problem
  }
  return undefined
}

function problemOf({ name, scope, route }: Described, areas: ReadonlySet<string>, paths: readonly string[]) {
  if (scope !== null && areas.has(areaOf(scope))) return `${name} wants the scope ${scope}, which is another service's`
  const taken = route && paths.find((path) => overlap(path, route.path))
  return taken === undefined ? undefined : `${name} wants the address ${route?.path}, where ${taken} is`
}

const areaOf = (scope: string) => scope.slice(0, scope.indexOf(':'))

/** The address that an operation has anyway. */
const plainPath = (name: string) => `/api/${name.replace('.', '/')}`

/** Whether some path fits both: an exact one would win over one with inputs. */
function overlap(one: string, other: string): boolean {
  const segments = one.split('/')
  const others = other.split('/')
  const isInput = (segment: string) => segment.startsWith('{')
  return (
    segments.length === others.length &&
    segments.every((segment, at) => {
      const beside = others[at] ?? ''
      return segment === beside || isInput(segment) || isInput(beside)
    })
  )
}
