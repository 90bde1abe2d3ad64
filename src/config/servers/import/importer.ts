import { Fault } from '../../../kernel/fault.ts'
import type { Machine } from '../../folders.ts'
import { fingerprintOf } from '../fingerprint.ts'
import { cleartextIn, describeEntry } from '../describe.ts'
import { withServer } from '../edit.ts'
import { identifierOf } from '../identifier.ts'
import { textOf as readText } from '../read.ts'
import { readServerFile, type RawServer } from '../server-file.ts'
import { withProperty } from '../set-property.ts'
import { backUp, refuseLossy, writeWhole } from '../whole-file.ts'
import { findClientServers, type ClientServer, type ClientServers } from './client-servers.ts'
import { IMPORT_CLIENTS } from './clients.ts'
import { rewritten } from './rewrite.ts'
import { hashOf, takeBack, writeRecord, type Changed } from './take-back.ts'

export interface ImporterOptions {
  readonly machine: Machine
  readFile(path: string): string | undefined
  /** Where imported servers go: `mcp.json`. */
  readonly target: string
  /** Where it is written down what the last import changed. */
  readonly record: string
  /** Ids that servers cannot have. */
  readonly reserved: readonly string[]
  now(): number
}

export const IMPORT_CLIENT_NAMES: readonly string[] = IMPORT_CLIENTS.map(({ id }) => id)

/** Takes servers over from other clients, with a copy of every file before it is changed. */
export function createImporter(options: ImporterOptions) {
  const { machine, readFile, target, record, now } = options
  const textOf = (path: string) => refuseLossy(path, readText(path, options) ?? '')

  function found(client?: string) {
    const taken = new Map(readServerFile(target, textOf(target)).servers.map((server) => [server.name, server]))
    return findClientServers({ machine, readFile }, client).map((source) => ({
      source,
      plan: planFor(source, taken, options),
    }))
  }

  function write(path: string, text: string, done: Changed[], isPrivate: boolean): void {
    const backup = readFile(path) === undefined ? undefined : backUp(path, now())
    done.push({ file: path, backup, wrote: hashOf(text) })
    // Written down first: what is cut off in the middle can be taken back too.
    writeRecord(record, done)
    writeWhole(path, text, { isPrivate })
  }

  return {
    importable: (client: string | undefined) =>
      found(client).map(({ source, plan }) => ({
        client: source.client.id,
        title: source.client.title,
        file: source.file,
        servers: plan.map(({ server, as, is }) => ({
          name: server.name,
          as,
          is,
          target: describeEntry(server.entry).target,
          notes: notesOf(server),
        })),
        ...(source.problem !== undefined && { problem: source.problem }),
      })),
    import(
      choices: readonly { readonly file: string; readonly servers: readonly string[] }[],
      { replacement }: { readonly replacement?: object } = {},
    ) {
      const chosen = found().flatMap(({ source, plan }) => {
        const names = choices.filter(({ file }) => file === source.file).flatMap(({ servers }) => servers)
        return names.length === 0
          ? []
          : [{ source, names, plan: plan.filter((one) => names.includes(one.server.name)) }]
      })
      const adding = chosen.flatMap(({ plan }) => plan.filter(({ is }) => is === 'new'))
      const inputs = chosen.flatMap(({ source }) => source.inputs)
      // Everything is made before anything is written: a file that cannot be changed leaves all as they are.
      const withServers = adding.reduce(
        (text, { as, server }) => withServer(target, text, { name: as, entry: server.entry }),
        textOf(target),
      )
      const after = withInputs(withServers, inputs)
      const others = replacement
        ? chosen.map(({ source, names }) => ({
            file: source.file,
            text: rewritten(textOf(source.file), source, { names, replacement }),
          }))
        : []
      const done: Changed[] = []
      const isTelling = adding.some(({ server }) => cleartextIn(server.entry).length > 0)
      try {
        if (adding.length > 0) write(target, after, done, isTelling)
        for (const { file, text } of others) write(file, text, done, false)
      } catch (error) {
        throw done.length > 1 && error instanceof Fault ? halfDone(error) : error
      }
      return { added: adding.map(({ as }) => as), changed: done.map(({ file, backup }) => ({ file, backup })) }
    },
    restoreImport: () => takeBack(record, { readFile, now }),
  }
}

const halfDone = ({ code, message, hint = '', cause }: Fault) =>
  new Fault(code, message, {
    hint: `${hint} \`alicia import --restore\` takes back what was changed before it.`,
    cause,
  })

interface Planned {
  readonly server: ClientServer
  readonly as: string
  readonly is: 'new' | 'same'
}

/** The same program under any name is the same; another one of a name that is taken gets the client's name behind it. */
function planFor(
  { client, servers }: ClientServers,
  taken: Map<string, Pick<RawServer, 'name' | 'value'>>,
  { reserved }: ImporterOptions,
): Planned[] {
  return servers.map((server) => {
    const twin = [...taken.values()].find(({ value }) => sameness(value) === sameness(server.entry))
    if (twin) return { server, as: twin.name, is: 'same' }
    const ids = new Set([...[...taken.keys()].map(identifierOf), ...reserved])
    const candidates = [server.name, `${server.name}-${client.id}`]
    for (let number = 2; number < 100; number++) candidates.push(`${server.name}-${client.id}-${number}`)
    const as = candidates.find((name) => !ids.has(identifierOf(name))) ?? server.name
    taken.set(as, { name: as, value: server.entry })
    return { server, as, is: 'new' }
  })
}

/** What makes two entries the same server: what is started, with what. */
function sameness(value: unknown): string {
  const {
    command,
    args = [],
    env = {},
    url,
    httpUrl,
    serverUrl,
    headers = {},
    cwd,
  } = (value ?? {}) as Record<string, unknown>
  return fingerprintOf({ command, args, env, url: url ?? httpUrl ?? serverUrl, headers, cwd })
}

function notesOf({ entry, notes }: ClientServer): string[] {
  const secrets = cleartextIn(entry).map((path) => path.join('.'))
  if (secrets.length === 0) return [...notes]
  return [...notes, `${secrets.join(', ')} in cleartext: keep it with \`alicia secret set\` afterwards`]
}

/** VS Code's, each once: entries refer to them. */
function withInputs(text: string, inputs: readonly unknown[]): string {
  const there = new Set(readServerFile('mcp.json', text).inputs.map(({ id }) => id))
  return inputs.reduce<string>((rest, input) => {
    const { id } = input as { readonly id?: unknown }
    if (typeof id !== 'string' || there.has(id)) return rest
    there.add(id)
    return withProperty(
      rest,
      there.size === 1 ? ['inputs'] : ['inputs', there.size - 1],
      there.size === 1 ? [input] : input,
    )
  }, text)
}
