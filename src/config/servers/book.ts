import { readFileSync } from 'node:fs'
import { Fault } from '../../kernel/fault.ts'
import { nearest } from '../../kernel/nearest.ts'
import { readEntry } from './entry.ts'
import { cleartextIn, describeServers, type DescribedServer } from './describe.ts'
import { refuseTaken, withoutServer, withServer } from './edit.ts'
import { identifierOf } from './identifier.ts'
import type { ServerSources } from './place.ts'
import { readServers, textOf, type ServerConfig } from './read.ts'
import { readServerFile } from './server-file.ts'
import { refuseLossy, writeWhole } from './whole-file.ts'

/** The files with servers, to look at and to change. */
export interface ServerBook {
  /** Throws Fault `invalid_input` with file and line where one is broken. */
  config(): ServerConfig
  list(): readonly DescribedServer[]
  /** By name or id. Throws Fault `not_found`, naming the nearest. */
  find(name: string): DescribedServer
  /** Adds to the first file. Throws Fault `conflict` when the name is taken, `invalid_input` for a wrong entry. */
  add(name: string, entry: object, options?: { readonly replace?: boolean }): Added
  /** Takes it out of the file it stands in. Throws Fault `not_found`. */
  remove(name: string): { readonly name: string; readonly file: string }
}

export interface Added {
  readonly id: string
  readonly file: string
  /** What the entry may get wrong, in words. */
  readonly warnings: readonly string[]
  /** Keys that hold a secret in cleartext: `env.API_KEY`. */
  readonly cleartext: readonly string[]
}

/** `files` are absolute and at least one. */
export function openBook(files: readonly string[], sources: ServerSources): ServerBook {
  const [first = ''] = files
  const text = (file: string) => refuseLossy(file, textOf(file, sources) ?? '')
  const config = () => readServers(files, sources)
  const list = () => describeServers(config())
  const find = (name: string): DescribedServer => {
    const all = list()
    const found = all.find((server) => server.name === name) ?? all.find(({ id }) => id === name)
    if (found) return found
    const meant = nearest(
      name,
      all.map((server) => server.name),
    )
    throw new Fault('not_found', `There is no server ${name} in ${files.join(', ')}.`, {
      hint: meant === undefined ? '`alicia list` shows those there are.' : `Did you mean ${meant}?`,
    })
  }
  return {
    config,
    list,
    find,
    add(name, entry, { replace = false } = {}) {
      if (name.trim() === '') throw new Fault('invalid_input', 'A server needs a name.')
      const checked = readEntry(entry, [name])
      if ('wrong' in checked)
        throw new Fault('invalid_input', `${checked.wrong.map((complaint) => complaint.text).join('; ')}.`)
      const id = identifierOf(name)
      if (sources.reserved.includes(id))
        throw new Fault('conflict', `${name} is the name of a part of Alicia.`, { hint: 'Choose another name.' })
      const before = text(first)
      if (!replace) refuseTaken(readServerFile(first, before), name)
      const other = describeServers(config()).find((server) => server.id === id && server.name !== name)
      if (other)
        throw new Fault('conflict', `${name} gives the same id (${id}) as ${other.name} in ${other.file}.`, {
          hint: 'Choose another name.',
        })
      const cleartext = cleartextIn(entry)
      writeWhole(first, withServer(first, before, { name, entry }), { isPrivate: cleartext.length > 0 })
      return {
        id,
        file: first,
        warnings: checked.warnings.map((warning) => warning.text),
        cleartext: cleartext.map((path) => path.join('.')),
      }
    },
    remove(name) {
      const server = find(name)
      const after = withoutServer(server.file, text(server.file), server.name)
      if (after !== undefined) writeWhole(server.file, after, { isPrivate: false })
      return { name: server.name, file: server.file }
    },
  }
}

/** The text of a file, or undefined when it does not exist. */
export function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined
    throw error
  }
}
