import { isUtf8 } from 'node:buffer'
import {
  chmodSync,
  chownSync,
  closeSync,
  constants,
  copyFileSync,
  mkdirSync,
  openSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
  type Stats,
} from 'node:fs'
import { dirname, resolve } from 'node:path'
import { Fault } from '../../kernel/fault.ts'

/** For the owner alone: nearly every such file holds somebody's keys. */
const PRIVATE = 0o600

export interface WriteOptions {
  /** Whether others are shut out, whatever the mode was. */
  readonly isPrivate: boolean
  /** Instead of the one the file has. */
  readonly mode?: number
}

/**
 * Writes a file whole or not at all: under another name first, then on the disk, then renamed. A symbolic link stays
 * one; mode and owner stay too, unless `isPrivate` asks for 0600. Throws Fault `storage_failed`.
 */
export function writeWhole(path: string, content: string | Uint8Array, { isPrivate, mode }: WriteOptions): void {
  try {
    const target = targetOf(path)
    mkdirSync(dirname(target), { recursive: true, mode: 0o700 })
    const before = statSync(target, { throwIfNoEntry: false })
    // A rename would replace what somebody has made read-only.
    if (before) closeSync(openSync(target, 'r+'))
    const kept = isPrivate || !before ? PRIVATE : before.mode & 0o777
    replace(target, content, { mode: mode ?? kept, before })
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    throw new Fault('storage_failed', `${path} cannot be written (${code}).`, {
      hint: HINTS[code ?? ''] ?? 'Check who owns it, and whether the disk is full.',
      cause: error,
    })
  }
}

const HINTS: Readonly<Record<string, string>> = {
  EBUSY: 'It is mounted as a single file, which cannot be replaced: mount its folder.',
  ENOSPC: 'The disk is full; the file is as it was.',
  ELOOP: 'Its symbolic links lead in a circle.',
  EISDIR: 'It is a folder, not a file.',
}

/** Instead of an owner or a group: the one that it has. */
const KEEP = -1

interface Replacing {
  readonly mode: number
  readonly before: Stats | undefined
}

function replace(target: string, content: string | Uint8Array, { mode, before }: Replacing): void {
  const temporary = `${target}.${process.pid}.new`
  try {
    writeFileSync(temporary, content, { mode: PRIVATE, flush: true })
    // Some file systems keep none of it. Only root can give a file to somebody; its group and mode stay then all the same.
    if (before) {
      whereAllowed(() => chownSync(temporary, KEEP, before.gid))
      whereAllowed(() => chownSync(temporary, before.uid, KEEP))
    }
    whereAllowed(() => chmodSync(temporary, mode))
    renameSync(temporary, target)
  } catch (error) {
    // What went wrong before it is what is to be told.
    whereAllowed(() => rmSync(temporary, { force: true }))
    throw error
  }
}

function whereAllowed(work: () => void): void {
  try {
    work()
  } catch {
    // It is done without.
  }
}

/** Where the links lead, to a file that is not there yet as well. */
function targetOf(path: string): string {
  try {
    return realpathSync(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
  try {
    return targetOf(resolve(dirname(path), readlinkSync(path)))
  } catch (error) {
    if (['ENOENT', 'EINVAL'].includes((error as NodeJS.ErrnoException).code ?? '')) return path
    throw error
  }
}

/**
 * The text of a file that is to be changed. What is no UTF-8 was read with marks in its place, and would be written so:
 * Throws Fault `conflict`.
 */
export function refuseLossy(path: string, text: string): string {
  if (text.includes('\uFFFD') && !isUtf8(readFileSync(path)))
    throw new Fault('conflict', `${path} is not UTF-8; it is not changed.`, { hint: 'Save it as UTF-8 first.' })
  return text
}

/** A copy beside the file, named with the time; returns its path. Throws Fault `storage_failed`. */
export function backUp(path: string, nowMs: number): string {
  const stamp = new Date(nowMs).toISOString().replaceAll(/[-:]|\.\d+/g, '')
  for (let number = 1; ; number++) {
    const copy = `${path}.${stamp}${number === 1 ? '' : `-${number}`}.backup`
    try {
      copyFileSync(path, copy, constants.COPYFILE_EXCL)
      return copy
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      if (code === 'EEXIST' && number < MOST_COPIES) continue
      throw new Fault('storage_failed', `${path} cannot be backed up (${code}).`, {
        hint: 'Nothing was changed.',
        cause: error,
      })
    }
  }
}

/** Within one second. */
const MOST_COPIES = 100
