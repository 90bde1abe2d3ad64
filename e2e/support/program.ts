import { spawn } from 'node:child_process'
import { once } from 'node:events'
import process from 'node:process'

/** How a program ended, and everything it wrote. */
export interface Ended {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

export interface Program {
  readonly pid: number
  stdout(): string
  stderr(): string
  /** Resolves when what was written on stdout or stderr matches; rejects when the program ends before. */
  says(pattern: RegExp): Promise<RegExpExecArray>
  write(text: string): void
  closeInput(): void
  /** Sends the signal, if the program still runs, and resolves when it has ended; kills it when that takes too long. */
  end(signal?: NodeJS.Signals): Promise<Ended>
  readonly ended: Promise<Ended>
}

export interface ProgramOptions {
  readonly env?: Readonly<Record<string, string>>
}

/** Starts a program with this environment and what every program needs; whoever starts it ends it. */
export function startProgram(command: string, args: readonly string[], { env = {} }: ProgramOptions = {}): Program {
  const child = spawn(command, args, {
    env: { PATH: process.env['PATH'] ?? '', ...env },
    stdio: 'pipe',
  })
  let stdout = ''
  let stderr = ''
  const listeners = new Set<() => void>()
  const news = () => {
    for (const listener of listeners) listener()
  }
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text
    news()
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
    news()
  })
  // It may have ended before it read what is written to it.
  child.stdin.on('error', () => undefined)
  const ended = once(child, 'close').then(([code, signal]): Ended => ({ code, signal, stdout, stderr }))
  return {
    pid: child.pid ?? 0,
    stdout: () => stdout,
    stderr: () => stderr,
    says(pattern) {
      const { promise, resolve, reject } = Promise.withResolvers<RegExpExecArray>()
      const look = () => {
        const found = pattern.exec(stdout) ?? pattern.exec(stderr)
        if (found) resolve(found)
      }
      listeners.add(look)
      look()
      ended.then(
        ({ code, signal }) =>
          reject(
            new Error(`${command} ${args.join(' ')} ended (${code ?? signal}) without ${pattern}:\n${stdout}${stderr}`),
          ),
        reject,
      )
      return within(promise, `${command} saying ${pattern}`).finally(() => listeners.delete(look))
    },
    write: (text) => void child.stdin.write(text),
    closeInput: () => void child.stdin.end(),
    async end(signal = 'SIGTERM') {
      if (child.exitCode === null && child.signalCode === null) child.kill(signal)
      try {
        return await within(ended, `${command} after ${signal}`)
      } catch (error) {
        child.kill('SIGKILL')
        throw error
      }
    },
    ended,
  }
}

/** Runs a program to its end, with this on its stdin. It is killed when it takes too long. */
export async function runProgram(
  command: string,
  args: readonly string[],
  { input = '', ...options }: ProgramOptions & { input?: string } = {},
): Promise<Ended> {
  const program = startProgram(command, args, options)
  if (input !== '') program.write(input)
  program.closeInput()
  try {
    return await within(program.ended, `${command} ${args.join(' ')}`)
  } catch (error) {
    await program.end('SIGKILL')
    throw error
  }
}

/** Longer than anything takes that does not hang, on a machine that is slow or stands still now and then; below the runner's own. */
const HANGS_MS = 90_000

/** A bound for what should have happened long before: a hang becomes a failure that says what hung. */
export async function within<T>(promise: Promise<T>, what: string, ms = HANGS_MS): Promise<T> {
  const late = Promise.withResolvers<never>()
  const timer = setTimeout(() => late.reject(new Error(`${what}: nothing within ${ms} ms.`)), ms)
  try {
    return await Promise.race([promise, late.promise])
  } finally {
    clearTimeout(timer)
  }
}
