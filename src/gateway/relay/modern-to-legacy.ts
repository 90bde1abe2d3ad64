import type { Clock } from '../../kernel/clock.ts'
import { isObject, type Params } from '../../kernel/mcp/message.ts'
import { RPC } from '../../kernel/mcp/protocol.ts'
import { readMembers, type JsonText } from '../../kernel/mcp/raw.ts'
import { RelayedError, withCode, type RelayedResult } from '../../kernel/mcp/relayed.ts'
import { declares } from './capabilities.ts'
import type { Way } from './hops.ts'
import { InteractiveCall } from './interactive-call.ts'
import { forLegacy } from './params.ts'
import { PARKED_MS, type Parking } from './parking.ts'
import { ERA_RPC, invalidParams, missingCapability, refuseQuestion } from './refusals.ts'
import { inputRequired, MAY_ASK, modernResult } from './results.ts'
import { RunningCall, type Answer, type Asked } from './running-call.ts'

interface Options {
  readonly name: string
  readonly clock: Clock
  readonly parking: Parking
}

/** The state with which a client of 2026-07-28 comes back to a call that the hub keeps for it. */
export function returnedState(method: string, params: JsonText): JsonText | undefined {
  // Most come with none, and pay one search for it.
  return MAY_ASK.has(method) && params.includes('requestState') ? readMembers(params).get('requestState') : undefined
}

/** Goes on with a parked call. Throws RelayedError -32602 where there is none for this caller. */
export async function resume(asked: Asked, { name, parking }: Options): Promise<RelayedResult> {
  const { token, inputResponses, requestState } = forLegacy(asked.params)
  const call = parking.find(requestState, asked.context.caller, subjectOf(asked))
  if (inputResponses !== undefined && !inputResponses.startsWith('{'))
    throw invalidParams(name, 'inputResponses must be an object')
  return await call.resume(asked.context, token, readMembers(inputResponses ?? '{}'))
}

/**
 * A client of 2026-07-28 on a server of before. Where the server may ask something meanwhile, the call is one that can be
 * parked; answers that came without a state belong to nothing here and are left out.
 */
export async function modernToLegacy(way: Way, asked: Asked, options: Options): Promise<RelayedResult> {
  const { name, clock, parking } = options
  const { method, context } = asked
  const outbound = forLegacy(asked.params)
  const capabilities = context.peer?.capabilities ?? {}
  if (!MAY_ASK.has(method)) return await run(way, new RunningCall(asked, outbound, noQuestions, way.line), options)
  const interactive = new InteractiveCall({
    name,
    clock,
    caller: context.caller,
    subject: () => subjectOf(asked),
    capabilities,
    parkedMs: PARKED_MS,
    park: (call) => parking.park(call),
    over: (call) => parking.over(call),
  })
  const call = new RunningCall({ ...asked, signal: interactive.signal }, outbound, interactive.answer, way.line)
  return await interactive.begin(call, context, () => run(way, call, { name, capabilities }))
}

async function run(
  { line, connection }: Way,
  call: RunningCall,
  { name, capabilities = {} }: { name: string; capabilities?: Params },
): Promise<RelayedResult> {
  try {
    return modernResult(call.method, await line.run(connection, call))
  } catch (error) {
    if (!(error instanceof RelayedError)) throw error
    const { code } = error.error
    if (code === ERA_RPC.urlElicitationRequired && MAY_ASK.has(call.method)) return visits(name, error, capabilities)
    // 2026-07-28 must not emit the old number (basic, "Error Codes").
    if (code === ERA_RPC.resourceNotFound) throw new RelayedError(name, withCode(error.error, RPC.invalidParams))
    throw error
  }
}

/** Pages to visit first, as 2026-07-28 asks for it; then the client calls again, and the server sees for itself. */
function visits(name: string, error: RelayedError, capabilities: Params): RelayedResult {
  const required = { elicitation: { url: {} } }
  if (!declares(capabilities, required)) throw missingCapability(name, required)
  const { data } = error.error
  const elicitations =
    isObject(data) && Array.isArray(data['elicitations']) ? data['elicitations'].filter(isObject) : []
  if (elicitations.length === 0) throw error
  const requests = elicitations.map(({ elicitationId: _id, ...params }, index) => ({
    key: `visit_${index + 1}`,
    method: 'elicitation/create',
    params: JSON.stringify({ mode: 'url', ...params }),
  }))
  return inputRequired(requests)
}

const noQuestions: Answer = async (_, { method }) => {
  throw refuseQuestion(`A client of 2026-07-28 cannot be asked anything during ${method}.`)
}

/** What a retry must have in common with what it repeats: the method, and what it names. */
function subjectOf({ method, params }: Asked): string {
  const members = readMembers(params)
  const named: unknown = JSON.parse(members.get('name') ?? members.get('uri') ?? 'null')
  return `${method} ${String(named)}`
}
