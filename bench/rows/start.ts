import { rmSync } from 'node:fs'
import { startHub, temporaryFolder } from '../hub.ts'
import type { Row } from '../row.ts'
import { median } from '../statistics.ts'

const MOST_S = 1.5
const STARTS = 5

export const start: Row = {
  tags: ['start'],
  name: 'start to ready, warm',
  limit: `≤ ${MOST_S} s`,
  async run() {
    const folder = temporaryFolder()
    const startS = async () => {
      await using hub = await startHub({ folder })
      return hub.readyMs / 1000
    }
    try {
      // The first makes the data folder, and fills Node's compile cache after a change of the sources.
      const first = await startS()
      const times: number[] = []
      while (times.length < STARTS) times.push(await startS())
      const warm = median(times)
      return {
        measured: `${warm.toFixed(2)} s`,
        reference: `first start, new data folder: ${first.toFixed(2)} s`,
        ok: warm <= MOST_S,
        figures: { warm_s: warm, first_s: first, slowest_s: Math.max(...times) },
      }
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  },
}
