import { chownSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'

/** Debian's `nobody`; any number that owns nothing serves. */
const NOBODY = 65_534

/**
 * Runs `work`, which must be synchronous, under a user for whom file modes count; root may write everywhere. The
 * folder and all in it are given to that user first.
 */
export function asNobody<T>(folder: string, work: () => T): T {
  if (process.getuid?.() !== 0) return work()
  for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' }))
    chownSync(join(folder, name), NOBODY, NOBODY)
  chownSync(folder, NOBODY, NOBODY)
  process.seteuid?.(NOBODY)
  try {
    return work()
  } finally {
    process.seteuid?.(0)
  }
}
