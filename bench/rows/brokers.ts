import { fiveBrokers } from '../../src/testing/five-brokers.ts'
import type { Row } from '../row.ts'

const PERIOD_MS = 5000
/** Long enough for some deaths, where no soak longer than the default is asked for. */
const SHORT_MINUTES = 0.5
const DEFAULT_SOAK_MINUTES = 2

/** Five brokers at once, one of which dies and comes back every 5 s: half a minute, or as long as `--soak` says. */
export const brokers: Row = {
  tags: ['mqtt', 'brokers', 'soak'],
  name: '5 brokers, one dying every 5 s',
  limit: 'others unaffected, none leaks',
  async run({ soakMinutes }) {
    const minutes = soakMinutes > DEFAULT_SOAK_MINUTES ? soakMinutes : SHORT_MINUTES
    const found = await fiveBrokers({ durationMs: minutes * 60_000, periodMs: PERIOD_MS })
    const { deaths, reconnects, published, seen, failures, leakedSockets } = found
    return {
      measured: `${reconnects}/${deaths} reconnects, ${seen}/${published} messages`,
      reference: `${failures} failures, ${leakedSockets} sockets left`,
      ok: deaths > 0 && reconnects === deaths && seen === published && failures === 0 && leakedSockets === 0,
      figures: {
        minutes,
        deaths,
        reconnects,
        slowest_reconnect_ms: found.slowestReconnectMs,
        published,
        seen,
        failures,
        slowest_publish_ms: found.slowestPublishMs,
        leaked_sockets: leakedSockets,
        grown_heap_mb: found.grownHeapMb,
      },
    }
  },
}
