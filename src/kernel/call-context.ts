import { LateLog, tee } from './call-log.ts'
import type { Call } from './call.ts'
import type { Log } from './log.ts'
import type { CallContext } from './tool.ts'
import type { Span } from './trace.ts'

interface ContextParts {
  requestId: string
  span: Span | undefined
  signal: AbortSignal
  extend?: () => void
  log: (trace: string | undefined) => Log
}

/** What the handler gets of a call. */
export function contextOf(call: Call, { requestId, span, signal, extend = () => {}, log }: ContextParts): CallContext {
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
