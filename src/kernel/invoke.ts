import type { Audit, AuditEntry } from './audit.ts'
import { LateLog, tee, type LogListener } from './call-log.ts'
import type { Caller } from './caller.ts'
import { sleep, type Clock } from './clock.ts'
import { Deadline } from './deadline.ts'
import { Fault, hubStopping, toFault, type FaultCode } from './fault.ts'
import type { Log } from './log.ts'
import type { Peer } from './mcp/peer.ts'
import { RelayedResult } from './mcp/relayed.ts'
import type { Metrics } from './metrics.ts'
import type { Policy } from './policy.ts'
import type { Entry, Registry } from './registry.ts'
import { SmallSet } from './small-set.ts'
import type { CallContext, Progress, Tool } from './tool.ts'
import type { Span, Tracer } from './trace.ts'

/** A call, as an adapter hands it over. */
export interface Call {
  /** The exposed name, or the full `service.verb_noun`. */
  readonly operation: string
  readonly input: unknown
  readonly caller: Caller
  /** Aborts when the caller goes away. */
  readonly signal?: AbortSignal
  /**
   * In place of `signal`: the adapter's own controller, made for this call alone. The call takes it as its own: the
   * deadline aborts it too, so it must not be shared. Whoever aborts it gives a Fault as the reason.
   */
  readonly controller?: AbortController
  /** Milliseconds the caller is willing to wait; it can shorten the operation's own limit, not lengthen it. */
  readonly timeoutMs?: number
  readonly emit?: (progress: Progress) => void
  /** Where the handler's log lines go besides the hub's log. */
  readonly logTo?: LogListener
  /** W3C `traceparent` of the caller: for the log, and the trace that the call joins. */
  readonly trace?: string
  /** The MCP client that asks. */
  readonly peer?: Peer
  /** `false`: one attempt only, because whoever calls has somebody else to ask. */
  readonly retry?: false
  /** Under which the log and the audit have the call, where the adapter tells its caller; made by `invoke` otherwise. */
  readonly requestId?: string
}

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
  clock: Clock
  log: Log
  /** Absent: nothing is traced. */
  tracer?: Tracer
  /** Check every result against its schema: in development and tests. */
  checkOutput: boolean
}

/** Refusals that anybody can have without end and that say nothing of anybody: they would fill the disk. Metrics have them. */
const UNRECORDED: ReadonlySet<'ok' | FaultCode> = new Set(['unauthenticated', 'rate_limited'])

export function openDoor(options: DoorOptions): Door {
  const { registry, policy, metrics, audit, clock, log, tracer, checkOutput } = options
  const running = new SmallSet<AbortController>()
  let closing = false
  let drained = () => {}
  let noted: Promise<void> | undefined

  /** Throws Fault: who may not, who asks too often, and everybody once the hub stops. */
  function admit(caller: Caller, tool: Tool): void {
    try {
      policy.authorize(caller, tool)
    } catch (refusal) {
      // It counts too: each one is written down.
      policy.limit(caller)
      throw refusal
    }
    if (closing) throw hubStopping()
    policy.limit(caller)
  }

  /** Runs the tool, and again where that is safe and may help. */
  async function attempt(entry: Entry, input: unknown, context: CallContext, retry: boolean): Promise<unknown> {
    for (let count = 1; ; count++) {
      try {
        requireUp(entry)
        return await untilAborted(entry.tool.run(input, context), context.signal)
      } catch (error) {
        if (context.signal.aborted) throw context.signal.reason
        const waitMs = retry && error instanceof Fault ? policy.retryAfterMs(entry, error, count) : undefined
        if (waitMs === undefined) throw error
        metrics.retried(entry.provider.id)
        context.log.debug('retrying', { attempt: count, waitMs })
        await sleep(clock, waitMs, context.signal)
      }
    }
  }

  /** Apart from `invoke`, so that what waits for the disk holds the entry alone and not the whole call. */
  async function record(entry: AuditEntry): Promise<void> {
    try {
      await audit.record(entry)
    } catch (error) {
      log.error('the audit could not be written', { requestId: entry.requestId, error })
    }
  }

  /**
   * Nobody waits for this one. Entries that are written together share a promise, which is listened to once: a listener
   * for each call would be most of what is alive at any time, and be copied by every collection.
   */
  function note(entry: AuditEntry): void {
    const kept = audit.record(entry)
    if (kept === noted) return
    noted = kept
    kept.catch((error: unknown) => log.error('the audit could not be written', { requestId: entry.requestId, error }))
  }

  /** Throws when the result is not what the tool promises, where that is to be checked. */
  function outcomeOf(tool: Tool, output: unknown): 'ok' | FaultCode {
    // It was answered, and passes on unchanged, in MCP's form of it; but whoever counts wants to know.
    if (output instanceof RelayedResult) return output.isError ? 'upstream_failed' : 'ok'
    if (checkOutput) tool.checkOutput(output)
    return 'ok'
  }

  /** What is left of a call when it is over. What changed something resolves when it is on record; a read need not wait. */
  function close(
    { call, entry, requestId, atMs, startMs, span }: Started,
    outcome: 'ok' | FaultCode,
  ): Promise<void> | undefined {
    const { tool, provider } = entry
    const { caller } = call
    const durationMs = clock.monotonic() - startMs
    metrics.running(-1)
    metrics.called(entry, outcome, durationMs, caller)
    span?.end(outcome)
    count(entry, outcome !== 'ok', durationMs, atMs + durationMs)
    if (UNRECORDED.has(outcome)) return undefined
    const written: AuditEntry = {
      requestId,
      atMs,
      callerId: caller.id,
      via: caller.via,
      ...(caller.address !== undefined && { address: caller.address }),
      operation: tool.name,
      provider: provider.id,
      effect: tool.effect,
      outcome,
      durationMs,
    }
    if (tool.effect !== 'read') return record(written)
    note(written)
    return undefined
  }

  /** Identity is the adapter's; then scope, rate, input, provider, run, check: a refusal comes as early as it can. */
  async function invoke(call: Call): Promise<unknown> {
    const entry = registry.find(call.operation)
    const { tool } = entry
    const requestId = call.requestId ?? crypto.randomUUID()
    const span = tracer && spanOf(tracer, call, entry)
    const started: Started = { call, entry, requestId, atMs: clock.now(), startMs: clock.monotonic(), span }
    const controller = call.controller ?? new AbortController()
    const giveUp = call.signal && follow(call.signal, controller, tool)
    const deadline = new Deadline(clock, () => controller.abort(tooLate(tool.name, deadline.limitMs)))
    const context = contextOf(call, {
      requestId,
      span,
      ...(tool.progressExtends && { extend: () => deadline.extend() }),
      signal: controller.signal,
      log: (trace) => log.child({ requestId, operation: tool.name, ...(trace !== undefined && { trace }) }),
    })
    running.add(controller)
    metrics.running(1)
    let outcome: 'ok' | FaultCode = 'ok'
    try {
      admit(call.caller, tool)
      const input = tool.parse(call.input)
      deadline.begin(policy.deadlineMs(tool, input, call.timeoutMs))
      const output = await attempt(entry, input, context, call.retry ?? true)
      outcome = outcomeOf(tool, output)
      return output
    } catch (error) {
      const fault = toFault(error, (reference, cause) => context.log.error('call failed', { reference, error: cause }))
      outcome = fault.code
      throw fault
    } finally {
      deadline.end()
      if (giveUp) call.signal?.removeEventListener('abort', giveUp)
      if (running.delete(controller) && closing && running.size === 0) drained()
      const recorded = close(started, outcome)
      // What changed something is on record before the caller hears of it.
      if (recorded) await recorded
    }
  }

  return {
    invoke,
    async close(graceMs) {
      closing = true
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

/** A call that was let in and runs. */
interface Started {
  readonly call: Call
  readonly entry: Entry
  readonly requestId: string
  /** Wall-clock milliseconds, and those of the monotonic clock. */
  readonly atMs: number
  readonly startMs: number
  readonly span: Span | undefined
}

const spanOf = (tracer: Tracer, { caller, trace }: Call, { tool, provider }: Entry): Span =>
  tracer.start(tool.name, { operation: tool.name, provider: provider.id, via: caller.via, effect: tool.effect }, trace)

/** Aborts the call when its caller goes away; returns the listener, to be taken off at the end. */
function follow(signal: AbortSignal, controller: AbortController, tool: Tool): () => void {
  const giveUp = () => controller.abort(withdrawn(tool.name))
  if (signal.aborted) giveUp()
  else signal.addEventListener('abort', giveUp, { once: true })
  return giveUp
}

interface ContextParts {
  requestId: string
  span: Span | undefined
  signal: AbortSignal
  extend?: () => void
  log: (trace: string | undefined) => Log
}

function contextOf(call: Call, { requestId, span, signal, extend = () => {}, log }: ContextParts): CallContext {
  let reported = Number.NEGATIVE_INFINITY
  return {
    ...(call.peer !== undefined && { peer: call.peer }),
    ...(span !== undefined && { span }),
    extend,
    signal,
    log: new LateLog(() => tee(log(call.trace), call.logTo)),
    caller: call.caller,
    requestId,
    emit(progress) {
      extend()
      // MCP 2026-07-28, progress: the value must increase, and none may come after the end.
      if (!call.emit || signal.aborted || progress.progress <= reported) return
      reported = progress.progress
      call.emit(progress)
    },
  }
}

/** What runs elsewhere knows best itself whether a call may wait for it. */
function requireUp({ provider }: Entry): void {
  if (provider.kind !== 'service') return
  const report = provider.report()
  if (report.status !== 'unavailable') return
  const since = new Date(report.sinceMs).toISOString()
  throw new Fault(
    'unavailable',
    `${provider.id} is unavailable since ${since}: ${report.reason ?? 'no reason known'}.`,
    {
      hint: 'list_services shows why, and when it is back.',
      details: { provider: provider.id, since },
    },
  )
}

/** The result, or the signal's reason as soon as it aborts: a handler that does not listen cannot hold its caller. */
function untilAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = () => reject(signal.reason)
    if (signal.aborted) stop()
    else signal.addEventListener('abort', stop, { once: true })
    work.then(
      (value) => {
        signal.removeEventListener('abort', stop)
        resolve(value)
      },
      (error: unknown) => {
        signal.removeEventListener('abort', stop)
        reject(error)
      },
    )
  })
}

function count({ statistics }: Entry, failed: boolean, durationMs: number, atMs: number): void {
  statistics.calls++
  if (failed) statistics.errors++
  statistics.lastMs = durationMs
  statistics.lastAtMs = atMs
}

const withdrawn = (name: string) => new Fault('cancelled', `The call of ${name} was withdrawn by its caller.`)

const tooLate = (name: string, ms: number) =>
  new Fault('timeout', `${name} did not finish within ${ms / 1000} s.`, { hint: 'Ask for less at once, or try again.' })
