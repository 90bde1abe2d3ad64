import { randomUUID } from 'node:crypto'
import { sleep, type Clock } from '../../kernel/clock.ts'
import { Fault } from '../../kernel/fault.ts'
import { isObject, type Params } from '../../kernel/mcp/message.ts'
import type { ClientSession, Peer } from '../../kernel/mcp/peer.ts'
import { readMembers, writeMembers, type JsonText } from '../../kernel/mcp/raw.ts'
import { RelayedError, type RelayedResult } from '../../kernel/mcp/relayed.ts'
import type { CallContext } from '../../kernel/tool.ts'
import { askClient } from './asking.ts'
import { declares, requiredOf } from './capabilities.ts'
import { aboutClient, type Way } from './hops.ts'
import { forModern, identityOf, prepend, withAnswers, type Retry } from './params.ts'
import { needsPerson, refuseQuestion } from './refusals.ts'
import { isInputRequired, legacyResult, MAY_ASK, type InputRequest } from './results.ts'
import { RunningCall, type Answer, type Asked } from './running-call.ts'

/** Times a server may ask during one call. */
const MOST_ROUNDS = 8
/** A server that asks nothing and wants to be called again is not called without pause. */
const PAUSE_MS = 250

/** Messages that a client of before gets when it did not say from which level on. */
const DEFAULT_LOG_LEVEL = 'info'

interface Options {
  readonly name: string
  readonly clock: Clock
}

/**
 * A client of a revision up to 2025-11-25 on a server of 2026-07-28. What the server asks by `input_required` becomes
 * questions to the client while its request stays open; then the server is asked again, with the answers.
 */
export async function legacyToModern(way: Way, asked: Asked, options: Options): Promise<RelayedResult> {
  const { name } = options
  const { method, context } = asked
  const { peer } = context
  if (peer === undefined) throw needsPerson(name)
  const identity = identityFor(peer, 'logging' in way.connection.capabilities)
  let { params } = asked
  for (let round = 0; ; round++) {
    const call = new RunningCall(asked, forModern(params, identity, false), noQuestions, way.line)
    const result = await way.line.run(way.connection, call).catch((error: unknown) => {
      throw aboutClient(name, error)
    })
    if (!isInputRequired(result)) return legacyResult(method, result)
    if (!MAY_ASK.has(method)) throw broken(name, `it asks something on ${method}, which cannot`)
    if (round === MOST_ROUNDS) throw broken(name, `it asked ${MOST_ROUNDS} times and asks again`)
    params = withAnswers(asked.params, await answersTo(result, context, options))
  }
}

/** In 2026-07-28 servers send no requests (basic, "Message Patterns"). */
const noQuestions: Answer = async () => {
  throw refuseQuestion('A server of 2026-07-28 asks by input_required.')
}

/** Everything that one round asks, asked at once; the first that fails withdraws the others. */
async function answersTo(result: RelayedResult, context: CallContext, { name, clock }: Options): Promise<Retry> {
  const members = readMembers(result.text)
  const requestState = members.get('requestState')
  const requests = requestsOf(name, members.get('inputRequests'))
  if (requests.length === 0) {
    if (requestState === undefined) throw broken(name, 'its input_required has neither inputRequests nor requestState')
    await sleep(clock, PAUSE_MS, context.signal)
    return { inputResponses: undefined, requestState }
  }
  refuseUndeclared(name, requests, context.peer?.capabilities ?? {})
  const round = new AbortController()
  const ask = async ({ key, method, params }: InputRequest): Promise<[string, JsonText]> => {
    const answer = await askClient({ method, params, signal: round.signal }, context, clock)
    return [key, answer.text]
  }
  try {
    const answers = await Promise.all(requests.map(ask))
    return { inputResponses: writeMembers(new Map(answers)), requestState }
  } catch (error) {
    round.abort(error)
    if (context.signal.aborted) throw context.signal.reason
    throw unanswered(name, error)
  }
}

function requestsOf(name: string, text: JsonText | undefined): InputRequest[] {
  if (text === undefined || !text.startsWith('{')) return []
  return [...readMembers(text)].map(([key, request]) => {
    const members = request.startsWith('{') ? readMembers(request) : new Map<string, JsonText>()
    const method: unknown = JSON.parse(members.get('method') ?? 'null')
    const params = members.get('params') ?? '{}'
    if (typeof method !== 'string' || requiredOf(method, params) === undefined)
      throw broken(name, `it asks something that no client knows (${JSON.stringify(key.slice(0, 100))})`)
    return { key, method, params: withElicitationId(method, params) }
  })
}

/** 2025-11-25 wants an id of an elicitation by URL; 2026-07-28 has none (changelog, minor changes, 11). */
function withElicitationId(method: string, params: JsonText): JsonText {
  if (method !== 'elicitation/create') return params
  const value = JSON.parse(params) as unknown
  const needsId = isObject(value) && value['mode'] === 'url' && !('elicitationId' in value)
  return needsId ? prepend(params, `"elicitationId":"${randomUUID()}"`) : params
}

/** Before anything is asked: half of the questions help nobody. */
function refuseUndeclared(name: string, requests: readonly InputRequest[], capabilities: Params): void {
  for (const { method, params } of requests) {
    const required = requiredOf(method, params) ?? {}
    if (declares(capabilities, required)) continue
    throw new Fault('conflict', `${name} asks ${method}, and the client did not declare ${JSON.stringify(required)}.`, {
      hint: 'Call it from an MCP client that declares this.',
      details: { provider: name },
    })
  }
}

function unanswered(name: string, error: unknown): Fault {
  const said = error instanceof RelayedError ? error.error.message : (error as Error).message
  const code = error instanceof Fault && error.code === 'timeout' ? 'timeout' : 'conflict'
  return new Fault(code, `${name} asked the client something and got no answer: ${said}`, {
    hint: 'The call went no further. Make it again when somebody can answer.',
    details: { provider: name },
  })
}

const broken = (name: string, what: string) =>
  new Fault('upstream_failed', `${name} breaks the protocol: ${what}.`, { details: { provider: name } })

interface Identity {
  readonly logLevel: string | undefined
  readonly text: string
}

/** The same in every request of a session. */
const identities = new WeakMap<ClientSession, Identity>()

function identityFor({ session, clientInfo, capabilities, logLevel }: Peer, logs: boolean): string {
  const wanted = logs ? (logLevel ?? DEFAULT_LOG_LEVEL) : undefined
  const known = session && identities.get(session)
  if (known !== undefined && known.logLevel === wanted) return known.text
  // Tasks of 2025-11-25 are another thing than those of today, under the same name.
  const { tasks: _tasks, ...rest } = capabilities
  const text = identityOf({
    clientInfo: isComplete(clientInfo) ? clientInfo : undefined,
    capabilities: rest,
    ...(wanted !== undefined && { logLevel: wanted }),
  })
  if (session) identities.set(session, { logLevel: wanted, text })
  return text
}

/** 2026-07-28 does without it, but not with half of it. */
const isComplete = (info: Params | undefined) =>
  typeof info?.['name'] === 'string' && typeof info['version'] === 'string'
