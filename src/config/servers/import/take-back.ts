import { createHash } from 'node:crypto'
import { readFileSync, rmSync, statSync } from 'node:fs'
import { z } from 'zod'
import { Fault } from '../../../kernel/fault.ts'
import { backUp, writeWhole } from '../whole-file.ts'

/** A file that an import changed. */
export interface Changed {
  readonly file: string
  /** Its copy from before; undefined: there was none. */
  readonly backup: string | undefined
  /** Hash of what the import wrote: a file with another one was changed since. */
  readonly wrote: string
}

const Record_ = z.object({
  changed: z.array(
    z.object({ file: z.string(), backup: z.string().exactOptional(), wrote: z.string().exactOptional() }),
  ),
})
type Recorded = z.output<typeof Record_>['changed'][number]

/** Throws Fault `storage_failed`. */
export function writeRecord(path: string, changed: readonly Changed[]): void {
  const kept = changed.map(({ file, backup, wrote }) => ({ file, ...(backup !== undefined && { backup }), wrote }))
  writeWhole(path, `${JSON.stringify({ changed: kept }, null, 2)}\n`, { isPrivate: true })
}

interface Reading {
  readFile(path: string): string | undefined
  now(): number
}

/**
 * Puts back what the last import changed, the last file first: bytes and mode. A file that was changed since is copied
 * first. Throws Fault, before anything is put back where a copy is gone.
 */
export function takeBack(
  record: string,
  { readFile, now }: Reading,
): { readonly restored: readonly string[]; readonly kept: readonly string[] } {
  const text = readFile(record)
  if (text === undefined) return { restored: [], kept: [] }
  const formers = recordOf(record, text).map(formerOf).toReversed()
  const kept: string[] = []
  for (const former of formers) {
    const there = bytesOf(former.file)
    if (there && former.wrote !== undefined && ![former.wrote, former.hash].includes(hashOf(there)))
      kept.push(backUp(former.file, now()))
    putBack(former, there)
  }
  rmSync(record, { force: true })
  return { restored: formers.map(({ file }) => file), kept }
}

function recordOf(path: string, text: string): readonly Recorded[] {
  try {
    return Record_.parse(JSON.parse(text)).changed
  } catch (cause) {
    throw new Fault('storage_failed', `The file ${path} is not what it should be.`, {
      hint: 'The copies lie beside the files, and end with .backup: put them back by hand.',
      cause,
    })
  }
}

/** A file as it was before the import, byte by byte; without `bytes`: there was none. */
interface Former extends Pick<Recorded, 'file' | 'wrote'> {
  readonly bytes?: Uint8Array
  readonly hash?: string
  readonly mode?: number
}

/** Throws Fault `not_found` when the copy is gone: before anything is put back. */
function formerOf({ file, backup, wrote }: Recorded): Former {
  const known = { file, ...(wrote !== undefined && { wrote }) }
  if (backup === undefined) return known
  const bytes = bytesOf(backup)
  if (!bytes)
    throw new Fault('not_found', `The copy ${backup} is gone.`, { hint: 'The files are as the import left them.' })
  return { ...known, bytes, hash: hashOf(bytes), mode: statSync(backup).mode & 0o777 }
}

/** One that is as it was is left alone: the import may have failed for not being allowed to write it. */
function putBack({ file, bytes, hash, mode }: Former, there: Uint8Array | undefined): void {
  if (bytes === undefined) return rmSync(file, { force: true })
  if (there && hashOf(there) === hash && mode === (statSync(file).mode & 0o777)) return
  writeWhole(file, bytes, { isPrivate: false, ...(mode !== undefined && { mode }) })
}

function bytesOf(path: string): Uint8Array | undefined {
  try {
    return readFileSync(path)
  } catch {
    return undefined
  }
}

/** What tells one content from another. */
export const hashOf = (content: string | Uint8Array): string => createHash('sha256').update(content).digest('hex')
