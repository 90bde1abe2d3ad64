import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { end } from './child.ts'

/** A hub in a process of its own, started as a person starts it, on free ports. */
export interface BenchHub extends AsyncDisposable {
  readonly pid: number
  readonly httpPort: number
  readonly httpUrl: string
  readonly mqttPort: number
  readonly token: string
  /** Milliseconds from the start of the process to the line that says it is ready. */
  readonly readyMs: number
  /** Everything it wrote to stderr: its log, from warnings up. */
  log(): string
}

export interface HubOptions {
  readonly broker?: 'embedded' | 'mosquitto'
  readonly demo?: boolean
  /** Of an earlier hub; absent: one of its own, removed at the end. */
  readonly folder?: string
  /** Other MCP servers, as they stand in mcp.json. */
  readonly servers?: Readonly<Record<string, object>>
  /** What else stands in mcp.json. */
  readonly mcp?: object
  /** Arguments of Node itself. */
  readonly nodeArgs?: readonly string[]
}

const PROGRAM = fileURLToPath(new URL('../bin/alicia.js', import.meta.url))

/** The default refuses more than 6000 calls a minute, and lists a search instead of many tools: both are what is to be measured here. */
const CONFIG = { limits: { callsPerMinute: 1_000_000_000, listTokens: 1_000_000 }, log: { level: 'warn' } }

export async function startHub(options: HubOptions = {}): Promise<BenchHub> {
  const { broker = 'embedded', demo = false, nodeArgs = [] } = options
  const folder = options.folder ?? temporaryFolder()
  const config = join(folder, 'config.json')
  writeFileSync(config, JSON.stringify(CONFIG))
  if (options.servers) {
    mkdirSync(join(folder, 'data'), { recursive: true, mode: 0o700 })
    writeFileSync(join(folder, 'data', 'mcp.json'), JSON.stringify({ mcpServers: options.servers, ...options.mcp }))
  }
  const flags = ['--data', join(folder, 'data'), '--config', config, '--broker', broker, '--json']
  const startMs = performance.now()
  const child = spawn(
    process.execPath,
    [...nodeArgs, PROGRAM, 'start', ...flags, '--port', '0', '--mqtt-port', '0', ...(demo ? ['--demo'] : [])],
    // Its end of the channel tells the hub when the benchmark is gone.
    { stdio: ['ignore', 'pipe', 'pipe', 'ipc'] },
  )
  const words: string[] = []
  child.stderr?.setEncoding('utf8').on('data', (text: string) => words.push(text))
  const stop = async () => {
    await end(child)
    if (options.folder === undefined) rmSync(folder, { recursive: true, force: true })
  }
  try {
    if (!child.stdout) throw new TypeError('The hub has no standard output.')
    const lines = createInterface({ input: child.stdout })
    const [line] = (await Promise.race([once(lines, 'line'), once(lines, 'close').then(() => [undefined])])) as [
      string?,
    ]
    if (line === undefined) throw new Error(`The hub did not start: ${words.join('')}`)
    const readyMs = performance.now() - startMs
    const { urls, token_file: tokenFile } = JSON.parse(line) as {
      urls: { http: string; mqtt: string }
      token_file: string
    }
    return {
      pid: child.pid ?? 0,
      httpPort: Number(new URL(urls.http).port),
      httpUrl: urls.http,
      mqttPort: Number(new URL(urls.mqtt).port),
      token: readFileSync(tokenFile, 'utf8').trim(),
      readyMs,
      log: () => words.join(''),
      [Symbol.asyncDispose]: stop,
    }
  } catch (error) {
    await stop()
    throw error
  }
}

/** Whoever makes it removes it. */
export const temporaryFolder = (): string => mkdtempSync(join(tmpdir(), 'alicia-bench-'))
