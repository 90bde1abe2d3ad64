import { createEvents } from '../../src/kernel/events.ts'
import { createRegistry } from '../../src/kernel/registry.ts'
import { operation } from '../../src/kernel/operation.ts'
import { z } from 'zod'
import type { Row } from '../row.ts'
import { median } from '../statistics.ts'

const MOST_US = 10
const TOOLS = 1000
const ROUNDS = 15
const LOOKUPS = 100_000

export const registry: Row = {
  tags: ['registry', 'kernel'],
  name: `registry look-up with ${TOOLS} tools`,
  limit: `≤ ${MOST_US} µs`,
  async run() {
    const found = createRegistry(createEvents(() => undefined))
    const tools = Array.from({ length: TOOLS }, (_, at) =>
      operation()({
        name: `bench.tool_${at}`,
        summary: 'One of many.',
        scope: null,
        effect: 'read',
        input: z.object({}),
        output: z.object({}),
        handler: async () => ({}),
      }).bind({}),
    )
    found.add({ id: 'bench', kind: 'service', tools, report: () => ({ status: 'available', sinceMs: 0 }) })
    const names = found.list().flatMap(({ name, tool }) => [name, tool.name])
    const timeUs = (count: number, look: (name: string) => void) => {
      const startMs = performance.now()
      for (let at = 0; at < count; at++) look(names[at % names.length] ?? '')
      return ((performance.now() - startMs) * 1000) / count
    }
    const hitUs = median(Array.from({ length: ROUNDS }, () => timeUs(LOOKUPS, (name) => found.find(name))))
    const missUs = median(
      Array.from({ length: ROUNDS }, () =>
        timeUs(20, (name) => {
          try {
            found.find(`${name}x`)
          } catch {
            // What is timed here: the fault that names the nearest of all.
          }
        }),
      ),
    )
    return {
      measured: `${hitUs.toFixed(2)} µs`,
      reference: `unknown name, with the nearest: ${missUs.toFixed(0)} µs`,
      ok: hitUs <= MOST_US,
      figures: { hit_us: hitUs, miss_us: missUs },
    }
  },
}
