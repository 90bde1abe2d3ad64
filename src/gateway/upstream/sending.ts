import { Fault } from '../../kernel/fault.ts'
import { MODERN_REVISION } from '../../kernel/mcp/protocol.ts'
import { readMembers, writeMembers } from '../../kernel/mcp/raw.ts'
import { RelayedResult } from '../../kernel/mcp/relayed.ts'
import { inDoubt, verdictOf } from '../../kernel/resilience/blame.ts'
import type { Attempt, CallKind } from '../../kernel/resilience/group.ts'
import type { CallContext } from '../../kernel/tool.ts'
import type { Connection } from '../connection/connection.ts'
import { isLoginOver } from '../oauth/faults.ts'
import { SessionGone } from '../connection/session-gone.ts'
import type { Instance } from './instance.ts'
import type { Place } from './places.ts'
import { requestHeaders } from './request-headers.ts'
import type { PassedRequest } from './tools.ts'
import { traced } from './traced.ts'
import { ofTheServer } from './wanted-login.ts'

const READ: CallKind = { repeatable: true, hedged: true }
const REPEATABLE: CallKind = { repeatable: true, hedged: false }
const ONCE: CallKind = { repeatable: false, hedged: false }

const kindOf = ({ isRead, repeatable }: PassedRequest) => (isRead ? READ : repeatable ? REPEATABLE : ONCE)

/** Has one of a place's instances answer, and another where that helps. Throws Fault, RelayedError among them. */
export function passTo(place: Place, request: PassedRequest, context: CallContext): Promise<RelayedResult> {
  const answer = passToGroup(place, request, context)
  return request.repeatable ? answer : answer.catch(sayInDoubt)
}

const sayInDoubt = (error: unknown): never => {
  throw inDoubt(error)
}

function passToGroup({ group, instances }: Place, request: PassedRequest, context: CallContext) {
  const { signal } = context
  if (instances.length === 1)
    return group.run(
      (connection, own) => send({ request, context, connection, signal: own, instances }),
      context,
      kindOf(request),
    )
  // A call that waits for its client waits in one place.
  const connection = instances.find(({ relay }) => relay.holds(request.method, request.params))?.current()
  if (connection) return send({ request, context, connection, signal, instances })
  return passToOne({ group, instances }, request, context)
}

async function passToOne({ group, instances }: Place, request: PassedRequest, context: CallContext) {
  const tried: Attempt[] = []
  const result = await group.run(
    (connection, signal) => send({ request, context, connection, signal, instances }),
    context,
    kindOf(request),
    tried,
  )
  return tried.length > 1 && context.peer ? withTried(result, tried) : result
}

/** Who was asked before somebody answered; the only thing the hub adds to a result, and only then. */
const TRIED = 'alicia/tried'

function withTried(result: RelayedResult, tried: readonly Attempt[]): RelayedResult {
  const members = readMembers(result.text)
  const meta = readMembers(members.get('_meta') ?? '{}')
  meta.set(TRIED, JSON.stringify(tried.map((attempt) => ({ ...attempt, ms: Math.round(attempt.ms * 10) / 10 }))))
  return new RelayedResult(writeMembers(members.set('_meta', writeMembers(meta))))
}

interface Sending {
  readonly request: PassedRequest
  readonly context: CallContext
  readonly connection: Connection
  readonly signal: AbortSignal
  readonly instances: readonly Instance[]
}

function send(sending: Sending): Promise<RelayedResult> {
  const { request, context, instances } = sending
  if (!context.span) return sendTo(sending)
  const instance = instances.find((one) => one.current() === sending.connection)
  return traced(context.span, request, instance?.id ?? '', (own) => sendTo({ ...sending, request: own }))
}

function sendTo({ request, context, connection, signal, instances }: Sending): Promise<RelayedResult> {
  const { method, params, tool } = request
  const instance =
    instances.length === 1 ? instances[0] : instances.find((candidate) => candidate.current() === connection)
  if (!instance) return Promise.reject(new Fault('unavailable', 'The connection broke before the request was sent.'))
  const { relay, life } = instance
  const own = signal === context.signal ? context : { ...context, signal }
  const headers =
    connection.correlates && connection.revision === MODERN_REVISION
      ? requestHeaders(method, JSON.parse(params) as Record<string, unknown>, tool)
      : undefined
  life.busy(1)
  // Not where nobody logs in and no session ends: each function that waits for the answer makes its way longer.
  const answer = instance.isProgram
    ? relay.request(method, params, own, headers)
    : askAnew(() => relay.request(method, params, own, headers))
  answer.then(
    () => {
      life.noteSuccess()
      life.busy(-1)
    },
    (error: unknown) => {
      const verdict = verdictOf(error, Number.POSITIVE_INFINITY)
      if (verdict === 'answer') life.noteSuccess()
      else if (verdict === 'failure') life.noteFailure(error instanceof Error ? error.message : String(error))
      life.busy(-1)
      if (isLoginOver(error)) life.needsLogin(error.message)
    },
  )
  return answer
}

/** Sessions end by themselves when nobody calls for a while: the next call would be the one to find out, each time. */
const askAnew = (ask: () => Promise<RelayedResult>): Promise<RelayedResult> =>
  ask().catch((error: unknown) => (error instanceof SessionGone ? ask().catch(sayOfTheServer) : sayOfTheServer(error)))

const sayOfTheServer = (error: unknown): never => {
  throw ofTheServer(error)
}
