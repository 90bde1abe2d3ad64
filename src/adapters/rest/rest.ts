import type { IncomingMessage } from 'node:http'
import type { Caller } from '../../kernel/caller.ts'
import type { CallerQuota } from '../../kernel/caller-quota.ts'
import type { ShownFrom } from '../../kernel/identity.ts'
import { systemClock, type Clock } from '../../kernel/clock.ts'
import { isEndless, toFault, type Fault } from '../../kernel/fault.ts'
import type { Call, Invoke } from '../../kernel/invoke.ts'
import type { Log } from '../../kernel/log.ts'
import { othersFirst } from '../../kernel/others-first.ts'
import type { RateLimitHeaders } from '../../kernel/rate-limit-headers.ts'
import type { Sight } from '../../kernel/reach.ts'
import type { Entry, Registry } from '../../kernel/registry.ts'
import type { Tenure } from '../../kernel/tenure.ts'
import { unheardHint } from '../../kernel/unheard.ts'
import { streamCall } from './event-stream.ts'
import { createFixedPaths } from './fixed-paths.ts'
import { mergeInput } from './input.ts'
import { patienceMs } from './patience.ts'
import { createRoutes, type Match, type Routes } from './routes.ts'

/** What the server knows of a request beside the request: Node's own, absent in a test without a socket. */
export interface RestEnv {
  readonly incoming?: IncomingMessage
}

/** Answers one request; never throws. Mount it for whatever path nothing else took. */
export type Rest = (request: Request, env?: RestEnv) => Promise<Response>

export interface RestOptions {
  registry: Registry
  invoke: Invoke
  log: Log
  version: string
  /** Throws Fault `unauthenticated`. */
  authenticate: (authorization: string | null, via: 'rest', from: ShownFrom) => Caller | Promise<Caller>
  /** The JSON body, bounded by who sends it; undefined without one. Throws Fault. */
  readJson: (request: Request, env: RestEnv | undefined, caller: Caller) => Promise<unknown>
  /** The fault as problem details (RFC 9457). */
  problem: (
    fault: Fault,
    context: { requestId: string; tokenShown: boolean; metadataUrl: string | undefined },
  ) => Response
  /** Where the hub describes itself as a protected resource (RFC 9728), at the name it was asked at. */
  metadataUrl?: (request: IncomingMessage) => string
  /** Prometheus text. */
  metrics: () => Promise<string>
  /** What a caller has left, as headers; undefined: as much as it likes. */
  quota?: (caller: Caller) => RateLimitHeaders | undefined
  /** Where a request comes from. Throws Fault `invalid_request`. */
  addressOf: (request: IncomingMessage) => string | undefined
  /** Streams that callers hold open; absent: any number. */
  streams?: CallerQuota
  /** What ends with the access of its caller; absent: streams outlive it. */
  tenure?: Tenure
  /** Absent: bounds of grants mean nothing, so nothing is shown for them. */
  sight?: Sight
  clock?: Clock
}

/** A request whose address, caller and time limit are known. */
interface Asked {
  readonly request: Request
  readonly env: RestEnv | undefined
  readonly headers: ReadableHeaders
  readonly match: Match
  readonly query: string
  readonly from: ShownFrom
  readonly call: Omit<Call, 'input' | 'signal'> & { requestId: string }
}

export function createRest(options: RestOptions): Rest {
  const {
    registry,
    invoke,
    log,
    authenticate,
    addressOf,
    readJson,
    problem,
    quota,
    streams,
    tenure,
    clock = systemClock,
  } = options
  const fixed = createFixedPaths(options)
  const routes = routesOf(registry, [...fixed.keys()])

  async function answer(request: Request, env: RestEnv | undefined, requestId: string): Promise<Response> {
    const { method } = request
    const headers = headersOf(request, env)
    const { path, query } = pathAndQuery(request.url)
    const page = fixed.get(path)
    const from = { address: env?.incoming && addressOf(env.incoming) }
    if (page) return page(request, await authenticate(headers.get('authorization'), 'rest', from))
    const match = routes().match(method, path)
    const shown = authenticate(headers.get('authorization'), 'rest', from)
    // Without a turn between, the body is not in a stream yet.
    const caller = shown instanceof Promise ? await shown : shown
    const timeoutMs = patienceMs(headers)
    const trace = headers.get('traceparent')
    const call = {
      operation: match.entry.tool.name,
      caller,
      requestId,
      ...(timeoutMs !== undefined && { timeoutMs }),
      ...(trace !== null && { trace }),
    }
    return run({ request, env, headers, match, query, from, call })
  }

  async function run({ request, env, headers, match, query, from, call: asked }: Asked): Promise<Response> {
    // GET and HEAD have no body by definition (RFC 9110, 9.3.1).
    const hasBody = request.method !== 'GET' && request.method !== 'HEAD'
    const sinceMs = clock.monotonic()
    const input = mergeInput(match, query, hasBody ? await readJson(request, env, asked.caller) : undefined)
    const isSlow = clock.monotonic() - sinceMs > SLOW_BODY_MS
    const call = isSlow ? { ...asked, caller: await authenticate(headers.get('authorization'), 'rest', from) } : asked
    const { requestId } = call
    if (headers.get('accept')?.includes('text/event-stream'))
      return streamCall((report) => invokeHolding({ ...call, input, ...report }), {
        clock,
        signal: request.signal,
        requestId,
        headers: quota?.(call.caller),
        toFault: faultOf,
      })
    const result = await invoke({ ...call, input, signal: request.signal })
    return new Response(JSON.stringify(result ?? null), {
      headers: {
        'content-type': 'application/json',
        'cache-control': 'no-store',
        'x-content-type-options': 'nosniff',
        'x-request-id': requestId,
        ...quota?.(call.caller),
      },
    })
  }

  /** A stream is open for as long as its call runs, and no longer than its caller may be there. */
  async function invokeHolding(call: Call & { readonly signal: AbortSignal }): Promise<unknown> {
    const giveBack = streams?.take(call.caller)
    const ended = new AbortController()
    const release = tenure?.hold(call.caller, (why) => ended.abort(why))
    try {
      return await invoke({ ...call, signal: AbortSignal.any([call.signal, ended.signal]) })
    } catch (error) {
      throw ended.signal.aborted ? ended.signal.reason : error
    } finally {
      release?.()
      giveBack?.()
    }
  }

  const faultOf = (error: unknown): Fault =>
    toFault(error, (reference, cause) => log.error('request failed', { reference, error: cause }))

  return async (request, env) => {
    const requestId = crypto.randomUUID()
    try {
      const response = await answer(request, env, requestId)
      return request.method === 'HEAD' ? new Response(null, response) : response
    } catch (error) {
      const fault = faultOf(error)
      if (isEndless(fault.code)) await othersFirst()
      const tokenShown = request.headers.has('authorization')
      const metadataUrl = env?.incoming && options.metadataUrl?.(env.incoming)
      return problem(fault, { requestId, tokenShown, metadataUrl })
    }
  }
}

/** A body that is sent for longer may outlast the access of whoever sends it: they are asked once more. */
const SLOW_BODY_MS = 50

type ReadableHeaders = Pick<Headers, 'get'>

/** Node's own headers where there are some: making a `Headers` of them would cost a twentieth of a trivial call. */
function headersOf(request: Request, env: RestEnv | undefined): ReadableHeaders {
  const own = env?.incoming?.headers
  if (!own) return request.headers
  return {
    get(name) {
      const value = own[name] ?? null
      return Array.isArray(value) ? value.join(', ') : value
    },
  }
}

/** The routes of the registry as it is now; made anew after a change, which the list's identity tells. */
function routesOf(registry: Registry, fixedPaths: readonly string[]): () => Routes {
  let list: ReturnType<Registry['list']> | undefined
  let routes: Routes | undefined
  return () => {
    if (routes && list === registry.list()) return routes
    list = registry.list()
    routes = createRoutes([...list, ...heldBack(registry)], fixedPaths, () => unheardHint(registry.providers()))
    return routes
  }
}

/** Who calls one of these by its address hears why it is not listed. */
const heldBack = (registry: Registry): Entry[] =>
  [...registry.providers()].flatMap(({ tools }) =>
    tools.filter(({ listed }) => listed === false).map(({ name }) => registry.find(name)),
  )

/** Split by hand: a URL object for every request costs more than finding its route. */
function pathAndQuery(url: string): { path: string; query: string } {
  const pathStart = url.indexOf('/', url.indexOf('://') + 3)
  const fragmentStart = url.indexOf('#', pathStart)
  const end = fragmentStart === -1 ? url.length : fragmentStart
  const queryStart = url.indexOf('?', pathStart)
  if (queryStart === -1 || queryStart > end) return { path: url.slice(pathStart, end), query: '' }
  return { path: url.slice(pathStart, queryStart), query: url.slice(queryStart + 1, end) }
}
