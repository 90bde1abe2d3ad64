import { PassThrough, Writable } from 'node:stream'
import type { Terminal } from '../adapters/cli/terminal.ts'

export interface TestTerminal extends Terminal {
  readonly stdin: PassThrough
  out(): string
  err(): string
  /** What `exit` was called with. */
  readonly exits: number[]
  /** What `openBrowser` was called with. */
  readonly opened: readonly string[]
  signal(name: NodeJS.Signals): void
}

/** A terminal, or a pair of pipes, that keeps what is written to it. */
export function testTerminal(options: { tty?: boolean; columns?: number; env?: Terminal['env'] } = {}): TestTerminal {
  const { tty = false, columns = 80, env = { NO_COLOR: '1' } } = options
  const texts = { out: '', err: '' }
  const stream = (name: keyof typeof texts) =>
    Object.assign(
      new Writable({
        write(chunk, _, done) {
          texts[name] += String(chunk)
          done()
        },
      }),
      { isTTY: tty, columns },
    )
  const listeners = new Set<(signal: NodeJS.Signals) => void>()
  const exits: number[] = []
  const opened: string[] = []
  return {
    stdin: new PassThrough(),
    stdout: stream('out'),
    stderr: stream('err'),
    env,
    command: ['alicia'],
    onSignal(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    exit: (code) => void exits.push(code),
    openBrowser(address) {
      opened.push(address)
      return Promise.resolve(tty)
    },
    opened,
    out: () => texts.out,
    err: () => texts.err,
    exits,
    signal: (name) => {
      for (const listener of listeners) listener(name)
    },
  }
}
