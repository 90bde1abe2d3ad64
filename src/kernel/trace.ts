import type { FaultCode } from './fault.ts'

export type SpanAttributes = Readonly<Record<string, string | number | boolean>>

/** One step of a trace (W3C Trace Context). */
export interface Span {
  /** Of this span, for whoever is asked next. */
  readonly traceparent: string
  /** A step within it: somebody else is asked. */
  child(name: string, attributes: SpanAttributes): Span
  /** Once. */
  end(outcome: 'ok' | FaultCode): void
}

/** Where spans go. A hub that traces nothing has none, and a call costs nothing more then. */
export interface Tracer {
  /** `parent`: the caller's `traceparent`, whose trace it joins; one that is no such thing begins a new trace. */
  start(name: string, attributes: SpanAttributes, parent: string | undefined): Span
}
