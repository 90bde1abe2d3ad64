import type { SpanContext } from '@opentelemetry/api'

const PATTERN = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/
const SAMPLED = 1

/** `traceparent` as W3C Trace Context, 3.2 has it; undefined: it is none, and the trace begins anew (4.3). */
export function parseTraceparent(text: string): SpanContext | undefined {
  const [, version, traceId = '', spanId = '', flags = '', more] = PATTERN.exec(text) ?? []
  if (version === undefined || version === 'ff') return undefined
  // Only later versions may say more than this one.
  if (version === '00' && more !== undefined) return undefined
  if (/^0+$/.test(traceId) || /^0+$/.test(spanId)) return undefined
  return { traceId, spanId, traceFlags: Number.parseInt(flags, 16) & SAMPLED, isRemote: true }
}
