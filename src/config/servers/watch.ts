import { existsSync, realpathSync, watch, type FSWatcher } from 'node:fs'
import { basename, dirname } from 'node:path'
import type { Clock } from '../../kernel/clock.ts'
import { Fault } from '../../kernel/fault.ts'
import { problemsFault, SERVERS_HINT } from '../problem.ts'
import { compareServers, newlyWrong, type ServerChange } from './compare.ts'
import type { ServerConfig } from './read.ts'

export interface WatchOptions {
  /** What counts at the start. */
  readonly initial: ServerConfig
  /** Reads everything anew. Throws Fault where a file is broken. */
  read(): ServerConfig
  /** Further files whose change matters: that of the secrets. */
  readonly also: readonly string[]
  readonly clock: Clock
  onChange(change: ServerChange): void
  /** A file is broken, or cannot be watched: nothing changes, and the fault says where. */
  onProblem(fault: Fault): void
}

export interface ServerWatch {
  /** What counts now. */
  current(): ServerConfig
  /**
   * Reads at once, for where the system does not tell of changes (network shares, some container mounts). Undefined:
   * nothing changed. Throws Fault where a file is broken.
   */
  reload(): ServerChange | undefined
  close(): void
}

/** Editors write in several steps; what is read half-way would be reported as broken. Milliseconds. */
const SETTLE_MS = 200

/**
 * Watches the files that the servers were read from, `envFile`s and the like included. Folders are watched, not files:
 * editors replace a file by another. A change that breaks a file, or makes a server wrong that was not, changes nothing.
 */
export function watchServers({ initial, read, also, clock, onChange, onProblem }: WatchOptions): ServerWatch {
  const folders = new Map<string, FSWatcher>()
  let current = initial
  let names = new Set<string>()
  let cancel = () => {}
  let isClosed = false

  const reload = (): ServerChange | undefined => {
    cancel()
    if (isClosed) return undefined
    // First: what is written from here on must be noticed, also where reading fails.
    follow(current)
    const next = read()
    follow(next)
    const wrong = newlyWrong(current, next)
    if (wrong) throw problemsFault([wrong.problem], SERVERS_HINT)
    const change = compareServers(current, next)
    if (!change) return undefined
    current = next
    onChange(change)
    return change
  }
  const soon = () => {
    cancel()
    cancel = clock.after(SETTLE_MS, () => {
      try {
        reload()
      } catch (error) {
        // Whatever a timer throws would end the hub.
        onProblem(error instanceof Fault ? error : defect(error))
      }
    })
  }
  const follow = ({ filesRead }: ServerConfig) => {
    const files = [...filesRead, ...also].flatMap(throughLinks)
    const places = files.map(nearestPlace)
    names = new Set(places.map(({ name }) => name)).add(MOUNTED)
    const wanted = new Set(places.map(({ folder }) => folder))
    for (const [folder, watcher] of folders) if (!wanted.has(folder)) forget(folder, watcher)
    for (const folder of wanted) if (!folders.has(folder)) begin(folder)
  }
  const begin = (folder: string) => {
    try {
      // Most that happens in a data folder is the database: only the names that matter are looked at.
      const watcher = watch(folder, (_, name) => {
        // So Linux says that the folder itself was removed or moved: there may be another one in its place.
        const isItself = name === basename(folder)
        if (isItself) forget(folder, watcher)
        if (isItself || name === null || names.has(name)) soon()
      })
      watcher.unref()
      watcher.on('error', (error) => {
        forget(folder, watcher)
        onProblem(unwatched(folder, error))
      })
      folders.set(folder, watcher)
    } catch (error) {
      // Gone since it was looked for; it is tried again after the next change.
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') onProblem(unwatched(folder, error))
    }
  }
  const forget = (folder: string, watcher: FSWatcher) => {
    folders.delete(folder)
    watcher.close()
  }

  follow(initial)
  return {
    current: () => current,
    reload,
    close() {
      isClosed = true
      cancel()
      for (const [folder, watcher] of folders) forget(folder, watcher)
    },
  }
}

/** Kubernetes changes a mounted file by pointing this link beside it to another folder. */
const MOUNTED = '..data'

/** The folder to watch and the name to look for: of a file whose folder is not there, the nearest that is. */
function nearestPlace(file: string): { readonly folder: string; readonly name: string } {
  const [folder, name] = [dirname(file), basename(file)]
  return existsSync(folder) || dirname(folder) === folder ? { folder, name } : nearestPlace(folder)
}

/** A file and, where it is a link, the one it leads to: each can be changed. */
function throughLinks(file: string): readonly string[] {
  try {
    const real = realpathSync(file)
    return real === file ? [file] : [file, real]
  } catch {
    return [file]
  }
}

const defect = (cause: unknown) =>
  new Fault('internal', `The servers' files cannot be read: ${(cause as Error).message}.`, { cause })

const unwatched = (folder: string, cause: unknown) =>
  new Fault('storage_failed', `Changes in ${folder} are not noticed: ${(cause as Error).message}.`, {
    hint: 'Restart the hub after a change.',
    cause,
  })
