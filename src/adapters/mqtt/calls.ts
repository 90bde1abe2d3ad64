import { createHash } from 'node:crypto'
import type { Caller } from '../../kernel/caller.ts'
import type { Clock } from '../../kernel/clock.ts'
import { Fault, hubStopping, toFault } from '../../kernel/fault.ts'
import type { Invoke } from '../../kernel/invoke.ts'
import type { Log } from '../../kernel/log.ts'
import type { Progress } from '../../kernel/tool.ts'
import { createAnswers, type RunKey } from './answers.ts'
import { answerOf, faultAnswer, type Answer } from './reply.ts'
import type { Request } from './request.ts'

/** Requests that may run at once: of one caller, and of all. The queue of a broker is not the place to wait in. */
const MOST_OF_ONE = 64
const MOST_OF_ALL = 256

/** A longer answer could be more than the broker takes in one packet, and it would cut off the hub for it. */
const LONGEST_ANSWER_BYTES = 1_000_000

const KEEP_ANSWERS = { keepMs: 600_000, most: 1000, mostBytes: 16_000_000 }

/** One request, with who sends it settled. */
export interface MqttCall {
  readonly caller: Caller
  readonly operation: string
  readonly request: Request
  /** The payload as it came: tells a repeated request from a new one. */
  readonly payload: Buffer
  readonly emit?: (progress: Progress) => void
}

/** Runs requests, none twice, and not too many at once. */
export interface Calls {
  /** Never rejects: what went wrong is the answer. */
  answer(call: MqttCall): Promise<Answer>
  /** Lets the running ones end for `graceMs`, then stops them; resolves when all have their answers. */
  close(graceMs: number): Promise<void>
}

export interface CallsOptions {
  invoke: Invoke
  clock: Clock
  log: Log
}

export function createCalls({ invoke, clock, log }: CallsOptions): Calls {
  const answers = createAnswers({ clock, ...KEEP_ANSWERS })
  const running = new Set<Promise<Answer>>()
  const runningOf = new Map<string, number>()
  const abort = new AbortController()
  let closing = false

  const run = async ({ caller, operation, request, emit }: MqttCall): Promise<Answer> => {
    const { body, timeoutMs, trace } = request
    try {
      if (body.is === 'refused') throw body.fault
      const output = await invoke({
        operation,
        input: body.input,
        caller,
        signal: abort.signal,
        ...(timeoutMs !== undefined && { timeoutMs }),
        ...(trace !== undefined && { trace }),
        ...(emit && { emit }),
      })
      return bounded(operation, answerOf(output))
    } catch (error) {
      return faultAnswer(abort.signal.aborted ? hubStopping() : asFault(error))
    }
  }

  const asFault = (error: unknown) =>
    toFault(error, (reference, cause) => log.error('a request failed', { reference, error: cause }))

  const admit = async (call: MqttCall): Promise<Answer> => {
    const ofCaller = runningOf.get(call.caller.id) ?? 0
    try {
      if (closing) throw hubStopping()
      if (ofCaller >= MOST_OF_ONE) throw tooMany(`${call.caller.name} has ${ofCaller} requests running.`)
      if (running.size >= MOST_OF_ALL) throw tooMany(`${running.size} requests are running.`)
      runningOf.set(call.caller.id, ofCaller + 1)
      try {
        const key = keyOf(call)
        return await (key ? answers.once(key, () => run(call)) : run(call))
      } finally {
        const left = (runningOf.get(call.caller.id) ?? 1) - 1
        if (left === 0) runningOf.delete(call.caller.id)
        else runningOf.set(call.caller.id, left)
      }
    } catch (error) {
      return faultAnswer(asFault(error))
    }
  }

  return {
    async answer(call) {
      const answer = admit(call)
      running.add(answer)
      try {
        return await answer
      } finally {
        running.delete(answer)
      }
    },
    async close(graceMs) {
      closing = true
      const cancel = clock.after(graceMs, () => abort.abort())
      await Promise.all(running)
      cancel()
    },
  }
}

/**
 * The caller's own key makes a request unique for ten minutes. What somebody asked with a login that may more is not answered to
 * their others. Without one, a request of QoS 1 or 2 that is there twice
 * at the same time, down to its correlation data, is a repeated delivery (MQTT 5.0, 4.3.2) and runs once.
 */
function keyOf({ caller, operation, request, payload }: MqttCall): RunKey | undefined {
  const { idempotencyKey, replyTo, qos } = request
  if (idempotencyKey !== undefined) {
    const input = request.body.is === 'read' ? JSON.stringify(request.body.input) : ''
    const id = JSON.stringify([caller.id, caller.credential, operation, idempotencyKey])
    return { id, fingerprint: digest(input), keep: true }
  }
  const correlation = replyTo.form === 'properties' ? replyTo.correlationData?.toString('base64') : undefined
  if (qos === 0 || replyTo.form !== 'properties' || correlation === undefined) return undefined
  const fingerprint = digest(payload)
  const id = JSON.stringify([caller.id, caller.credential, operation, replyTo.topic, correlation, fingerprint])
  return { id, fingerprint, keep: false }
}

const digest = (data: string | Buffer) => createHash('sha256').update(data).digest('base64')

function bounded(operation: string, answer: Answer): Answer {
  const bytes = Buffer.byteLength(answer.json)
  if (bytes <= LONGEST_ANSWER_BYTES) return answer
  throw new Fault(
    'too_large',
    `The result of ${operation} has ${bytes} bytes; ${LONGEST_ANSWER_BYTES} fit into an answer.`,
    {
      hint: 'Ask for less at once, or use the REST or MCP interface.',
    },
  )
}

const tooMany = (message: string) =>
  new Fault('rate_limited', message, { hint: 'Wait for answers before you send more.', retryAfterMs: 1000 })
