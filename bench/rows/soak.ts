import { setTimeout as sleep } from 'node:timers/promises'
import { startHub } from '../hub.ts'
import { INSPECTED, sampleMemory, type MemorySample } from '../inspector.ts'
import { startMixedLoad } from '../mixed-load.ts'
import type { Row } from '../row.ts'
import { slope } from '../statistics.ts'

const MOST_MB_PER_MINUTE = 0.5
const LOAD_MS = 8000
/** Long enough for the audit to be written and the replies to be gone. */
const QUIET_MS = 2000

interface Sample extends MemorySample {
  readonly minute: number
}

export const soak: Row = {
  tags: ['soak', 'memory'],
  name: 'soak: growth of the heap after collection',
  limit: `≤ ${MOST_MB_PER_MINUTE} MB/min`,
  async run({ soakMinutes }) {
    await using hub = await startHub({ nodeArgs: [INSPECTED] })
    await using load = await startMixedLoad(hub)
    const startMs = performance.now()
    const samples: Sample[] = []
    let calls = 0
    for (let minute = 0; minute < soakMinutes; minute = (performance.now() - startMs) / 60_000) {
      calls += await load.run(LOAD_MS)
      await sleep(QUIET_MS)
      samples.push({ minute: (performance.now() - startMs) / 60_000, ...(await sampleMemory(hub)) })
    }
    // The first half fills caches and the code that V8 compiles; growth that stays shows in the second.
    const second = samples.slice(Math.floor(samples.length / 2))
    const heap = slope(second.map(({ minute, heapMb }) => [minute, heapMb]))
    const resident = slope(second.map(({ minute, residentMb }) => [minute, residentMb]))
    const last = samples.at(-1)
    return {
      measured: `${signed(heap)} MB/min (resident ${signed(resident)})`,
      reference: `${calls} calls in ${soakMinutes} min; ${last?.heapMb.toFixed(0)} MB heap, ${last?.residentMb.toFixed(0)} MB resident`,
      ok: heap <= MOST_MB_PER_MINUTE,
      figures: {
        heap_mb_per_minute: heap,
        resident_mb_per_minute: resident,
        calls,
        minutes: soakMinutes,
        heap_mb: last?.heapMb ?? Number.NaN,
        resident_mb: last?.residentMb ?? Number.NaN,
        first_heap_mb: samples[0]?.heapMb ?? Number.NaN,
        first_resident_mb: samples[0]?.residentMb ?? Number.NaN,
      },
    }
  },
}

const signed = (mb: number) => `${mb < 0 ? '−' : '+'}${Math.abs(mb).toFixed(2)}`
