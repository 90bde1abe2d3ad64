import { mkdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { ServerFiles } from '../adapters/cli/server-files.ts'
import { configSources, type Config } from '../config.ts'
import { openBook, readIfThere } from '../config/servers/book.ts'
import type { Machine } from '../config/folders.ts'
import { serverChecks } from '../config/servers/checks.ts'
import { createImporter, IMPORT_CLIENT_NAMES } from '../config/servers/import/importer.ts'
import { takeLock } from '../engines/folder-lock.ts'
import { openNamedSecrets, type NamedSecrets } from '../engines/named-secrets.ts'
import { systemClock } from '../kernel/clock.ts'
import { Fault } from '../kernel/fault.ts'
import { silentLog } from '../kernel/log.ts'
import { RESERVED } from './own-services.ts'
import { KEY_FILES, keyringAt } from './secrets.ts'

/** What the command line does with the servers' files: beside a running hub, or without one. */
export function serverFiles(config: Config, machine: Machine = configSources({})): ServerFiles {
  const { data, mcpFiles } = config
  // A command that only looks must not leave a key behind where there is no secret.
  const file = join(data, KEY_FILES.named)
  let opened: NamedSecrets | undefined
  const named = () => (opened ??= openSecrets(config, file))
  const hasSecrets = () => readIfThere(file) !== undefined
  const book = openBook(mcpFiles, {
    ...machine,
    readFile: readIfThere,
    reserved: RESERVED,
    secret: (name) => (hasSecrets() ? named().get(name) : undefined),
  })
  const importer = createImporter({
    machine,
    readFile: readIfThere,
    target: mcpFiles[0] ?? join(data, 'mcp.json'),
    record: join(data, 'last-import.json'),
    reserved: RESERVED,
    now: systemClock.now,
  })
  const alone = <T>(change: () => T): T => oneAtATime(data, change)
  return {
    ...book,
    ...importer,
    remove: (name) => alone(() => book.remove(name)),
    import: (choices, options) => alone(() => importer.import(choices, options)),
    restoreImport: () => alone(importer.restoreImport),
    importClients: IMPORT_CLIENT_NAMES,
    // What is relative on a command line begins at the shell's folder, in the file at the file's own.
    add: (name, entry, options) => alone(() => book.add(name, fromHere(entry, machine.cwd), options)),
    checks: () => serverChecks(book, machine),
    secrets: {
      list: () => (hasSecrets() ? named().list() : []),
      set: (name, value) => alone(() => named().set(name, value)),
      remove: (name) => hasSecrets() && alone(() => named().remove(name)),
    },
  }
}

/** Another command must be done within so long, milliseconds. */
const PATIENCE_MS = 10_000

/** Of two commands at once, each would write what it read before the other one wrote. Throws Fault `conflict`. */
function oneAtATime<T>(data: string, change: () => T): T {
  const release = lockIn(data)
  try {
    return change()
  } finally {
    release()
  }
}

function lockIn(data: string): () => void {
  let release: (() => void) | undefined
  try {
    mkdirSync(data, { recursive: true, mode: 0o700 })
    release = takeLock(join(data, 'servers.lock'), PATIENCE_MS)
  } catch {
    // Where no lock can be made, the files may still be writable; if not, they say so better.
    return () => {}
  }
  if (release) return release
  throw new Fault('conflict', 'Another command is changing the servers or secrets.', { hint: 'Try again in a moment.' })
}

function fromHere(entry: object, cwd: string): object {
  const absolute = Object.entries(entry).flatMap(([key, value]) => {
    const isRelative =
      (key === 'cwd' && !/^[~$]/.test(String(value))) || (key === 'command' && /^\.{1,2}[\\/]/.test(String(value)))
    return isRelative ? [[key, resolve(cwd, String(value))]] : []
  })
  return { ...entry, ...Object.fromEntries(absolute) }
}

function openSecrets(config: Config, file: string): NamedSecrets {
  mkdirSync(config.data, { recursive: true, mode: 0o700 })
  return openNamedSecrets({ file, secrets: keyringAt(config, silentLog), log: silentLog })
}
