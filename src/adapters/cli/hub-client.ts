import { Fault, FAULTS, type FaultCode } from '../../kernel/fault.ts'
import type { Effect, JsonSchema, Progress } from '../../kernel/tool.ts'
import { readEvents } from './event-stream.ts'
import { HubUnreachable } from './exit-codes.ts'

/** A running hub's REST address and who is asking. */
export interface HubAddress {
  /** `http://host:port`, with or without a path before the API's. */
  readonly url: string
  readonly token: string | undefined
}

/** An operation as the hub lists it. */
export interface Listed {
  /** What people call it. */
  readonly name: string
  /** `service.verb_noun` */
  readonly operation: string
  readonly summary: string
  readonly scope: string | null
  readonly effect: Effect
  readonly inputSchema: JsonSchema
}

export interface CallOptions {
  readonly signal: AbortSignal
  /** The hub gives up after that many milliseconds; it can shorten the operation's own limit, not lengthen it. */
  readonly timeoutMs?: number
  /** No news: the answer comes as a whole. */
  readonly whole?: true
  progress?(progress: Progress): void
  log?(line: { level: string; message: string }): void
}

export interface HubClient {
  list(signal: AbortSignal): Promise<readonly Listed[]>
  /** Throws the fault the hub answered with; `HubUnreachable` when it did not answer. */
  call(operation: string, input: unknown, options: CallOptions): Promise<unknown>
}

export function hubClient({ url, token }: HubAddress): HubClient {
  const request = async (path: string, init: RequestInit & { signal: AbortSignal }): Promise<Response> => {
    const headers = new Headers(init.headers)
    if (token !== undefined) headers.set('authorization', `Bearer ${token}`)
    try {
      // A redirect would take the token to wherever it points.
      return await fetch(new URL(path, withSlash(url)), { ...init, headers, redirect: 'error' })
    } catch (error) {
      throw init.signal.aborted ? init.signal.reason : unreachable(url, error)
    }
  }
  return {
    async list(signal) {
      const response = await request('api', { signal, headers: { accept: 'application/json' } })
      if (!response.ok) throw await faultOf(response, url)
      return listedOf(await jsonOf(response, url), url)
    },
    async call(operation, input, { signal, timeoutMs, whole, ...news }) {
      const response = await request(pathOf(operation), {
        method: 'POST',
        signal,
        headers: {
          accept: whole ? 'application/json' : 'text/event-stream',
          'content-type': 'application/json',
          ...(timeoutMs !== undefined && { 'x-request-timeout-ms': String(timeoutMs) }),
        },
        body: JSON.stringify(input),
      })
      if (!response.ok) throw await faultOf(response, url)
      if (!response.headers.get('content-type')?.startsWith('text/event-stream')) return jsonOf(response, url)
      return resultOf(response, { signal, ...news }, url)
    },
  }
}

/** The last event of the stream; the ones before are news. */
async function resultOf(response: Response, { signal, progress, log }: CallOptions, url: string): Promise<unknown> {
  try {
    for await (const { event, data } of readEvents(bodyOf(response))) {
      const value: unknown = JSON.parse(data)
      if (event === 'result') return value
      if (event === 'fault') throw toFault(value)
      if (event === 'progress') progress?.(value as Progress)
      if (event === 'log') log?.(value as { level: string; message: string })
    }
  } catch (error) {
    if (signal.aborted) throw signal.reason
    throw error instanceof Fault ? error : unreachable(url, error)
  }
  throw new HubUnreachable(`The hub at ${url} ended its answer before the result.`, 'Is it stopping? Try again.')
}

async function* bodyOf({ body }: Response): AsyncGenerator<Uint8Array> {
  if (body) yield* body
}

/** The address every operation has, whether or not it also has its own. */
function pathOf(operation: string): string {
  const [service = '', ...rest] = operation.split('.')
  return `api/${encodeURIComponent(service)}/${encodeURIComponent(rest.join('.'))}`
}

const withSlash = (url: string) => (url.endsWith('/') ? url : `${url}/`)

/** `fetch failed` says nothing; the cause below it has the code. */
function unreachable(url: string, error: unknown): HubUnreachable {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error
  const reason = (cause as NodeJS.ErrnoException).code ?? (cause instanceof Error ? cause.message : String(cause))
  return new HubUnreachable(`No hub answers at ${url} (${reason}).`, 'Start it with `alicia start`.', error)
}

async function jsonOf(response: Response, url: string): Promise<unknown> {
  try {
    return await response.json()
  } catch (error) {
    throw notAHub(url, error)
  }
}

const notAHub = (url: string, cause?: unknown) =>
  new HubUnreachable(`What answers at ${url} is not a hub of Alicia.`, 'Check the address.', cause)

/** RFC 9457, with the members of the hub's own. */
async function faultOf(response: Response, url: string): Promise<Fault> {
  if (!response.headers.get('content-type')?.startsWith('application/problem+json')) return notAHub(url)
  const body = (await jsonOf(response, url)) as Record<string, unknown>
  return toFault({ ...body, message: body['detail'] ?? body['title'] })
}

function toFault(body: unknown): Fault {
  const { code, message, hint, details } = body as Record<string, unknown>
  return new Fault(isFaultCode(code) ? code : 'internal', typeof message === 'string' ? message : 'The call failed.', {
    ...(typeof hint === 'string' && { hint }),
    ...(typeof details === 'object' && details !== null && { details: details as Record<string, unknown> }),
  })
}

const isFaultCode = (code: unknown): code is FaultCode => typeof code === 'string' && Object.hasOwn(FAULTS, code)

function listedOf(body: unknown, url: string): Listed[] {
  const operations = (body as { operations?: unknown } | null)?.operations
  if (!Array.isArray(operations)) throw notAHub(url)
  return operations.map((entry: Record<string, unknown>) => ({
    name: String(entry['name']),
    operation: String(entry['operation']),
    summary: String(entry['summary']),
    scope: typeof entry['scope'] === 'string' ? entry['scope'] : null,
    effect: entry['effect'] as Effect,
    inputSchema: (entry['input_schema'] ?? {}) as JsonSchema,
  }))
}
