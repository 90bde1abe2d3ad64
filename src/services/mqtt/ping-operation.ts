import { z } from 'zod'
import { operation } from '../../kernel/operation.ts'
import { isoTime, OVERHEAD_MS, SessionId, type Toolkit } from './toolkit.ts'
import { touchesNothing } from './touches.ts'

export const ping = operation<Toolkit>()({
  name: 'mqtt.ping',
  summary: 'Check that the MQTT toolkit answers; with a session_id, measure the round trip to that broker.',
  scope: 'mqtt:read',
  effect: 'read',
  timeoutMs: OVERHEAD_MS,
  touches: touchesNothing,
  input: z.object({ session_id: SessionId.optional() }),
  output: z.object({
    pong: z.literal(true),
    time: z.string().describe('ISO 8601, by the hub’s clock.'),
    round_trip_ms: z.number().optional(),
  }),
  async handler({ session_id }, { sessions, clock, caller, signal }) {
    const pong = { pong: true as const, time: isoTime(clock.now()) }
    if (session_id === undefined) return pong
    const { links } = await sessions.find(caller, session_id)
    const tripMs = await links.use(signal, (connection) => connection.ping(signal))
    return { ...pong, round_trip_ms: rounded(tripMs) }
  },
})

const rounded = (ms: number) => Math.round(ms * 100) / 100
