import { realpathSync } from 'node:fs'
import type { Readable, Writable } from 'node:stream'
import { Fault } from '../../kernel/fault.ts'
import { openBrowser } from './browser.ts'

type Environment = Readonly<Record<string, string | undefined>>

/** The process as the command line sees it; given, so that tests can be a terminal. */
export interface Terminal {
  readonly stdin: Readable & { readonly isTTY?: boolean }
  readonly stdout: Writable & { readonly isTTY?: boolean; readonly columns?: number }
  readonly stderr: Writable & { readonly isTTY?: boolean }
  readonly env: Environment
  /** How this program is started, for hints and client snippets: `['alicia']`, `['node', '/…/bin/alicia.js']`. */
  readonly command: readonly string[]
  /** Tells of each SIGINT, SIGTERM and SIGHUP until the returned function is called. */
  onSignal(listener: (signal: NodeJS.Signals) => void): () => void
  /** Ends the process at once. */
  exit(code: number): void
  /** Shows a web page to the person; resolves to false where there is no desktop. Throws Fault for another address. */
  openBrowser(address: string): Promise<boolean>
}

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/**
 * The real one. A reader that closed the pipe (`| head`) ends the program as a signal would, and quietly. Other errors
 * are for whoever waits for `write`; a hub does not end because its log has no room on a disk.
 */
export function processTerminal(env: Environment): Terminal {
  const { stdout, stderr, argv } = process
  let ended = false
  for (const stream of [stdout, stderr])
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') return
      if (!ended && !process.emit('SIGTERM', 'SIGTERM')) process.exit(0)
      ended = true
    })
  return {
    // Opened when first read: a command that reads nothing must not wait for its input to end.
    get stdin() {
      return process.stdin
    },
    stdout,
    stderr,
    env,
    command: commandOf(argv[1] ?? 'alicia'),
    onSignal(listener) {
      for (const signal of SIGNALS) process.on(signal, listener)
      return () => {
        for (const signal of SIGNALS) process.off(signal, listener)
      }
    },
    exit: (code) => process.exit(code),
    openBrowser: (address) => openBrowser(address, { platform: process.platform, env }),
  }
}

/** A script found in PATH is called by its name, one in a folder by its path; only `npx` finds those of a package. */
export function commandOf(script: string): readonly string[] {
  if (/[\\/]node_modules[\\/]\.bin[\\/][^\\/]+$/.test(script)) return ['node', realPath(script)]
  return /[\\/]alicia(\.cmd)?$/.test(script) ? ['alicia'] : ['node', script]
}

function realPath(file: string): string {
  try {
    return realpathSync(file)
  } catch {
    return file
  }
}

/** How many characters fit on a line: without end where no terminal shows them. */
export const widthFor = (stream: Terminal['stdout']) => (stream.isTTY ? (stream.columns ?? 80) : Infinity)

/**
 * Writes, and waits where the reader is slower. A reader that has gone needs nothing any more. Throws Fault
 * `storage_failed`, of a file on a full disk.
 */
export function write(stream: Writable, text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    stream.write(text, (error) => {
      if (!error || (error as NodeJS.ErrnoException).code === 'EPIPE') resolve()
      else reject(new Fault('storage_failed', `The output cannot be written: ${error.message}.`, { cause: error }))
    })
  })
}
