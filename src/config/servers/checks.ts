import { once } from 'node:events'
import { accessSync, constants, statSync } from 'node:fs'
import { get as getOverHttp, type IncomingMessage } from 'node:http'
import { get as getOverTls } from 'node:https'
import { connectionReason } from '../../kernel/connection-reason.ts'
import type { ServerDefinition, Transport } from '../../kernel/mcp/server-definition.ts'
import { pathsOf, type Machine } from '../folders.ts'
import type { ServerBook } from './book.ts'
import { fingerprintOf } from './fingerprint.ts'
import { cleartextIn } from './describe.ts'
import type { ServerConfig } from './read.ts'

/** What was found; only `failed` counts as an error. */
export type ServerFinding =
  | { readonly is: 'ok' | 'note'; readonly text: string }
  | { readonly is: 'warning' | 'failed'; readonly text: string; readonly fix: string }

/** A check of one server, or of a file. */
export interface ServerCheck {
  readonly name: string
  run(signal: AbortSignal): Promise<ServerFinding>
}

/** How long a server may take to answer, milliseconds. */
const ANSWER_MS = 5000

/** One check for each server, and for each thing in the files that is not as it should be. Throws where one is broken. */
export function serverChecks(book: Pick<ServerBook, 'config'>, machine: Machine): ServerCheck[] {
  const config = book.config()
  const warnings = config.warnings.map(({ source, line, text }) =>
    finding(
      'Servers',
      warning(
        `${line === undefined ? source : `${source}:${line}`}: ${text}`,
        'It stays in the file and has no effect.',
      ),
    ),
  )
  const unusable = config.unusable.map(({ name, enabled, problem }) => {
    const text = `${problem.source}:${problem.line ?? 1}: ${problem.text}`
    const found = enabled
      ? failed(text, 'Mend it there; a running hub goes on with what it had, the other servers too.')
      : note(`switched off; ${text}`)
    return finding(`Server ${name}`, found)
  })
  const servers = config.definitions.flatMap((server) => [
    { name: `Server ${server.name}`, run: (signal: AbortSignal) => check(server, machine, signal) },
    ...secretsOf(server, config)
      .concat(twinOf(server, config))
      .map((found) => finding(`Server ${server.name}`, found)),
  ])
  return [...warnings, ...unusable, ...servers, ...openFiles(config, machine)]
}

async function check(
  { enabled, replicas }: ServerDefinition,
  machine: Machine,
  signal: AbortSignal,
): Promise<ServerFinding> {
  if (!enabled) return note('switched off')
  const [first] = replicas
  if (!first) return note('it runs nowhere')
  const findings = await Promise.all(replicas.map(({ transport }) => checkTransport(transport, machine, signal)))
  return (
    findings.find(({ is }) => is === 'failed') ?? findings.find(({ is }) => is === 'warning') ?? findings[0] ?? note('')
  )
}

async function checkTransport(transport: Transport, machine: Machine, signal: AbortSignal): Promise<ServerFinding> {
  if (transport.kind !== 'stdio') return reach(transport.url, signal)
  const { command, cwd, env } = transport
  if (cwd !== undefined && !isFolder(cwd)) return failed(`the folder ${cwd} does not exist`, 'Make it, or change cwd.')
  const found = findProgram(command, { ...machine, env: { ...machine.env, ...env } })
  return found === undefined ? failed(`the command ${command} is not found`, installHint(command)) : ok(found)
}

const HINTS: Readonly<Record<string, string>> = {
  npx: 'It comes with Node.js: install that, or name npx by its full path.',
  node: 'Install Node.js, or name node by its full path.',
  uvx: 'It comes with uv: https://docs.astral.sh/uv/.',
  uv: 'Install it: https://docs.astral.sh/uv/.',
  docker: 'Install Docker, or run the server in another way.',
  bunx: 'It comes with Bun: https://bun.sh.',
}

function installHint(command: string): string {
  // A path may have blanks; a line as for a shell has them behind its first word.
  if (/^[^\s\\/]+\s/.test(command))
    return 'What follows the program belongs in args: {"command": "npx", "args": ["-y", "<package>"]}.'
  return (Object.hasOwn(HINTS, command) ? HINTS[command] : undefined) ?? 'Install it, or name it by its full path.'
}

/** As the system would find it: by its path, or in PATH. */
export function findProgram(command: string, { env, platform }: Machine): string | undefined {
  const { delimiter, join, isAbsolute } = pathsOf(platform)
  const endings = platform === 'win32' ? ['', ...(env['PATHEXT'] ?? '.EXE;.CMD;.BAT').split(';')] : ['']
  const folders = isAbsolute(command) ? [''] : (env['PATH'] ?? env['Path'] ?? '').split(delimiter)
  return folders
    .flatMap((folder) => endings.map((ending) => (folder === '' ? command : join(folder, command)) + ending))
    .find(isProgram)
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return statSync(path).isFile()
  } catch {
    return false
  }
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false
}

/** Any answer will do; no secret is sent for it. */
async function reach(address: string, signal: AbortSignal): Promise<ServerFinding> {
  const { origin, pathname } = new URL(address.replace(/^ws/i, 'http'))
  const shown = `${origin}${pathname}`
  const limit = AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MS)])
  try {
    const status = await statusOf(shown, limit)
    return status === 404
      ? warning(`${shown} answers that there is nothing (404)`, 'Check the path of the url.')
      : ok(`${shown} answers${status === 401 ? ' and wants a login' : ''}`)
  } catch (error) {
    signal.throwIfAborted()
    const reason = limit.aborted ? `it did not answer within ${ANSWER_MS / 1000} s` : connectionReason(error)
    return failed(`${shown} cannot be reached: ${reason}`, 'Is it running, and is the url right?')
  }
}

/** By Node's own client, as the hub asks: `fetch` refuses some ports without trying (Fetch, 2.9). */
async function statusOf(url: string, signal: AbortSignal): Promise<number | undefined> {
  const get = url.startsWith('https:') ? getOverTls : getOverHttp
  const headers = { accept: 'application/json, text/event-stream' }
  const asked = get(url, { signal, headers, agent: false })
  const [response] = (await once(asked, 'response')) as [IncomingMessage]
  response.destroy()
  return response.statusCode
}

/** A secret that stands in the file is in every backup of it. */
function secretsOf({ id, name }: ServerDefinition, { places }: ServerConfig): ServerFinding[] {
  const place = places.get(id)
  const keys = place ? cleartextIn(place.value).map((path) => path.join('.')) : []
  if (keys.length === 0) return []
  const secret = `${name.replaceAll(/[^A-Za-z0-9._-]+/g, '-').replace(/^-+/, '')}-key`
  return [
    warning(
      `${place?.file}:${place?.line}: ${keys.join(', ')} ${keys.length === 1 ? 'holds' : 'hold'} a secret in cleartext`,
      `Keep it with \`alicia secret set ${secret}\` and write \${secret:${secret}} there.`,
    ),
  ]
}

/** Two entries for the same program or address start it twice, and offer every tool twice. */
function twinOf(server: ServerDefinition, { definitions }: ServerConfig): ServerFinding[] {
  const key = transportKey(server)
  const twin = definitions.slice(0, definitions.indexOf(server)).find((other) => transportKey(other) === key)
  return twin ? [warning(`it is the same as ${twin.name}`, `Remove one: alicia remove ${server.name}`)] : []
}

const transportKey = ({ replicas: [first] }: ServerDefinition) => fingerprintOf(first?.transport ?? {})

/** Others of the machine must not read secrets. */
function openFiles({ places }: ServerConfig, { platform }: Machine): ServerCheck[] {
  if (platform === 'win32') return []
  const telling = [...places.values()].filter(({ value }) => cleartextIn(value).length > 0).map(({ file }) => file)
  return [...new Set(telling)]
    .filter((file) => ((statSync(file, { throwIfNoEntry: false })?.mode ?? 0) & 0o077) !== 0)
    .map((file) => finding('Servers', failed(`others can read ${file}, which holds secrets`, `chmod 600 ${file}`)))
}

const finding = (name: string, found: ServerFinding): ServerCheck => ({ name, run: async () => found })
const ok = (text: string): ServerFinding => ({ is: 'ok', text })
const note = (text: string): ServerFinding => ({ is: 'note', text })
const warning = (text: string, fix: string): ServerFinding => ({ is: 'warning', text, fix })
const failed = (text: string, fix: string): ServerFinding => ({ is: 'failed', text, fix })
