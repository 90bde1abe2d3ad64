import type { Clock } from '../../kernel/clock.ts'
import { Fault } from '../../kernel/fault.ts'
import type { RelayedResult } from '../../kernel/mcp/relayed.ts'
import type { CallContext } from '../../kernel/tool.ts'
import type { ServerRequest } from '../connection/connection.ts'
import { declares, requiredOf } from './capabilities.ts'
import { notDeclared, refuseQuestion } from './refusals.ts'

/** How long a person may take to answer. */
export const LONGEST_ANSWER_MS = 600_000
/** A person takes longer than a program: meanwhile the call's own limit begins anew so often. */
const EXTEND_EVERY_MS = 5_000

type Question = Pick<ServerRequest, 'method' | 'params' | 'signal'>

/**
 * Asks the client behind a call, while it waits. Throws RelayedError with the client's own error or with why it can't be
 * asked; Fault `timeout`.
 */
export async function askClient(question: Question, context: CallContext, clock: Clock): Promise<RelayedResult> {
  const { peer } = context
  if (peer?.ask === undefined) throw refuseQuestion(`The call came by ${context.caller.via}: nobody can be asked.`)
  const { method, params } = question
  const required = requiredOf(method, params)
  if (required !== undefined && !declares(peer.capabilities, required)) throw notDeclared(required)
  const limit = new AbortController()
  const late = () => limit.abort(new Fault('timeout', `Nobody answered within ${LONGEST_ANSWER_MS / 60_000} minutes.`))
  const cancelLimit = clock.after(LONGEST_ANSWER_MS, late)
  let cancelExtension = () => {}
  const extend = () => {
    context.extend()
    cancelExtension = clock.after(EXTEND_EVERY_MS, extend)
  }
  extend()
  try {
    return await peer.ask(method, params, AbortSignal.any([question.signal, context.signal, limit.signal]))
  } finally {
    cancelLimit()
    cancelExtension()
  }
}
