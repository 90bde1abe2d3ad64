import { firehose } from '../firehose.ts'
import { startHub } from '../hub.ts'
import type { Row } from '../row.ts'

const LEAST_SHARE = 0.9
const COUNT = 50_000

/** Collecting while somebody publishes as fast as the broker takes it. */
export const firehoseRows: readonly Row[] = (['embedded', 'mosquitto'] as const).flatMap((broker) => [
  {
    tags: ['mqtt', 'firehose', broker],
    name: `collecting from a firehose, QoS 0, ${broker}`,
    limit: `≥ ${LEAST_SHARE} × mosquitto_sub`,
    async run() {
      await using hub = await startHub({ broker })
      const { received, bySub, publishedPerSecond } = await firehose(hub, { count: COUNT, qos: 0 })
      return {
        measured: `${received} of ${COUNT} at ${Math.round(publishedPerSecond)}/s`,
        reference: `${bySub}`,
        ok: received >= LEAST_SHARE * bySub,
        figures: { received, by_mosquitto_sub: bySub, published: COUNT, published_per_second: publishedPerSecond },
      }
    },
  },
  {
    tags: ['mqtt', 'firehose', 'sampler', broker],
    name: `sampling a firehose, QoS 0, ${broker}`,
    limit: `≥ ${LEAST_SHARE} × mosquitto_sub`,
    async run() {
      await using hub = await startHub({ broker })
      const { received, bySub, publishedPerSecond } = await firehose(hub, { count: COUNT, qos: 0, mode: 'sample' })
      return {
        measured: `${received} of ${COUNT} at ${Math.round(publishedPerSecond)}/s`,
        reference: `${bySub}; the index listens too`,
        ok: received >= LEAST_SHARE * bySub,
        figures: { received, by_mosquitto_sub: bySub, published: COUNT, published_per_second: publishedPerSecond },
      }
    },
  },
  {
    tags: ['mqtt', 'firehose', broker],
    name: `collecting from a firehose, QoS 1, ${broker}`,
    limit: 'nothing lost',
    async run() {
      await using hub = await startHub({ broker })
      const { received, bySub, publishedPerSecond } = await firehose(hub, { count: COUNT, qos: 1 })
      return {
        measured: `${received} of ${COUNT} at ${Math.round(publishedPerSecond)}/s`,
        reference: `mosquitto_sub ${bySub}`,
        ok: received === COUNT,
        figures: { received, by_mosquitto_sub: bySub, published: COUNT, published_per_second: publishedPerSecond },
      }
    },
  },
])
