import { LateLog, tee } from './call-log.ts'
import type { Call } from './call.ts'
import type { Log } from './log.ts'
import type { CallContext } from './tool.ts'
import type { Span } from './trace.ts'

interface ContextParts {
  requestId: string
  span: Span | undefined
  signal: AbortSignal
  extend: (() => void) | undefined
  log: (trace: string | undefined) => Log
}

const NOTHING = () => {}

/** What the handler gets of a call. Each has the same members, there or not: a spread for each that may be missing is not free. */
export function contextOf(call: Call, { requestId, span, signal, extend = NOTHING, log }: ContextParts): CallContext {
  let reported = Number.NEGATIVE_INFINITY
  return {
    peer: call.peer,
    span,
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
