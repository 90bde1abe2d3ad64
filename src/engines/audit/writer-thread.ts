import { extname } from 'node:path'
import { Worker } from 'node:worker_threads'
import type { Clock } from '../../kernel/clock.ts'
import type { ChainKey, Head } from './chain.ts'
import type { SharedTexts } from './gathered.ts'

/** A batch that is to be written. */
export interface Job {
  readonly head: Head
  readonly key: ChainKey
  /** The values of each entry as JSON. They stay as they are until the job is done. */
  readonly gathered: readonly SharedTexts[]
}

/** What the thread begins with: the file of the database. */
export interface WriterData {
  readonly file: string
}

export type Outcome = { readonly head: Head } | { readonly problem: string }

/**
 * Links and writes large batches of entries away from the thread that answers calls: under load that is a sixth of what a call
 * costs it, and a stop of 10 ms each time. The thread begins with the first job and ends when there was none for a while: a hub
 * that has little to do does not carry it.
 */
export interface WriterThread {
  /**
   * Resolves with the new end of the chain once all of it is committed. Rejects when nobody can say so: it may be there all the same.
   * One job at a time.
   */
  write(job: Job): Promise<Head>
  /** It failed a short while ago: trying again with each batch would cost more than it saves. */
  readonly isResting: boolean
  close(): Promise<void>
}

const IDLE_MS = 30_000
const REST_MS = 60_000
/** Longer than SQLite waits for a lock, and a slow disk for a large transaction. */
const LONGEST_WRITE_MS = 20_000

export function createWriterThread({ file, clock }: { file: string; clock: Clock }): WriterThread {
  let thread: Thread | undefined
  let cancelIdle: (() => void) | undefined
  let restsUntilMs = Number.NEGATIVE_INFINITY

  const end = async () => {
    cancelIdle?.()
    const ending = thread
    thread = undefined
    await ending?.end()
  }
  return {
    get isResting() {
      return clock.monotonic() < restsUntilMs
    },
    async write(job) {
      cancelIdle?.()
      // It may have died while it had nothing to do.
      if (!thread || thread.hasEnded) thread = startThread(file)
      const current = thread
      const cancelLimit = clock.after(LONGEST_WRITE_MS, () => void current.kill())
      try {
        return await current.ask(job)
      } catch (error) {
        thread = undefined
        restsUntilMs = clock.monotonic() + REST_MS
        await current.kill()
        throw error
      } finally {
        cancelLimit()
        cancelIdle = clock.after(IDLE_MS, () => void end())
      }
    },
    close: end,
  }
}

interface Thread {
  readonly hasEnded: boolean
  ask(job: Job): Promise<Head>
  end(): Promise<void>
  kill(): Promise<unknown>
}

/** Beside this file, as a source or as what was built from it. */
const SCRIPT = new URL(`./writer.worker${extname(import.meta.url)}`, import.meta.url)

function startThread(file: string): Thread {
  const worker = new Worker(SCRIPT, { workerData: { file } satisfies WriterData, name: 'audit' })
  worker.unref()
  let asked: PromiseWithResolvers<Head> | undefined
  let hasEnded = false
  const fail = (problem: unknown) => asked?.reject(problem instanceof Error ? problem : new Error(String(problem)))
  const exit = new Promise<void>((resolve) => {
    worker.on('exit', (code) => {
      hasEnded = true
      fail(`The thread ended (${code}).`)
      resolve()
    })
  })
  worker.on('error', fail)
  worker.on('message', (outcome: Outcome) => {
    if ('head' in outcome) asked?.resolve(outcome.head)
    else fail(outcome.problem)
  })
  return {
    get hasEnded() {
      return hasEnded
    },
    async ask(job) {
      // Nobody would answer, and its end is not told once more.
      if (hasEnded) throw new Error('The thread has ended.')
      asked = Promise.withResolvers()
      worker.postMessage(job)
      return await asked.promise
    },
    async end() {
      // Until now it kept no process alive; whoever waits for its end must not be left.
      worker.ref()
      worker.postMessage('end')
      await exit
    },
    kill: () => worker.terminate(),
  }
}
