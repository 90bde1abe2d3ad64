import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import process from 'node:process'
import { suite, test } from 'node:test'
import { usageIn, usageOf } from './process-table.ts'

/** Uses 0.4 s of CPU time, and as much in a child that ends. */
const BUSY = `
  const burn = () => { while (process.cpuUsage().user + process.cpuUsage().system < 400_000); }
  if (process.argv[1] !== 'child') {
    require('node:child_process').spawnSync(process.execPath, ['-e', process.env.BUSY, 'child'])
    process.title = 'a) R (b c'
  }
  burn()
  console.log('done')
  process.stdin.resume()
  if (process.argv[1] === 'child') process.exit()
`

suite('process table', () => {
  test('a group’s CPU time is that of its members and of those that ended, whatever they are called', async (t) => {
    const child = spawn(process.execPath, ['-e', BUSY], { detached: true, env: { ...process.env, BUSY } })
    t.after(async () => {
      child.stdin.end()
      await once(child, 'exit')
    })
    await once(child.stdout, 'data')
    const usage = await usageOf(child.pid ?? 0)
    // A tick is a hundredth, and each of the four times is cut off to whole ones.
    assert.ok((usage?.cpuSeconds ?? 0) >= 0.76, String(usage?.cpuSeconds))
    assert.ok((usage?.megabytes ?? 0) > 1)
    assert.equal(await usageOf(2 ** 22 + 1), undefined)
  })

  const rows: [why: string, time: string, seconds: number][] = [
    ['macOS', '0:01.50', 1.5],
    ['macOS, more than an hour', '75:00.25', 4500.25],
    ['a language with a comma', '0:00,07', 0.07],
    ['BSD and POSIX', '01:02:03', 3723],
    ['days', '2-00:00:01', 172_801],
  ]
  for (const [why, time, seconds] of rows)
    test(`time as ps writes it: ${why}`, () => {
      const table = `    1   900   9:99.99\n   77  2048   ${time}\n   77  1024   0:00.00\n\n`
      assert.deepEqual(usageIn(table, 77), { megabytes: 3, cpuSeconds: seconds })
    })
})
