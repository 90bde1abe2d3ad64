import { mayUse, type Caller } from '../../kernel/caller.ts'
import { Fault, FAULTS } from '../../kernel/fault.ts'
import { createSight, type Sight } from '../../kernel/reach.ts'
import type { Registry } from '../../kernel/registry.ts'
import { openapi } from './openapi.ts'
import { pageFiles } from './page.ts'
import { preferredAddress } from './routes.ts'

/** What stands at a path that is not an operation's. */
export type FixedPath = (request: Request, caller: Caller) => Response | Promise<Response>

export interface FixedPathsOptions {
  registry: Registry
  version: string
  metrics: () => Promise<string>
  sight?: Sight
}

/** The list of operations, their description, the metrics, the meaning of problems, and the API page. */
export function createFixedPaths(options: FixedPathsOptions): ReadonlyMap<string, FixedPath> {
  const { registry, version, metrics, sight = createSight() } = options
  const description = cachedFor(registry, sight, (entries) => JSON.stringify(openapi({ entries, version })))
  const list = cachedFor(registry, sight, (entries) => JSON.stringify({ version, operations: entries.map(listed) }))
  const paths = new Map<string, FixedPath>([
    ['/api', (_, caller) => json(list(caller))],
    ['/openapi.json', (_, caller) => json(description(caller))],
    ['/metrics', (_, caller) => metricsFor(caller, metrics)],
    ['/docs', () => new Response(null, { status: 302, headers: { location: '/' } })],
  ])
  for (const [code, row] of Object.entries(FAULTS))
    paths.set(`/problems/${code}`, () => json(JSON.stringify({ code, ...row })))
  for (const [path, file] of pageFiles()) paths.set(path, () => new Response(file.text, { headers: file.headers }))
  return new Map([...paths].map(([path, answer]) => [path, readOnly(path, answer)]))
}

type List = ReturnType<Registry['list']>

/**
 * What this caller could call, as text: who shows no token sees what needs none. Kept for those who see everything; bounds of
 * others can come to mean something else without a change of the list, and theirs is short.
 */
function cachedFor(registry: Registry, sight: Sight, make: (entries: List) => string): (caller: Caller) => string {
  let entries: List | undefined
  let text = ''
  return (caller) => {
    if (sight.keyOf(caller) !== '') return make(registry.list().filter((entry) => sight.sees(caller, entry)))
    if (entries === registry.list()) return text
    entries = registry.list()
    text = make(entries)
    return text
  }
}

function listed(entry: List[number]) {
  const { tool, provider, name } = entry
  const { method, path } = preferredAddress(entry)
  return {
    name,
    operation: tool.name,
    provider: provider.id,
    summary: tool.summary,
    scope: tool.scope,
    effect: tool.effect,
    streams: tool.streams,
    method,
    path,
    input_schema: tool.inputSchema,
  }
}

const json = (text: string) =>
  new Response(text, {
    headers: {
      'content-type': 'application/json',
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
    },
  })

const METRICS_SCOPE = 'metrics:read'

async function metricsFor(caller: Caller, metrics: () => Promise<string>): Promise<Response> {
  if (mayUse(caller.scopes, METRICS_SCOPE))
    return new Response(await metrics(), {
      headers: { 'content-type': 'text/plain; version=0.0.4; charset=utf-8', 'cache-control': 'no-store' },
    })
  if (caller.id === 'anonymous')
    throw new Fault('unauthenticated', 'The metrics need an access token.', {
      hint: 'Send it as "Authorization: Bearer <token>"; `alicia token` prints it.',
    })
  throw new Fault('forbidden', `${caller.name} lacks the scope ${METRICS_SCOPE} that the metrics need.`, {
    details: { scope: METRICS_SCOPE },
  })
}

function readOnly(path: string, answer: FixedPath): FixedPath {
  return (request, caller) => {
    if (request.method === 'GET' || request.method === 'HEAD') return answer(request, caller)
    const allow = ['GET', 'HEAD']
    throw new Fault('method_not_allowed', `${path} does not take ${request.method}.`, {
      hint: `It takes ${allow.join(', ')}.`,
      details: { allow },
    })
  }
}
