import { randomUUID } from 'node:crypto'
import { sleep, type Clock } from '../../kernel/clock.ts'
import { Fault } from '../../kernel/fault.ts'
import { isObject, type Params } from '../../kernel/mcp/message.ts'
import { readMembers, writeMembers, type JsonText } from '../../kernel/mcp/raw.ts'
import { RelayedError, type RelayedResult } from '../../kernel/mcp/relayed.ts'
import type { CallContext } from '../../kernel/tool.ts'
import { askClient } from './asking.ts'
import { declares, requiredOf } from './capabilities.ts'
import { aboutClient, type Way } from './hops.ts'
import { forModern, prepend, withAnswers, type Retry } from './params.ts'
import { needsPerson, refuseQuestion } from './refusals.ts'
import { isInputRequired, legacyResult, MAY_ASK, type InputRequest } from './results.ts'
import { RunningCall, type Answer, type Asked } from './running-call.ts'
import type { SessionIdentities } from './session-identities.ts'

/** Times a server may ask during one call. */
const MOST_ROUNDS = 8
/** A server that asks nothing and wants to be called again is not called without pause. */
const PAUSE_MS = 250

interface Options {
  readonly name: string
  readonly clock: Clock
  readonly identities: SessionIdentities
}

/**
 * A client of a revision up to 2025-11-25 on a server of 2026-07-28. What the server asks by `input_required` becomes
 * questions to the client while its request stays open; then the server is asked again, with the answers.
 */
export async function legacyToModern(way: Way, asked: Asked, options: Options): Promise<RelayedResult> {
  const { name, identities } = options
  const { method, context } = asked
  const { peer } = context
  if (peer === undefined) throw needsPerson(name)
  const identity = identities.of(peer, 'logging' in way.connection.capabilities)
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
  // Never one that is tried again by itself: nobody wants to be asked twice.
  return new Fault('conflict', `${name} asked the client something and got no answer: ${said}`, {
    hint: 'The call went no further. Make it again when somebody can answer.',
    details: { provider: name },
  })
}

const broken = (name: string, what: string) =>
  new Fault('upstream_failed', `${name} breaks the protocol: ${what}.`, { details: { provider: name } })
