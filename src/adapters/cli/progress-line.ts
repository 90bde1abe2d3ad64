import type { Clock } from '../../kernel/clock.ts'
import type { Progress } from '../../kernel/tool.ts'
import { harmless, styleFor } from './style.ts'
import type { Terminal } from './terminal.ts'

/** A call that is shorter shows nothing. */
const SHOW_AFTER_MS = 300
const FRAME_MS = 100
const FRAMES = '⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏'.split('')
/** Carriage return and "erase in line" (ECMA-48): the next text takes the line's place. */
const CLEAR = '\r\u001B[K'

export interface ProgressLine {
  update(progress: Progress): void
  /** Prints a line of its own above. */
  say(text: string): void
  stop(): void
}

/** One line on stderr that lives while a call runs. Where stderr is no terminal only `say` says anything. */
export function progressLine(terminal: Pick<Terminal, 'stderr' | 'env'>, clock: Clock, name: string): ProgressLine {
  const { stderr } = terminal
  if (!stderr.isTTY)
    return { update: () => {}, say: (text) => void stderr.write(`${harmless(text)}\n`), stop: () => {} }
  const { cyan, dim } = styleFor(stderr, terminal.env)
  const startMs = clock.monotonic()
  let latest: Progress | undefined
  let frame = 0
  let shown = false
  const draw = () => {
    frame += 1
    shown = true
    const seconds = ((clock.monotonic() - startMs) / 1000).toFixed(1)
    const spinner = cyan(FRAMES[frame % FRAMES.length] ?? '')
    stderr.write(`${CLEAR}${spinner} ${name} ${dim(`${seconds} s`)}${latest ? `  ${progressText(latest)}` : ''}`)
    cancel = clock.after(FRAME_MS, draw)
  }
  let cancel = clock.after(SHOW_AFTER_MS, draw)
  const clear = () => {
    if (shown) stderr.write(CLEAR)
    shown = false
  }
  return {
    update(progress) {
      latest = progress
    },
    say(text) {
      clear()
      stderr.write(`${harmless(text)}\n`)
    },
    stop() {
      cancel()
      clear()
    },
  }
}

/** One line, whatever the message holds: a second would stay behind when the first is erased. */
export function progressText({ progress, total, message }: Progress): string {
  const done = Math.round(progress * 10) / 10
  const amount = total === undefined ? String(done) : `${done}/${total}`
  if (message === undefined) return amount
  // Nothing of an unknown amount says nothing: a call that waits has not begun.
  return `${done === 0 && total === undefined ? '' : `${amount} `}${harmless(message).replaceAll(/\s+/g, ' ').slice(0, 60)}`
}
