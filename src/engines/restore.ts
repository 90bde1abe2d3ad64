import { createReadStream, existsSync, mkdirSync, rmSync } from 'node:fs'
import { mkdir, open } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { Fault } from '../kernel/fault.ts'
import type { Log } from '../kernel/log.ts'
import { damaged, newerProgram, notABackup } from './backup/broken.ts'
import { decryptChunks } from './backup/chunks.ts'
import { isSkipped } from './backup/skipped-names.ts'
import type { AnyDb } from './backup/dialect.ts'
import { readEntries, type Manifest } from './backup/entries.ts'
import { LONGEST_HEADER, readHeader, type BackupSecret, type FoundHeader } from './backup/header.ts'
import { dumpTables, loadTables } from './backup/tables.ts'
import { takeLock } from './folder-lock.ts'
import { storageFault, syncFolder } from './private-file.ts'
import { dataIn, finishRestore, isDecided, placeRestored, STAGING } from './restore-journal.ts'
import { DATABASE_FILE, openSqlite } from './store/sqlite.ts'

export interface RestoreOptions {
  readonly file: string
  /** The data folder; no hub may run on it. */
  readonly folder: string
  /** Asked once it is known what the backup was made with. */
  secret(is: BackupSecret['is']): Promise<BackupSecret>
  /** Move what the folder has aside; else it must have nothing. */
  readonly replace: boolean
  /** Of the program. */
  readonly version: string
  readonly now: Date
  readonly log: Log
  readonly signal: AbortSignal
  /** What is left to do with the files before they are put in their place; resolves to PostgreSQL, where the tables go there. */
  prepare(staging: string): Promise<{ readonly db: AnyDb; close(): Promise<void> } | undefined>
  onProgress?(done: number, total: number): void
}

export interface RestoreReport {
  readonly manifest: Pick<Manifest, 'version' | 'created' | 'moved'>
  readonly files: number
  /** Folder inside the data folder with what was there before. */
  readonly aside?: string
}

/** In the staging folder, and gone before that is put in its place. */
const TABLES = '.restore-tables'

/**
 * Reads a whole backup, and only then puts it in its place. Whatever fails before leaves everything as it was. Throws Fault
 * `invalid_input` for a file that is none or a wrong secret, `conflict` for a folder in use, `storage_failed`.
 */
export async function restoreBackup(options: RestoreOptions): Promise<RestoreReport> {
  const { file, folder, replace } = options
  const { header, bytes } = await headerOf(file)
  const key = await header.open(await options.secret(header.is))
  return await inLockedFolder(folder, async () => {
    if (finishRestore(folder)) options.log.warn('a restore that had been cut short is finished now')
    const there = dataIn(folder)
    if (!replace && there.length > 0)
      throw new Fault('conflict', `The data folder ${folder} is not empty: ${there.slice(0, 5).join(', ')}.`, {
        hint: 'Choose another with --data, or use --replace, which keeps what is there beside the new data.',
      })
    const { manifest, files } = await stage(options, key, { start: header.length, bytes })
    const aside = placeRestored(folder, options.now)
    return { manifest, files, ...(aside !== undefined && { aside }) }
  })
}

async function headerOf(file: string): Promise<{ header: FoundHeader; bytes: number }> {
  const handle = await open(file).catch((error: unknown) => {
    throw storageFault(`${file} cannot be read`, error)
  })
  try {
    const { size } = await handle.stat()
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(LONGEST_HEADER), 0, LONGEST_HEADER, 0)
    if (bytesRead === 0) throw notABackup()
    return { header: readHeader(buffer.subarray(0, bytesRead)), bytes: size }
  } finally {
    await handle.close()
  }
}

/** A folder that was made for this is gone again when it fails. */
async function inLockedFolder<T>(folder: string, task: () => Promise<T>): Promise<T> {
  let made: string | undefined
  try {
    made = mkdirSync(folder, { recursive: true, mode: 0o700 })
  } catch (error) {
    throw storageFault(`The data folder ${folder} cannot be made`, error)
  }
  const release = takeLock(join(folder, 'hub.lock'))
  if (!release)
    throw new Fault('conflict', `A hub runs on the data folder ${folder}.`, {
      hint: 'Stop it first, or restore into another folder with --data.',
    })
  try {
    return await task()
  } catch (error) {
    if (made !== undefined && !isDecided(folder)) rmSync(made, { recursive: true, force: true })
    throw error
  } finally {
    release()
  }
}

/** Everything in a folder of its own, as it will be; nothing else is touched but a database of PostgreSQL, last. */
async function stage(options: RestoreOptions, key: Buffer, { start, bytes }: { start: number; bytes: number }) {
  const { folder, file, signal } = options
  const staging = join(folder, STAGING)
  try {
    rmSync(staging, { recursive: true, force: true })
    mkdirSync(staging, { mode: 0o700 })
    const sealed = counted(createReadStream(file, { start, signal }), bytes, options)
    const staged = await extract(decryptChunks(key, sealed), staging, options.version)
    await placeTables(staging, staged.manifest, options)
    return staged
  } catch (error) {
    rmSync(staging, { recursive: true, force: true })
    if (signal.aborted) throw signal.reason
    throw error instanceof Error && 'syscall' in error ? storageFault(`${folder} cannot be written`, error) : error
  }
}

async function* counted(
  pieces: AsyncIterable<Uint8Array>,
  total: number,
  { onProgress }: RestoreOptions,
): AsyncGenerator<Uint8Array> {
  let done = 0
  for await (const piece of pieces) {
    done += piece.length
    onProgress?.(done, total)
    yield piece
  }
}

async function extract(plain: AsyncIterable<Uint8Array>, staging: string, version: string) {
  let manifest: Manifest | undefined
  const paths = new Set<string>()
  for await (const { head, data } of readEntries(plain)) {
    if (head.is === 'manifest') {
      if (manifest) throw damaged()
      if (isNewer(head.version, version)) throw newerProgram(head.version)
      manifest = head
      for await (const piece of data) if (piece.length > 0) throw damaged()
      continue
    }
    const path = head.is === 'file' ? safePath(head.path) : TABLES
    if (!manifest || paths.has(path)) throw damaged()
    paths.add(path)
    await write(join(staging, path), data)
  }
  if (!manifest) throw damaged()
  return { manifest, files: paths.size }
}

/** Where a file of a backup may go: into the folder. A backup can be made by anybody who knows its passphrase. */
function safePath(path: string): string {
  const parts = path.split('/')
  const isSafe = parts.every((part) => /^[^\\:\0]{1,255}$/.test(part) && part !== '.' && part !== '..')
  if (!isSafe || parts.length > 20 || isSkipped(parts[0] ?? '')) throw damaged()
  return path
}

/** On the disk, for its owner alone, before anything relies on it. */
async function write(path: string, data: AsyncIterable<Uint8Array>): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
  const file = await open(path, 'wx', 0o600)
  try {
    for await (const piece of data) await file.writeFile(piece)
    await file.sync()
  } finally {
    await file.close()
  }
  syncFolder(dirname(path))
}

/** The tables go where the hub will look for them. */
async function placeTables(staging: string, manifest: Manifest, options: RestoreOptions): Promise<void> {
  const postgres = await options.prepare(staging)
  const aside = options.replace ? `alicia_before_${options.now.getTime()}` : undefined
  const dump = join(staging, TABLES)
  const database = join(staging, DATABASE_FILE)
  try {
    if (manifest.store === 'postgres') {
      const lines = createReadStream(dump)
      if (postgres) await loadTables(postgres.db, lines, { dialect: 'postgres', ...(aside !== undefined && { aside }) })
      else await inSqlite(database, options.log, (db) => loadTables(db, lines, { dialect: 'sqlite' }))
      rmSync(dump)
    } else if (postgres && existsSync(database)) {
      await inSqlite(database, options.log, (db) =>
        loadTables(postgres.db, dumpTables(db, 'sqlite'), {
          dialect: 'postgres',
          ...(aside !== undefined && { aside }),
        }),
      )
      rmSync(database)
    }
  } finally {
    await postgres?.close()
  }
}

async function inSqlite<T>(file: string, log: Log, task: (db: AnyDb) => Promise<T>): Promise<T> {
  const store = openSqlite({ file, log })
  try {
    return await task(store.as())
  } finally {
    await store.close()
  }
}

/** By major and minor number: a later patch changes no form. */
function isNewer(other: string, own: string): boolean {
  const [major = 0, minor = 0] = other.split('.').map(Number)
  const [ownMajor = 0, ownMinor = 0] = own.split('.').map(Number)
  return major > ownMajor || (major === ownMajor && minor > ownMinor)
}
