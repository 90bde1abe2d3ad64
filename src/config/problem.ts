import { Fault } from '../kernel/fault.ts'

/** One thing that is wrong with the configuration. Never holds a value: any of them may be a secret. */
export interface Problem {
  /** A file, an environment variable or a flag. */
  readonly source: string
  /** From 1; only in files. */
  readonly line?: number
  /** From 1; only where a line alone says too little: a file may have all on one. */
  readonly column?: number
  /** A sentence without its full stop. */
  readonly text: string
}

const at = ({ source, line, column }: Problem) => [source, line, column].filter((part) => part !== undefined).join(':')

const CONFIGURATION_HINT = 'docs/reference/configuration.md lists every setting.'
/** For files with servers. */
export const SERVERS_HINT = 'docs/reference/servers.md lists every key.'

/** All problems as one fault: the file's by line, then the others as they came. */
export function problemsFault(problems: readonly Problem[], hint = CONFIGURATION_HINT): Fault {
  const sorted = [...problems].sort((a, b) => (a.line ?? Infinity) - (b.line ?? Infinity) || 0)
  // One mistake in the form of a file can be found twice.
  const lines = [...new Set(sorted.map((problem) => `${at(problem)}: ${problem.text}.`))]
  const message =
    lines.length === 1 ? (lines[0] ?? '') : `The configuration has ${lines.length} problems:\n  ${lines.join('\n  ')}`
  return new Fault('invalid_input', message, {
    hint,
    details: { problems: sorted },
  })
}
