import { createReadStream } from 'node:fs'
import { open, readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { backup, DatabaseSync } from 'node:sqlite'
import { MAGIC } from './header.ts'
import { isSkipped } from './skipped-names.ts'

/** A file of the data folder. */
export interface DataFile {
  /** From the folder on, with `/` between. */
  readonly path: string
  readonly absolute: string
  readonly bytes: number
  readonly isDatabase: boolean
}

/** What opens the rest: read last, or something could be sealed with a key that is not in the backup yet. */
const LAST: readonly string[] = ['audit-keys.json', 'keys.json', 'secret.key']

/** All files to keep, in the order in which they have to be read while a hub writes them. */
export async function findDataFiles(folder: string): Promise<readonly DataFile[]> {
  const files = await filesIn(folder, '')
  const rank = ({ path, isDatabase }: DataFile) => (LAST.includes(path) ? 2 + LAST.indexOf(path) : isDatabase ? 1 : 0)
  return files.sort((a, b) => rank(a) - rank(b) || (a.path < b.path ? -1 : 1))
}

async function filesIn(folder: string, prefix: string): Promise<DataFile[]> {
  const found: DataFile[] = []
  for (const name of await readdir(folder)) {
    if (isSkipped(name)) continue
    const absolute = join(folder, name)
    const stats = await stat(absolute).catch(() => undefined)
    const path = `${prefix}${name}`
    if (stats?.isDirectory()) found.push(...(await filesIn(absolute, `${path}/`)))
    // Sockets and pipes hold nothing, and what is gone by now was not worth keeping.
    if (!stats?.isFile()) continue
    const start = await startOf(absolute)
    if (!start.equals(BACKUP))
      found.push({ path, absolute, bytes: stats.size, isDatabase: start.equals(SQLITE.subarray(0, start.length)) })
  }
  return found
}

/** sqlite.org/fileformat.html, 1.3.1 */
const SQLITE = Buffer.from('SQLite format 3\0')
/** A backup that somebody left there: each would hold all of those before it. */
const BACKUP = Buffer.from(MAGIC)

/** As many bytes as tell what it is; none of a file that is shorter is all of them. */
async function startOf(path: string): Promise<Buffer> {
  const file = await open(path)
  try {
    const { buffer } = await file.read(Buffer.alloc(MAGIC.length), 0, MAGIC.length, 0)
    return buffer
  } finally {
    await file.close()
  }
}

/** All pages in one step: other connections that write would make it begin anew after each. */
const ALL_PAGES = 2 ** 30

/** The bytes of a file; of a database as it is at one moment, whoever writes it. `scratch`: a folder for its copy. */
export async function* readDataFile(
  { absolute, isDatabase }: DataFile,
  scratch: string,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  if (!isDatabase) return yield* createReadStream(absolute, { signal }) as AsyncIterable<Uint8Array>
  const copy = join(scratch, 'copy.db')
  const source = new DatabaseSync(absolute, { readOnly: true, timeout: 5000 })
  try {
    await backup(source, copy, { rate: ALL_PAGES })
  } finally {
    source.close()
  }
  try {
    yield* createReadStream(copy, { signal }) as AsyncIterable<Uint8Array>
  } finally {
    for (const end of ['', '-wal', '-shm', '-journal']) await rm(`${copy}${end}`, { force: true })
  }
}
