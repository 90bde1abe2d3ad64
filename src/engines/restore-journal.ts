import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { Fault } from '../kernel/fault.ts'
import { isSkipped } from './backup/skipped-names.ts'
import { storageFault, syncFolder, writePrivateFile } from './private-file.ts'

/** In the data folder: what was restored and is not in its place yet. Begins with a dot, so that no backup takes it. */
export const STAGING = '.restore-new'
const JOURNAL = '.restore.json'

/** What has to be where, once a restore is decided. */
const Journal = z.object({
  /** Folder inside the data folder that gets what was there before. */
  aside: z.string().regex(/^before-restore-[0-9TZ]+$/),
  old: z.array(z.string()),
  new: z.array(z.string()),
})

/** Names in the data folder that are its data. */
export const dataIn = (folder: string): string[] =>
  existsSync(folder) ? readdirSync(folder).filter((name) => !isSkipped(name)) : []

/**
 * Puts what is in `STAGING` in the place of what the folder has. From the moment its journal is on the disk it is decided:
 * whatever ends the program meanwhile, `finishRestore` does the rest. The folder itself is not moved: it may be a mount.
 * Returns the name of the folder with the old data, where there were any. Throws Fault `storage_failed`.
 */
export function placeRestored(folder: string, now: Date): string | undefined {
  const old = dataIn(folder)
  const aside = `before-restore-${now.toISOString().replaceAll(/[-:]|\.\d+/g, '')}`
  const journal = { aside, old, new: readdirSync(join(folder, STAGING)) } satisfies z.infer<typeof Journal>
  writePrivateFile(join(folder, JOURNAL), JSON.stringify(journal))
  finishRestore(folder)
  return old.length > 0 ? aside : undefined
}

/** Whether a restore is decided and not finished: what is in `STAGING` is the data now. */
export const isDecided = (folder: string): boolean => existsSync(join(folder, JOURNAL))

/** Ends a restore that was cut short; whether there was one. Harmless to call again. Throws Fault `storage_failed`. */
export function finishRestore(folder: string): boolean {
  if (!isDecided(folder)) return false
  const file = join(folder, JOURNAL)
  const journal = readJournal(file)
  const aside = join(folder, journal.aside)
  const staging = join(folder, STAGING)
  try {
    if (journal.old.length > 0 && !existsSync(aside)) mkdirSync(aside, { mode: 0o700 })
    // What is there has been moved already: a file of that name in the folder is the new one.
    for (const name of journal.old) moveUnlessThere(join(folder, name), join(aside, name))
    for (const name of journal.new) moveUnlessThere(join(staging, name), join(folder, name))
    syncFolder(folder)
    rmSync(staging, { recursive: true, force: true })
    rmSync(file)
    syncFolder(folder)
  } catch (error) {
    throw storageFault(`The restore into ${folder} could not be finished; the next start tries again`, error)
  }
  return true
}

function moveUnlessThere(from: string, to: string): void {
  if (existsSync(from) && !existsSync(to)) renameSync(from, to)
}

function readJournal(file: string): z.infer<typeof Journal> {
  try {
    return Journal.parse(JSON.parse(readFileSync(file, 'utf8')))
  } catch (cause) {
    throw new Fault('storage_failed', `${file} is not what a restore writes.`, {
      hint: 'Remove it, and restore the backup again.',
      cause,
    })
  }
}
