import type { Readable } from 'node:stream'
import { StringDecoder } from 'node:string_decoder'
import type { Clock } from '../../kernel/clock.ts'
import { readInTurn } from './in-turn.ts'

/** Characters of a line that are kept; what follows up to its end is dropped. */
const LONGEST_LINE = 8192

/** Calls `onLine` with each line of a stream, without its end, empty ones left out; a longer one is cut. */
export function readLines(stream: Readable, onLine: (line: string) => void): void {
  const decoder = new StringDecoder('utf8')
  let begun = ''
  const take = (text: string) => {
    const lines = text.split('\n')
    const last = lines.pop() ?? ''
    for (const line of lines) {
      say(begun + line)
      begun = ''
    }
    begun = (begun + last).slice(0, LONGEST_LINE)
  }
  const say = (line: string) => {
    const shown = line.slice(0, LONGEST_LINE).trimEnd()
    if (shown !== '') onLine(shown)
  }
  readInTurn(stream, (chunk) => take(decoder.write(chunk)))
  stream.once('close', () => {
    take(decoder.end())
    say(begun)
  })
  stream.on('error', () => undefined)
}

/** Something a server said on its standard error. */
export interface StderrLine {
  /** Wall-clock milliseconds. */
  readonly atMs: number
  readonly text: string
}

/** The latest lines of a server's standard error, over all its restarts: what `alicia logs` shows. */
export interface StderrRing {
  push(text: string): void
  /** Oldest first. */
  lines(): readonly StderrLine[]
}

const MOST_LINES = 500
const MOST_CHARACTERS = 256 * 1024

export function createStderrRing(clock: Clock): StderrRing {
  const kept: StderrLine[] = []
  let characters = 0
  return {
    push(text) {
      kept.push({ atMs: clock.now(), text })
      characters += text.length
      while (kept.length > MOST_LINES || characters > MOST_CHARACTERS) characters -= kept.shift()?.text.length ?? 0
    },
    lines: () => kept.slice(),
  }
}
