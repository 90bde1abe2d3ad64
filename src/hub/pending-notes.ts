import { join } from 'node:path'
import { rmSync } from 'node:fs'
import { z } from 'zod'
import type { Log } from '../kernel/log.ts'
import { readPrivateFile, writePrivateFile } from '../engines/private-file.ts'

/** Something done to a data folder while no hub ran: the next one that does takes it into its audit. */
const Note = z.object({
  kind: z.templateLiteral([z.string(), '.', z.string()]),
  /** Wall-clock milliseconds. */
  atMs: z.number(),
  details: z.record(z.string(), z.unknown()).exactOptional(),
})
export type PendingNote = z.infer<typeof Note>

const FILE = 'audit-pending.json'
/** Of a folder that no hub is ever started on. */
const MOST = 100

/** Throws Fault `storage_failed`. */
export function notePending(folder: string, note: PendingNote, log: Log): void {
  const notes = [...pendingNotes(folder, log), note]
  writePrivateFile(join(folder, FILE), `${JSON.stringify(notes.slice(-MOST))}\n`)
}

/** The oldest first; of a file that is broken none. */
export function pendingNotes(folder: string, log: Log): readonly PendingNote[] {
  const text = readPrivateFile(join(folder, FILE), log)
  if (text === undefined) return []
  try {
    return z.array(Note).parse(JSON.parse(text))
  } catch (error) {
    log.warn('what was noted for the audit cannot be read', { file: FILE, error })
    return []
  }
}

/** They are in the audit. */
export function clearPending(folder: string): void {
  rmSync(join(folder, FILE), { force: true })
}
