import { renameSync, writeFileSync } from 'node:fs'
import { rename, writeFile } from 'node:fs/promises'
import { z } from 'zod'
import type { Clock } from '../../kernel/clock.ts'
import type { Log } from '../../kernel/log.ts'
import type { PrivateText } from './chain-keys.ts'
import type { Head } from './chain.ts'

const HeadFileText = z.object({
  heads: z.array(
    z.object({ chain: z.string().min(1), seq: z.int().min(0), bytes: z.number().min(0), mac: z.string() }),
  ),
})

/** Where the hub's own chains ended, kept outside the database: entries that are cut off there are missed here. */
export interface HeadFile {
  /** The chain in use first; none before the first start. */
  heads(): readonly Head[]
  /** Written within a second, and not at each change; a new chain at once. */
  note(head: Head): void
  /** Waits for what is being written, then writes the last one. */
  close(): Promise<void>
}

export type HeadText = Pick<PrivateText, 'path' | 'read'>

const WRITE_MS = 1000
/** Whoever can write to the database can make the hub begin new chains: earlier ones must not be forgotten for a few of them. */
const MOST_HEADS = 100

/**
 * Without a `file` it is kept in memory. A power cut can cost the latest second of it: it is not worth a wait for the disk each
 * second. A file that cannot be read counts as missing, with a warning.
 */
export function openHeadFile({ file, clock, log }: { file?: HeadText; clock: Clock; log: Log }): HeadFile {
  const path = file?.path
  let heads = file ? read(file, log) : []
  let cancel: (() => void) | undefined
  let writing = Promise.resolve()
  const text = () => `${JSON.stringify({ heads })}\n`

  const write = async (to: string) => {
    cancel = undefined
    try {
      await writeFile(`${to}.new`, text(), { mode: 0o600 })
      await rename(`${to}.new`, to)
    } catch (error) {
      log.warn('where the audit ends could not be noted', { error })
    }
  }
  const writeNow = (to: string) => {
    try {
      writeFileSync(`${to}.new`, text(), { mode: 0o600 })
      renameSync(`${to}.new`, to)
    } catch (error) {
      log.warn('where the audit ends could not be noted', { error })
    }
  }
  return {
    heads: () => heads,
    note(head) {
      const others = heads.filter(({ chain }) => chain !== head.chain)
      const isNew = others.length === heads.length
      heads = [head, ...others].slice(0, MOST_HEADS)
      if (path === undefined) return
      // A hub that is killed within its first second must find its chain again.
      if (isNew) return writeNow(path)
      cancel ??= clock.after(WRITE_MS, () => {
        writing = writing.then(() => write(path))
      })
    },
    async close() {
      cancel?.()
      await writing
      if (path !== undefined && heads.length > 0) writeNow(path)
    },
  }
}

function read(file: HeadText, log: Log): readonly Head[] {
  try {
    const text = file.read()
    return text === undefined ? [] : HeadFileText.parse(JSON.parse(text)).heads
  } catch (error) {
    log.warn('where the audit ended is not known: its file cannot be read', { path: file.path, error })
    return []
  }
}
