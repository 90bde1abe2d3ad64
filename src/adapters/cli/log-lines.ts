import { createLog, type LogLevel, type RootLog } from '../../kernel/log.ts'
import { harmless, styleFor, type Style } from './style.ts'
import type { Terminal } from './terminal.ts'

export interface LogLineOptions {
  readonly level: LogLevel | 'silent'
  readonly json: boolean
  /** Where lines go; absent: stderr. */
  readonly write?: (text: string) => void
}

/** The hub's log on stderr: JSON lines for machines, one readable line an entry for people. */
export function logTo(
  { stderr, env }: Pick<Terminal, 'stderr' | 'env'>,
  { level, json, write = (text) => void stderr.write(text) }: LogLineOptions,
): RootLog {
  const style = styleFor(stderr, env)
  return createLog({ level, write: (line) => write(json ? line : readable(line, style)) })
}

/** Keeps lines until it is known whether anybody needs them. */
export interface HeldLines {
  write(text: string): void
  /** Writes what was kept, and from then on everything at once. */
  release(): void
}

export function holdLines(write: (text: string) => void): HeldLines {
  let kept: string[] | undefined = []
  return {
    write(text) {
      if (kept) kept.push(text)
      else write(text)
    },
    release() {
      for (const text of kept ?? []) write(text)
      kept = undefined
    },
  }
}

const WORDS: Readonly<Record<number, (style: Style) => string>> = {
  20: ({ dim }) => dim('debug'),
  30: ({ cyan }) => cyan('info'),
  40: ({ yellow }) => yellow('warn'),
  50: ({ red }) => red('error'),
}

/** `03:19:12 warn  mqtt did not start  reason=…`; of an error its message, its stack only on level debug. */
export function readable(line: string, style: Style): string {
  const { time, level, msg, error, ...fields } = JSON.parse(line) as Record<string, unknown>
  const word = WORDS[Number(level)]?.(style) ?? String(level)
  const clock = typeof time === 'string' ? time.slice(11, 19) : ''
  const rest = Object.entries(fields).map(([key, value]) => `${key}=${valueText(value)}`)
  if (error !== undefined) rest.push(errorText(error))
  const tail = rest.length === 0 ? '' : `  ${style.dim(onOneLine(rest.join(' ')))}`
  return `${style.dim(clock)} ${word}  ${onOneLine(typeof msg === 'string' ? msg : '')}${tail}\n`
}

/** A second line could pretend to be an entry. */
const onOneLine = (text: string): string => harmless(text).replaceAll('\n', String.raw`\n`)

const valueText = (value: unknown) =>
  typeof value === 'string' && /^\S+$/.test(value) ? value : (JSON.stringify(value) ?? '')

function errorText(error: unknown): string {
  const message = (error as { message?: unknown } | null)?.message
  return typeof message === 'string' ? `(${message})` : valueText(error)
}
