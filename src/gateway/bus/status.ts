import { z } from 'zod'
import { readJsonBytes } from '../../kernel/json.ts'

const Report = z.object({
  status: z.enum(['available', 'degraded', 'unavailable', 'unknown']),
  sinceMs: z.number(),
  reason: z.string().max(1000).exactOptional(),
})

/** What a process says of itself and its services. `gone` is its will, `stopped` its own word. */
const Status = z.discriminatedUnion('is', [
  z.object({
    is: z.literal('here'),
    boot: z.string().max(100),
    /** Wall-clock milliseconds of its start: of two descriptions of one service, the newer process's counts. */
    startedMs: z.number(),
    services: z.record(z.string(), Report),
  }),
  z.object({ is: z.literal('gone'), boot: z.string().max(100) }),
  z.object({ is: z.literal('stopped'), boot: z.string().max(100), atMs: z.number() }),
])
export type Status = z.output<typeof Status>

const LONGEST_STATUS_BYTES = 100_000

/** Undefined for what is no status. Throws Fault `invalid_request` for what is no JSON. */
export function readStatus(payload: Buffer): Status | undefined {
  if (payload.length > LONGEST_STATUS_BYTES) return undefined
  return Status.safeParse(readJsonBytes(payload, 'The status')).data
}
