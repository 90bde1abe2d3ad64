import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createCompoundSchema } from 'genson-js'
import { decode } from '../../src/services/mqtt/decode/decode.ts'
import { createSchema, renderSchema } from '../../src/services/mqtt/schema/statistics.ts'
import type { Row } from '../row.ts'
import { median } from '../statistics.ts'

const MOST_MS = 3
const SAMPLES = 100
const ROUNDS = 30
const WARM_UP_ROUNDS = 20

/** What a Zigbee2MQTT device says it can do; a few of the members its messages then have. */
interface Expose {
  type: string
  property?: string
  values?: unknown[]
  value_on?: unknown
  value_off?: unknown
  value_min?: number
  value_max?: number
  features?: Expose[]
}

/** Payloads as a metering plug publishes them: every member of its exposes, its meters with values that change. */
function payloads(): Buffer[] {
  const file = join(import.meta.dirname, '../../src/services/mqtt/fixtures/zigbee2mqtt-exposes/tuya-ts011f_plug_1.json')
  const exposes = (JSON.parse(readFileSync(file, 'utf8')) as Expose[]).flatMap((expose) => expose.features ?? [expose])
  return Array.from({ length: SAMPLES }, (_, index) =>
    Buffer.from(
      JSON.stringify({
        ...Object.fromEntries(exposes.map((expose) => [expose.property ?? expose.type, valueOf(expose, index)])),
        last_seen: new Date(1_772_352_000_000 + index * 60_000).toISOString(),
        update: { installed_version: 192, latest_version: 192, state: 'idle' },
      }),
    ),
  )
}

function valueOf(
  { type, values, value_on, value_off, value_min = 0, value_max = 255 }: Expose,
  index: number,
): unknown {
  if (type === 'binary') return index % 3 ? value_on : value_off
  if (type === 'enum') return values?.[index % values.length]
  return type === 'numeric' ? value_min + Math.round(((value_max - value_min) * (index % 50)) / 5) / 10 : null
}

const timeMs = (task: () => unknown) => {
  const startMs = performance.now()
  task()
  return performance.now() - startMs
}

/** From the bytes to the schema; genson-js gets the parsed values and keeps neither counts nor ranges nor formats. */
export const schemaInference: Row = {
  tags: ['schema', 'mqtt'],
  name: `schema of ${SAMPLES} messages of a Zigbee2MQTT plug`,
  limit: `≤ ${MOST_MS} ms`,
  run() {
    const raw = payloads()
    const values = raw.map((payload) => JSON.parse(payload.toString()) as unknown)
    const infer = () => {
      const schema = createSchema()
      for (const payload of raw) schema.add(decode('zigbee2mqtt/plug', payload))
      return renderSchema(schema)
    }
    const coldMs = timeMs(infer)
    for (let round = 0; round < WARM_UP_ROUNDS; round++) infer()
    const oursMs = median(Array.from({ length: ROUNDS }, () => timeMs(infer)))
    const gensonMs = median(Array.from({ length: ROUNDS }, () => timeMs(() => createCompoundSchema(values))))
    return Promise.resolve({
      measured: `${oursMs.toFixed(2)} ms with decoding, ${coldMs.toFixed(1)} ms the first time`,
      reference: `genson-js ${gensonMs.toFixed(2)} ms without`,
      ok: oursMs <= MOST_MS,
      figures: { ours_ms: oursMs, cold_ms: coldMs, genson_ms: gensonMs },
    })
  },
}
