import {
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
  TraceFlags,
  type Context,
  type Span as OtelSpan,
  type Tracer as OtelTracer,
} from '@opentelemetry/api'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http'
import { BatchSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace'
import type { FaultCode } from '../../kernel/fault.ts'
import type { Log } from '../../kernel/log.ts'
import type { Span, SpanAttributes, Tracer } from '../../kernel/trace.ts'
import { hubResource } from './resource.ts'
import { parseTraceparent } from './traceparent.ts'
import { toldOf } from './told-exporter.ts'

export interface TracingOptions {
  /** Of an OTLP collector over HTTP, as OTEL_EXPORTER_OTLP_ENDPOINT has it: `http://localhost:4318`. */
  readonly url: string
  readonly version: string
  readonly log: Log
}

export interface Tracing extends Tracer {
  /** Sends what is left, for a second at most. Never throws. */
  close(): Promise<void>
}

const TRACES_PATH = '/v1/traces'
const CLOSE_MS = 1000
/** One attempt to reach the collector; what it cannot take meanwhile waits, 2048 spans at most. */
const EXPORT_MS = 5000

/** Spans to an OpenTelemetry collector. Nothing of it is global: two hubs in one process do not mix. */
export function openTracing({ url, version, log }: TracingOptions): Tracing {
  const exporter = new OTLPTraceExporter({ url: tracesUrl(url), timeoutMillis: EXPORT_MS })
  const provider = new TracerProvider({
    resource: hubResource(version),
    spanProcessors: [new BatchSpanProcessor({ exporter: toldOf(exporter, log) })],
  })
  const tracer = provider.getTracer('alicia', version)
  return {
    start(name, attributes, parent) {
      const remote = parent === undefined ? undefined : parseTraceparent(parent)
      const context = remote ? trace.setSpanContext(ROOT_CONTEXT, remote) : ROOT_CONTEXT
      return begin(tracer, { name, attributes, context, kind: SpanKind.SERVER })
    },
    async close() {
      const { promise: late, resolve } = Promise.withResolvers<void>()
      const timer = setTimeout(resolve, CLOSE_MS)
      await Promise.race([provider.shutdown(), late]).catch((error: unknown) =>
        log.debug('the last spans were not sent', { error }),
      )
      clearTimeout(timer)
    },
  }
}

interface Beginning {
  readonly name: string
  readonly attributes: SpanAttributes
  readonly context: Context
  readonly kind: SpanKind
}

function begin(tracer: OtelTracer, { name, attributes, context, kind }: Beginning): Span {
  const span = tracer.startSpan(name, { kind, attributes: ours(attributes) }, context)
  return {
    traceparent: traceparentOf(span),
    child: (own, more) =>
      begin(tracer, { name: own, attributes: more, context: trace.setSpan(context, span), kind: SpanKind.CLIENT }),
    end: (outcome) => end(span, outcome),
  }
}

function end(span: OtelSpan, outcome: 'ok' | FaultCode): void {
  span.setAttribute('alicia.outcome', outcome)
  // The message of a fault can quote what a server said: the code is enough, the log has the rest.
  if (outcome !== 'ok') span.setStatus({ code: SpanStatusCode.ERROR, message: outcome })
  span.end()
}

const ours = (attributes: SpanAttributes): SpanAttributes =>
  Object.fromEntries(Object.entries(attributes).map(([key, value]) => [`alicia.${key}`, value]))

/** W3C Trace Context, 3.2. */
function traceparentOf(span: OtelSpan): string {
  const { traceId, spanId, traceFlags } = span.spanContext()
  return `00-${traceId}-${spanId}-${(traceFlags & TraceFlags.SAMPLED).toString(16).padStart(2, '0')}`
}

/** The OTLP exporter specification: the path of the signal is put behind that of the endpoint. */
function tracesUrl(endpoint: string): string {
  const url = new URL(endpoint)
  if (!url.pathname.endsWith(TRACES_PATH)) url.pathname = `${url.pathname.replace(/\/$/, '')}${TRACES_PATH}`
  return url.href
}
