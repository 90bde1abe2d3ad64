import { Worker } from 'node:worker_threads'

/** Ends the process at an input that never ends, with that input in a file. */
export interface Watchdog {
  begin(input: Buffer): void
  stop(): Promise<void>
}

const LONGEST_BYTES = 1 << 20

/** What both threads see: how many inputs have begun, and the length of the one that runs; then its bytes. */
export const COUNT = 0
export const LENGTH = 1
export const HEAD_BYTES = 8

/** `patienceMs`: how long one input may run at most. `file`: where one that does not end is kept. */
export function startWatchdog(file: string, patienceMs: number): Watchdog {
  const shared = new SharedArrayBuffer(HEAD_BYTES + LONGEST_BYTES)
  const head = new Int32Array(shared, 0, 2)
  const bytes = new Uint8Array(shared, HEAD_BYTES)
  const worker = new Worker(new URL('./watchdog.child.ts', import.meta.url), {
    workerData: { shared, file, patienceMs },
  })
  worker.unref()
  return {
    begin(input) {
      const shown = input.subarray(0, LONGEST_BYTES)
      bytes.set(shown)
      head[LENGTH] = shown.length
      Atomics.add(head, COUNT, 1)
    },
    async stop() {
      await worker.terminate()
    },
  }
}
