import { setTimeout as sleep } from 'node:timers/promises'
import { startHub } from '../hub.ts'
import { residentMb } from '../memory.ts'
import type { Measured, Row } from '../row.ts'

const MOST_MB = 128
const IDLE_MS = 20_000

const name = (demo: boolean) => `resident memory, idle${demo ? ', with the demo home' : ''}`

export const memory: readonly Row[] = [
  {
    tags: ['memory'],
    name: name(false),
    limit: `≤ ${MOST_MB} MB`,
    async run() {
      const { mb, ...measured } = await idle(false)
      return { ...measured, ok: mb <= MOST_MB }
    },
  },
  {
    tags: ['memory', 'demo'],
    name: name(true),
    limit: '–',
    async run() {
      const { mb: _, ...measured } = await idle(true)
      return measured
    },
  },
]

async function idle(demo: boolean): Promise<Measured & { readonly mb: number }> {
  await using hub = await startHub({ demo })
  await sleep(IDLE_MS)
  const mb = await residentMb(hub)
  return {
    mb,
    measured: `${mb.toFixed(0)} MB`,
    reference: `${IDLE_MS / 1000} s after the start`,
    figures: { rss_mb: mb },
  }
}
