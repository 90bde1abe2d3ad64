import { chmodSync, closeSync, fsyncSync, openSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import process from 'node:process'
import { Fault } from '../kernel/fault.ts'
import type { Log } from '../kernel/log.ts'

/** Bits that let others than the owner in. */
const OTHERS = 0o077

/**
 * The text of a file that only its owner should read, or undefined when there is none. A file that others can read is
 * closed to them, with a warning: whoever wanted to has read it by now, so refusing to start would cost the user a
 * dark home and win nothing, and some file systems (shares, some container mounts) cannot keep the mode at all.
 * Throws Fault `storage_failed`.
 */
export function readPrivateFile(path: string, log: Log): string | undefined {
  try {
    const text = readFileSync(path, 'utf8')
    closeToOthers(path, log)
    return text
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined
    throw storageFault(`${path} cannot be read`, error)
  }
}

function closeToOthers(path: string, log: Log): void {
  // Windows keeps access lists instead; the mode says nothing there.
  if (process.platform === 'win32' || (statSync(path).mode & OTHERS) === 0) return
  try {
    chmodSync(path, 0o600)
  } catch {
    // Not the owner of the file: the warning below says what matters.
  }
  const isClosed = (statSync(path).mode & OTHERS) === 0
  const now = isClosed ? 'It is closed to them now.' : 'This file system does not let it be closed to them.'
  log.warn(`${path} could be read by other users. ${now} If someone may have read it, make a new one.`, { path })
}

/**
 * Writes the file for its owner alone (mode 0600), whole or not at all: under another name first, then on the disk,
 * then renamed. Throws Fault `storage_failed`.
 */
export function writePrivateFile(path: string, text: string): void {
  const temporary = `${path}.new`
  try {
    // Not `writeSync`: on a disk that gets full it writes a part, and says so by a number alone.
    writeFileSync(temporary, text, { mode: 0o600, flush: true })
    renameSync(temporary, path)
    syncFolder(dirname(path))
  } catch (error) {
    throw storageFault(`${path} cannot be written`, error)
  }
}

/** The new name itself must reach the disk; Windows has no way to ask for that. */
export function syncFolder(path: string): void {
  if (process.platform === 'win32') return
  const folder = openSync(path, 'r')
  try {
    fsyncSync(folder)
  } finally {
    closeSync(folder)
  }
}

const REASONS: Readonly<Record<string, [reason: string, hint: string]>> = {
  EACCES: ['permission denied', 'Give the user that runs Alicia the right to write there, or choose another folder.'],
  EPERM: ['not permitted', 'Give the user that runs Alicia the right to write there, or choose another folder.'],
  EROFS: ['the file system is read-only', 'Mount it writable, or choose another folder.'],
  ENOSPC: ['the disk is full', 'Free some space.'],
  EFBIG: ['there is no room for a file of that size', 'Raise the limit (ulimit -f), or free some space.'],
  EDQUOT: ['the disk quota is used up', 'Free some space.'],
  ENOTDIR: ['a part of the path is a file, not a folder', 'Choose another folder.'],
  EEXIST: ['there is a file of that name, not a folder', 'Choose another folder.'],
  ENOENT: ['a part of the path does not exist', 'Check the path.'],
  EISDIR: ['it is a folder, not a file', 'Move it away.'],
}

/** Fault `storage_failed` for an error of the file system: what could not be done, why, and what helps. */
export function storageFault(what: string, error: unknown): Fault {
  const [reason, hint] = REASONS[errorCode(error)] ?? [(error as Error).message, 'Check the disk.']
  return new Fault('storage_failed', `${what}: ${reason}.`, { hint, cause: error })
}

const errorCode = (error: unknown): string =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : ''
