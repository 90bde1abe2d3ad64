import { Fault } from '../../kernel/fault.ts'
import { withProperty } from './set-property.ts'
import { withoutProperty } from './remove-property.ts'
import { readServerFile, type ServerFile } from './server-file.ts'

/** The text of a file with one server more, or another in its place; comments and layout stay. Throws Fault. */
export function withServer(file: string, text: string, server: { name: string; entry: object }): string {
  const read = readServerFile(file, text)
  const path = pathOf(read, server.name) ?? [...containerOf(read), server.name]
  return withProperty(text, path, server.entry)
}

/** The text without that server; undefined where it stands in another file. Throws Fault where the file is broken. */
export function withoutServer(file: string, text: string, name: string): string | undefined {
  const path = pathOf(readServerFile(file, text), name)
  return path && withoutProperty(text, path)
}

/** Throws Fault `conflict` when the name is taken in the file. */
export function refuseTaken({ file, servers, lineOf }: ServerFile, name: string): void {
  const taken = servers.find((server) => server.name === name)
  if (taken)
    throw new Fault('conflict', `There is a server ${name} already: ${file}:${lineOf(taken.path)}.`, {
      hint: 'Choose another name, or replace it with --force.',
    })
}

const pathOf = ({ servers }: ServerFile, name: string) =>
  servers.find((server) => server.name === name)?.path as (string | number)[] | undefined

/** Where the others of the file stand; in a new one, where most clients look. */
const containerOf = ({ servers }: ServerFile): (string | number)[] =>
  (servers[0]?.path.slice(0, -1) as string[] | undefined) ?? ['mcpServers']
