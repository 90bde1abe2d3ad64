import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process'
import process from 'node:process'
import { setTimeout as delay } from 'node:timers/promises'
import type { Log } from '../../kernel/log.ts'
import type { Transport } from '../../kernel/mcp/server-definition.ts'
import { serverEnvironment, type Environment } from './environment.ts'
import type { Guard } from './guard.ts'
import { createLastWords } from './last-words.ts'
import { endGroup, signalGroup, terminate } from './process-group.ts'
import type { ProcessEnd, ServerProcess } from './server-process.ts'
import { spawnFault } from './spawn-fault.ts'
import { readLines } from './stderr-lines.ts'
import { windowsCommand } from './windows-command.ts'

export type StdioTransport = Extract<Transport, { kind: 'stdio' }>

export interface SpawnOptions {
  /** The server's name, for the log and in faults. */
  readonly name: string
  readonly log: Log
  readonly guard: Guard
  /** The hub's own environment, of which the server gets the harmless part. */
  readonly environment: Environment
  /** Blanked out of whatever the server says on its standard error. */
  readonly secrets: readonly string[]
  /** A line of its standard error. */
  readonly onStderr: (line: string) => void
  /** Milliseconds it has at each step of its end: after its input closed, and after SIGTERM. Default 2000. */
  readonly graceMs?: number
}

/** The steps are those of MCP 2026-07-28, transports, stdio, "Shutdown". */
const GRACE_MS = 2000
/** What a server wrote before its end is read to the end; a descendant that holds the pipes open is not waited for. */
const DRAIN_MS = 250

/**
 * Starts a server as the leader of its own process group, without a shell. Whenever it ends, so does whatever it left
 * in its group (npx leaves the server itself). Throws Fault `unavailable` that says what is missing.
 */
export function spawnServer(transport: StdioTransport, options: SpawnOptions): ServerProcess {
  const { name, log, guard, secrets, onStderr, graceMs = GRACE_MS } = options
  const child = startProgram(transport, options)
  const group = child.pid
  guard.add(group)
  // Writing to a server that is gone is noticed by its end.
  child.stdin.on('error', () => undefined)
  child.stdout.on('error', () => undefined)
  const lastWords = createLastWords()
  readLines(child.stderr, (line) => {
    const text = secrets.reduce((shown, secret) => (secret === '' ? shown : shown.replaceAll(secret, '[hidden]')), line)
    lastWords.add(text)
    onStderr(text)
    log.debug(text, { server: name })
  })

  let isStopping = false
  const { promise: exited, resolve: onExit } = Promise.withResolvers<Exit>()
  child.once('exit', (code, signal) => onExit({ code, signal, wasStopped: isStopping }))
  const { promise: closed, resolve: onClose } = Promise.withResolvers<void>()
  child.once('close', onClose)

  const swept = exited.then(() => endGroup(group, graceMs)).finally(() => guard.remove(group))
  const ended = exited.then(async (exit): Promise<ProcessEnd> => {
    const giveUp = new AbortController()
    await Promise.race([closed, delay(DRAIN_MS, undefined, { signal: giveUp.signal }).catch(() => undefined)])
    giveUp.abort()
    return { code: exit.code, signal: exit.signal, reason: explain(exit, lastWords.all()) }
  })

  const stop = async () => {
    isStopping = true
    child.stdin.end()
    if (!(await isDoneWithin(exited, graceMs))) {
      await terminate(group)
      if (!(await isDoneWithin(exited, graceMs))) signalGroup(group, 'SIGKILL')
    }
    await swept
    // A descendant that left the group may hold these open for ever.
    child.stdout.destroy()
    child.stderr.destroy()
  }
  let stopping: Promise<void> | undefined
  return { pid: group, stdin: child.stdin, stdout: child.stdout, ended, stop: () => (stopping ??= stop()) }
}

function startProgram(transport: StdioTransport, { name, environment }: SpawnOptions) {
  const { command, args, cwd = process.cwd() } = transport
  const env = serverEnvironment(environment, transport.env)
  const isWindows = process.platform === 'win32'
  const variable = (key: string) => Object.entries(env).find(([known]) => known.toUpperCase() === key)?.[1] ?? ''
  const path = variable('PATH')
  const place = { path, pathExt: variable('PATHEXT'), comSpec: variable('COMSPEC') || 'cmd.exe', cwd }
  const {
    file,
    args: list,
    verbatim,
  } = isWindows ? windowsCommand(command, args, place) : { file: command, args, verbatim: false }
  const options = {
    cwd,
    env,
    // A group and session of its own: signals reach all of it, and Ctrl-C in the hub's terminal none of it.
    detached: !isWindows,
    windowsHide: true,
    windowsVerbatimArguments: verbatim,
  }
  const child = trySpawn(() => spawn(file, [...list], { ...options, stdio: ['pipe', 'pipe', 'pipe'] }))
  if (!child) throw spawnFault({ name, command, cwd, path })
  return child
}

type Started = ChildProcessWithoutNullStreams & { readonly pid: number }

/** Undefined when the system refused: Node throws for some reasons and emits others, but then there is no pid. */
function trySpawn(start: () => ChildProcessWithoutNullStreams): Started | undefined {
  try {
    const child = start()
    child.on('error', () => undefined)
    return hasPid(child) ? child : undefined
  } catch {
    return undefined
  }
}

const hasPid = (child: ChildProcessWithoutNullStreams): child is Started => child.pid !== undefined

async function isDoneWithin(work: Promise<unknown>, limitMs: number): Promise<boolean> {
  const giveUp = new AbortController()
  const late = delay(limitMs, false, { signal: giveUp.signal }).catch(() => false)
  const isDone = await Promise.race([work.then(() => true), late])
  giveUp.abort()
  return isDone
}

interface Exit extends Omit<ProcessEnd, 'reason'> {
  readonly wasStopped: boolean
}

function explain({ code, signal, wasStopped }: Exit, said: readonly string[]): string {
  if (wasStopped) return 'it was stopped'
  const how = signal === null ? `it ended with exit code ${code}` : `it was ended by ${signal}`
  const perhaps = signal === 'SIGKILL' ? ' (the system does that when memory runs out)' : ''
  return said.length === 0 ? how + perhaps : `${how}${perhaps}; it said: ${said.join(' | ')}`
}
