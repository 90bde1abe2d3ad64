import type { SpanExporter } from '@opentelemetry/sdk-trace'
import type { Log } from '../../kernel/log.ts'

/** The exporter, with a line in the log when the collector cannot be reached, and when it can again. */
export function toldOf(exporter: SpanExporter, log: Log): SpanExporter {
  let isAway = false
  return {
    export(spans, done) {
      exporter.export(spans, (result) => {
        const failed = result.error !== undefined
        if (failed && !isAway) log.warn('traces cannot be sent; they are lost', { error: result.error })
        if (!failed && isAway) log.info('traces are sent again')
        isAway = failed
        done(result)
      })
    },
    shutdown: () => exporter.shutdown(),
  }
}
