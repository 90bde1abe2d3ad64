import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { cleanUps } from '../../src/testing/mqtt-toolkit.ts'
import { runProgram, startProgram, type Ended, type Program } from './program.ts'

/** The program as a user starts it. */
export const ALICIA = fileURLToPath(new URL('../../bin/alicia.js', import.meta.url))

/** Who cleans up: a test, or what collects the tasks of a suite. */
export interface Ending {
  after(task: () => unknown): void
}

/** A person's machine: an empty home, a data folder that does not exist yet, and no other setting. */
export interface Home extends Ending {
  readonly folder: string
  readonly data: string
  readonly env: Readonly<Record<string, string>>
  /** What has to end before the folder goes. */
  after(task: () => unknown): void
}

/** A home that is gone at the end, after everything that was started in it. */
export function emptyHome(ending: Ending): Home {
  const folder = mkdtempSync(join(tmpdir(), 'alicia-e2e-'))
  const home = join(folder, 'home')
  mkdirSync(home)
  const inside = cleanUps()
  ending.after(async () => {
    await inside.run()
    rmSync(folder, { recursive: true, force: true })
  })
  return { folder, data: join(folder, 'data'), env: { HOME: home }, after: inside.after }
}

export interface HubOptions {
  /** What its configuration file says; absent: there is none. */
  readonly config?: object
  /** The same for `mcp.json`. */
  readonly mcp?: object
  /** Absent: one of its own, gone with the hub. */
  readonly home?: Home
  readonly args?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
}

/** A hub that runs as a process of its own. */
export interface TestHub extends Pick<Program, 'pid' | 'stdout' | 'stderr' | 'says' | 'end'> {
  readonly home: Home
  readonly urls: { readonly http: string; readonly mcp: string; readonly mqtt: string; readonly mqttWebSocket?: string }
  readonly token: string
  /** POST /api/<service>/<operation> as the owner, or with another token. */
  call(operation: string, input?: object, more?: CallOptions): Promise<Answer>
  /** The same, where anything but success is a failure of the test. */
  result(operation: string, input?: object, more?: CallOptions): Promise<Record<string, unknown>>
  /** Runs `alicia` with these arguments on the same data folder. */
  cli(args: readonly string[], env?: Readonly<Record<string, string>>): Promise<Ended>
}

export interface CallOptions {
  /** Null: none. */
  readonly token?: string | null
}

export interface Answer {
  readonly status: number
  readonly body: Record<string, unknown>
}

/** Starts a hub on free ports and waits until it says that it is ready; it ends with the test. */
export async function startHub(ending: Ending, options: HubOptions = {}): Promise<TestHub> {
  const home = options.home ?? emptyHome(ending)
  writeFiles(home, { 'alicia.json': options.config, 'mcp.json': options.mcp })
  const program = startAlicia(home, startArgs(home, options.args), options.env)
  const [line] = await program.says(/^\{"event":"ready".*\}$/m)
  const ready = JSON.parse(line) as Pick<TestHub, 'urls'>
  const token = readFileSync(join(home.data, 'token'), 'utf8').trim()
  const { http } = ready.urls
  const call: TestHub['call'] = (operation, input = {}, more = {}) => callAt(http, operation, input, { token, ...more })
  return {
    ...program,
    home,
    urls: ready.urls,
    token,
    call,
    async result(operation, input, more) {
      const { status, body } = await call(operation, input, more)
      if (status === 200) return body
      throw new Error(`${operation} answered ${status}: ${JSON.stringify(body)}`)
    },
    cli: ([command = '', ...args], env) => runAlicia([command, '--data', home.data, ...args], { ...home.env, ...env }),
  }
}

function writeFiles({ data }: Home, files: Readonly<Record<string, object | undefined>>): void {
  for (const [name, content] of Object.entries(files)) {
    if (content === undefined) continue
    mkdirSync(data, { recursive: true, mode: 0o700 })
    writeFileSync(join(data, name), JSON.stringify(content, undefined, 2), { mode: 0o600 })
  }
}

/** `alicia start` on free ports. */
export const startArgs = ({ data }: Pick<Home, 'data'>, args: readonly string[] = []): string[] => [
  'start',
  '--json',
  '--data',
  data,
  '--port',
  '0',
  ...(args.includes('--mqtt-port') ? [] : ['--mqtt-port', '0']),
  ...args,
]

/** Starts `alicia` with these arguments; it ends before its home goes. */
export function startAlicia(home: Home, args: readonly string[], env?: Readonly<Record<string, string>>): Program {
  // Every result is held against its schema: a wrong one is an internal fault.
  const program = startProgram(process.execPath, [ALICIA, ...args], {
    env: { ...home.env, ALICIA_CHECK_RESULTS: 'true', ...env },
  })
  home.after(() => program.end())
  return program
}

/** Runs `alicia` to its end, in the home that the environment names. */
export const runAlicia = (args: readonly string[], env: Readonly<Record<string, string>>): Promise<Ended> =>
  runProgram(process.execPath, [ALICIA, ...args], { env })

/** One call over REST. */
async function callAt(url: string, operation: string, input: object, { token }: CallOptions): Promise<Answer> {
  const response = await fetch(`${url}/api/${operation.replace('.', '/')}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(token != null && { authorization: `Bearer ${token}` }) },
    body: JSON.stringify(input),
  })
  return { status: response.status, body: (await response.json()) as Record<string, unknown> }
}
