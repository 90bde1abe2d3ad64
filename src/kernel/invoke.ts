import type { Approvals, Approved } from './approval.ts'
import type { Audit } from './audit.ts'
import { contextOf } from './call-context.ts'
import type { Call } from './call.ts'
import type { Caller } from './caller.ts'
import { sleep, type Clock } from './clock.ts'
import { clockTime } from './clock-time.ts'
import { Deadline, Deadlines } from './deadline.ts'
import { Fault, hubStopping, toFault, type FaultCode } from './fault.ts'
import type { Log } from './log.ts'
import { RelayedResult } from './mcp/relayed.ts'
import type { Metrics } from './metrics.ts'
import type { Policy } from './policy.ts'
import { createRecorder, type ArgumentKeeping, type Started } from './recorder.ts'
import type { Entry, Registry } from './registry.ts'
import { SmallSet } from './small-set.ts'
import { newRequestId } from './request-id.ts'
import type { CallContext, Tool } from './tool.ts'
import type { Span, Tracer } from './trace.ts'
import { CallController, untilAborted } from './withdrawal.ts'

export type { Call }

/** The one door: every caller's every call goes through it. Throws Fault, never anything else. */
export type Invoke = (call: Call) => Promise<unknown>

export interface Door {
  readonly invoke: Invoke
  /** Refuses new calls, lets the running ones finish for `graceMs`, then aborts what is left. */
  close(graceMs: number): Promise<void>
}

export interface DoorOptions {
  registry: Registry
  policy: Policy
  metrics: Metrics
  audit: Audit
  /** Which calls have their arguments on record, and what is left of them. Absent: none. */
  keepArguments?: ArgumentKeeping
  clock: Clock
  log: Log
  /** Absent: nothing is traced. */
  tracer?: Tracer
  /** Absent: no call waits for a person. */
  approvals?: Approvals
  /** Check every result against its schema: in development and tests. */
  checkOutput: boolean
}

export function openDoor(options: DoorOptions): Door {
  const { registry, policy, metrics, audit, clock, log, tracer, approvals, checkOutput, keepArguments } = options
  const running = new SmallSet<AbortController>()
  const deadlines = new Deadlines(clock, tooLate)
  let closing = false
  let drained = () => {}
  const recorder = createRecorder({ audit, metrics, clock, log, ...(keepArguments && { keepArguments }) })

  /** Throws Fault: who may not, who asks too often, and everybody once the hub stops. */
  function admit(caller: Caller, entry: Entry, nowMs: number): void {
    try {
      policy.authorize(caller, entry)
    } catch (refusal) {
      // It counts too: each one is written down.
      policy.limit(caller, entry.tool, nowMs)
      throw refusal
    }
    if (closing) throw hubStopping()
    policy.limit(caller, entry.tool, nowMs)
  }

  function leave(controller: AbortController): void {
    if (running.delete(controller) && closing && running.size === 0) drained()
  }

  /** Throws Fault: who may not, what is wrong with the input. */
  function inputOf({ call, entry, startMs }: Started): unknown {
    admit(call.caller, entry, startMs)
    const input = entry.tool.parse(call.input)
    policy.confine(call.caller, entry, input)
    return input
  }

  /** Runs the tool again, where that is safe and may help. Throws what it threw, where not. */
  async function again({ call, entry, input, context }: FailedRun, failure: unknown): Promise<unknown> {
    let error = failure
    for (let count = 1; ; count++) {
      if (context.signal.aborted) throw context.signal.reason
      if (call.retry === false) throw error
      const waitMs = error instanceof Fault ? policy.retryAfterMs(entry, error, count) : undefined
      if (waitMs === undefined) throw error
      metrics.retried(entry.provider.id)
      context.log.debug('retrying', { attempt: count, waitMs })
      await sleep(clock, waitMs, context.signal)
      try {
        return await run(entry, input, context, clock)
      } catch (next) {
        error = next
      }
    }
  }

  /** Throws when the result is not what the tool promises, where that is to be checked. */
  function outcomeOf(tool: Tool, output: unknown): 'ok' | FaultCode {
    // It was answered, and passes on unchanged, in MCP's form of it; but whoever counts wants to know.
    if (output instanceof RelayedResult) return output.isError ? 'upstream_failed' : 'ok'
    if (checkOutput) tool.checkOutput(output)
    return 'ok'
  }

  /** Identity is the adapter's; then scope, rate, input, provider, run, check: a refusal comes as early as it can. */
  async function invoke(call: Call): Promise<unknown> {
    const entry = registry.find(call.operation)
    const { tool } = entry
    const requestId = call.requestId ?? newRequestId()
    const span = tracer && spanOf(tracer, call, entry)
    const started: Started = { call, entry, requestId, atMs: clock.now(), startMs: clock.monotonic(), span }
    const controller = call.controller ?? new CallController()
    const unfollow = call.signal && follow(call.signal, controller, tool)
    const deadline = new Deadline(deadlines, controller, tool)
    const context = contextOf(call, {
      requestId,
      span,
      extend: tool.progressExtends ? () => deadline.extend() : undefined,
      signal: controller.signal,
      log: (trace) => log.child({ requestId, operation: tool.name, ...(trace !== undefined && { trace }) }),
    })
    running.add(controller)
    metrics.running(1)
    let outcome: 'ok' | FaultCode = 'ok'
    let approved: Pick<Approved, 'ended'> & Partial<Approved> = NOT_ASKED
    let own = context
    let sinceMs = started.startMs
    try {
      const input = inputOf(started)
      // The time limit is the operation's: how long a person takes to look is another matter.
      if (approvals?.isNeeded(call.caller, entry)) {
        const allowed = await approvals.ask(entry, input, context)
        approved = allowed
        own = allowed.context
        sinceMs = clock.monotonic()
      }
      deadline.begin(policy.deadlineMs(tool, input, call.timeoutMs), sinceMs)
      // Not in a function of its own: each one that waits costs every call.
      let output: unknown
      try {
        output = await run(entry, input, own, clock)
      } catch (failure) {
        output = await again({ call, entry, input, context: own }, failure)
      }
      outcome = outcomeOf(tool, output)
      approved.ended(output)
      return output
    } catch (error) {
      const fault = toFault(error, (reference, cause) => context.log.error('call failed', { reference, error: cause }))
      outcome = fault.code
      throw fault
    } finally {
      deadline.end()
      unfollow?.()
      leave(controller)
      const recorded = recorder.close(started, outcome, approved.by)
      // What changed something is on record before the caller hears of it.
      if (recorded) await recorded
    }
  }

  return {
    invoke,
    async close(graceMs) {
      closing = true
      approvals?.close()
      if (running.size === 0) return
      const done = new Promise<void>((resolve) => (drained = resolve))
      const cancel = clock.after(graceMs, () => {
        for (const controller of running) controller.abort(hubStopping())
      })
      await done
      cancel()
    },
  }
}

/** Of calls that nobody is asked about: nearly all. */
const NOT_ASKED = { ended: () => {} }

const spanOf = (tracer: Tracer, { caller, trace }: Call, { tool, provider }: Entry): Span =>
  tracer.start(tool.name, { operation: tool.name, provider: provider.id, via: caller.via, effect: tool.effect }, trace)

interface FailedRun {
  readonly call: Call
  readonly entry: Entry
  readonly input: unknown
  readonly context: CallContext
}

/** One attempt. Throws what the tool throws, or the signal's reason. */
function run(entry: Entry, input: unknown, context: CallContext, clock: Clock): Promise<unknown> {
  requireUp(entry, clock)
  const work = entry.tool.run(input, context)
  return entry.tool.heedsSignal ? work : untilAborted(work, context.signal)
}

/** Aborts the call when its caller goes away; returns what ends that. */
function follow(signal: AbortSignal, controller: AbortController, tool: Tool): () => void {
  const giveUp = () => controller.abort(withdrawn(tool.name))
  if (signal.aborted) giveUp()
  else signal.addEventListener('abort', giveUp, { once: true })
  return () => signal.removeEventListener('abort', giveUp)
}

/** What runs elsewhere knows best itself whether a call may wait for it. */
function requireUp({ provider }: Entry, clock: Clock): void {
  if (provider.kind !== 'service') return
  const report = provider.report()
  if (report.status !== 'unavailable') return
  const since = clockTime(report.sinceMs, clock.now())
  throw new Fault(
    'unavailable',
    `${provider.id} is unavailable since ${since}: ${report.reason ?? 'no reason known'}.`,
    {
      hint: 'list_services shows why, and when it is back.',
      details: { provider: provider.id, since: new Date(report.sinceMs).toISOString() },
    },
  )
}

const withdrawn = (name: string) => new Fault('cancelled', `The call of ${name} was withdrawn by its caller.`)

const tooLate = ({ name, idempotent }: Tool, ms: number) =>
  new Fault(
    'timeout',
    `${name} did not finish within ${ms / 1000} s.`,
    idempotent
      ? { hint: 'Ask for less at once, or try again.' }
      : {
          hint: 'It may have been done, or not: look whether it took effect before you call it again.',
          // Programs follow this rather than the hint.
          retryable: false,
        },
  )
