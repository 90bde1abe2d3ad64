import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { heldClock } from './clock.ts'
import { createLog } from './log.ts'
import { createMetrics } from './metrics.ts'
import { createRefusals } from './refusals.ts'

suite('refusals', () => {
  test('are counted, and said once a minute for each limit', async () => {
    const clock = heldClock()
    const lines: { limit: string; times: number; latest?: string }[] = []
    const log = createLog({ level: 'warn', write: (line) => void lines.push(JSON.parse(line)) })
    const metrics = createMetrics({ clock })
    const reached: unknown[] = []
    const refusals = createRefusals({ clock, log, count: metrics.refused, onReached: (one) => reached.push(one) })
    for (let time = 0; time < 1000; time++) refusals.note('sockets', `198.51.100.${time % 200}`)
    refusals.note('caller', 'guest')
    clock.advance(60_000)
    refusals.note('sockets', 'somebody\nelse')
    assert.deepEqual(
      lines.map(({ limit, times, latest }) => [limit, times, latest]),
      [
        ['sockets', 1, '198.51.100.0'],
        ['caller', 1, 'guest'],
        ['sockets', 1000, 'somebody\nelse'],
      ],
    )
    assert.deepEqual(reached.at(-1), { limit: 'sockets', times: 1000, latest: 'somebody\nelse' })
    assert.equal(reached.length, lines.length)
    const text = await metrics.exposition()
    assert.match(text, /^alicia_refused_total\{limit="sockets"\} 1001$/m)
    assert.match(text, /^alicia_refused_total\{limit="caller"\} 1$/m)
  })
})
