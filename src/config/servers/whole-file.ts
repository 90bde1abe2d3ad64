import {
  closeSync,
  copyFileSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  realpathSync,
  renameSync,
  statSync,
  writeSync,
} from 'node:fs'
import { dirname } from 'node:path'
import { Fault } from '../../kernel/fault.ts'

/** For the owner alone: nearly every such file holds somebody's keys. */
const PRIVATE = 0o600

/**
 * Writes a file whole or not at all: under another name first, then on the disk, then renamed. A symbolic link stays
 * one; the mode stays too, unless `isPrivate` asks for 0600. Throws Fault `storage_failed`.
 */
export function writeWhole(path: string, text: string, { isPrivate }: { readonly isPrivate: boolean }): void {
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
    const target = existsSync(path) ? realpathSync(path) : path
    const mode = isPrivate || !existsSync(target) ? PRIVATE : statSync(target).mode & 0o777
    const temporary = `${target}.${process.pid}.new`
    const file = openSync(temporary, 'w', mode)
    try {
      writeSync(file, text)
      fsyncSync(file)
    } finally {
      closeSync(file)
    }
    renameSync(temporary, target)
  } catch (error) {
    throw new Fault('storage_failed', `${path} cannot be written (${(error as NodeJS.ErrnoException).code}).`, {
      hint: 'Check who owns it, and whether the disk is full.',
      cause: error,
    })
  }
}

/** A copy beside the file, named with the time; returns its path. Throws Fault `storage_failed`. */
export function backUp(path: string, nowMs: number): string {
  const stamp = new Date(nowMs).toISOString().replaceAll(/[-:]|\.\d+/g, '')
  const copy = `${path}.${stamp}.backup`
  try {
    copyFileSync(path, copy)
    return copy
  } catch (error) {
    throw new Fault('storage_failed', `${path} cannot be backed up (${(error as NodeJS.ErrnoException).code}).`, {
      hint: 'Nothing was changed.',
      cause: error,
    })
  }
}
