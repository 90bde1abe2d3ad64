import { existsSync } from 'node:fs'
import { mkdtemp, open, rename, rm, type FileHandle } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import process from 'node:process'
import { Fault } from '../kernel/fault.ts'
import { encryptChunks } from './backup/chunks.ts'
import { findDataFiles, readDataFile, type DataFile } from './backup/data-files.ts'
import type { AnyDb } from './backup/dialect.ts'
import { writeEntries, type Entry } from './backup/entries.ts'
import { makeHeader, type BackupSecret, type KdfCost } from './backup/header.ts'
import { dumpTables } from './backup/tables.ts'
import { storageFault, syncFolder } from './private-file.ts'

export { newRecoveryKey } from './backup/recovery-key.ts'
export type { BackupSecret, KdfCost } from './backup/header.ts'

/** A file that does not lie in the data folder, and will when it is restored. */
export interface ExtraFile {
  /** Its name in the restored folder. */
  readonly path: string
  readonly text: string
  /** Where it lies; absent: it is in no file. */
  readonly was?: string
}

export interface BackupOptions {
  /** The data folder; a hub may run on it. */
  readonly folder: string
  readonly target: string
  /** Put it in the place of a file that is there. */
  readonly overwrite: boolean
  readonly secret: BackupSecret
  /** Of the program. */
  readonly version: string
  readonly now: Date
  /** PostgreSQL, where the tables are there. */
  readonly postgres?: AnyDb
  readonly extra: readonly ExtraFile[]
  readonly signal: AbortSignal
  /** Bytes that were read, of so many as there seem to be. */
  onProgress?(done: number, total: number): void
  /** For tests alone. */
  readonly cost?: KdfCost
}

export interface BackupReport {
  readonly bytes: number
  readonly files: number
}

/**
 * Writes one encrypted file with everything that the data folder and the database hold: whole or not at all, for its owner
 * alone. Throws Fault `conflict` for a file that is there, `storage_failed`, `invalid_input` for a passphrase that is too short.
 */
export async function makeBackup(options: BackupOptions): Promise<BackupReport> {
  const { target, overwrite, folder, secret, cost, signal } = options
  if (!overwrite && existsSync(target))
    throw new Fault('conflict', `There is a file ${target} already.`, { hint: 'Name another, or use --force.' })
  const header = await makeHeader(secret, cost)
  const files = await findDataFiles(folder)
  const scratch = await mkdtemp(join(folder, '.backup-')).catch((error: unknown) => {
    throw storageFault(`The data folder ${folder} cannot be written`, error)
  })
  try {
    const entries = counted(writeEntries(entriesOf(options, files, scratch)), files, options.onProgress)
    const bytes = await writeWhole(target, signal, [[header.bytes], encryptChunks(header.payloadKey, entries)])
    return { bytes, files: files.length + options.extra.length }
  } catch (error) {
    if (signal.aborted) throw signal.reason
    throw error instanceof Error && 'syscall' in error ? storageFault('The backup cannot be written', error) : error
  } finally {
    await rm(scratch, { recursive: true, force: true })
  }
}

async function* entriesOf(
  { version, now, postgres, extra, signal }: BackupOptions,
  files: readonly DataFile[],
  scratch: string,
): AsyncGenerator<Entry> {
  const moved = extra.flatMap(({ path, was }) => (was === undefined ? [] : [[path, was] as const]))
  yield {
    head: {
      is: 'manifest',
      version,
      created: now.toISOString(),
      store: postgres ? 'postgres' : 'sqlite',
      moved: Object.fromEntries(moved),
    },
    data: of(),
  }
  // Before the keys, which come last of the files.
  if (postgres) yield { head: { is: 'tables' }, data: dumpTables(postgres, 'postgres') }
  for (const file of files) yield { head: { is: 'file', path: file.path }, data: readDataFile(file, scratch, signal) }
  for (const { path, text } of extra) yield { head: { is: 'file', path }, data: of(Buffer.from(text)) }
}

async function* of(...pieces: Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* pieces
}

async function* counted(
  pieces: AsyncIterable<Buffer>,
  files: readonly DataFile[],
  onProgress: BackupOptions['onProgress'],
): AsyncGenerator<Buffer> {
  const total = files.reduce((sum, { bytes }) => sum + bytes, 0)
  let done = 0
  for await (const piece of pieces) {
    done += piece.length
    onProgress?.(Math.min(done, total), total)
    yield piece
  }
}

type Pieces = Iterable<Uint8Array> | AsyncIterable<Uint8Array>

/** Under another name first; that goes when anything goes wrong. Returns how many bytes there are. */
async function writeWhole(target: string, signal: AbortSignal, sources: readonly Pieces[]): Promise<number> {
  const temporary = `${target}.${crypto.randomUUID().slice(0, 8)}.new`
  const file = await open(temporary, 'wx', 0o600)
  try {
    let bytes = 0
    try {
      await refuseReadable(file, target)
      for (const source of sources)
        for await (const piece of source) {
          signal.throwIfAborted()
          await file.writeFile(piece)
          bytes += piece.length
        }
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(temporary, target)
    syncFolder(dirname(target))
    return bytes
  } catch (error) {
    await rm(temporary, { force: true })
    throw error
  }
}

/** Some file systems keep no modes, and let everybody read: a passphrase can be guessed by whoever has the file. */
async function refuseReadable(file: FileHandle, target: string): Promise<void> {
  if (process.platform === 'win32') return
  const { mode } = await file.stat()
  if ((mode & 0o077) === 0) return
  throw new Fault('storage_failed', `On the file system of ${target} every user could read the backup.`, {
    hint: 'Write it elsewhere, and copy it there yourself.',
  })
}
