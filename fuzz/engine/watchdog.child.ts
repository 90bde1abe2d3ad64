/** Looks from beside whether the main thread gets on: a regular expression that backtracks for ever lets nothing else run there. */
import { writeFileSync, writeSync } from 'node:fs'
import { workerData } from 'node:worker_threads'
import { COUNT, HEAD_BYTES, LENGTH } from './watchdog.ts'

const { shared, file, patienceMs } = workerData as { shared: SharedArrayBuffer; file: string; patienceMs: number }
const head = new Int32Array(shared, 0, 2)
let seen = -1

setInterval(() => {
  const count = Atomics.load(head, COUNT)
  if (count !== seen) {
    seen = count
    return
  }
  if (count === 0) return
  writeFileSync(file, Buffer.from(shared, HEAD_BYTES, Atomics.load(head, LENGTH)))
  // `console` would hand it to the main thread, which is what hangs.
  writeSync(2, `An input has run for more than ${patienceMs / 1000} s: ${file}\n`)
  process.kill(process.pid, 'SIGKILL')
}, patienceMs)
