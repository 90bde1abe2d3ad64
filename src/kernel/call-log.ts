import type { Log, LogLevel } from './log.ts'

/** Hears the log lines of one call. */
export type LogListener = (level: LogLevel, message: string, fields?: object) => void

/** A log that is made when first used: most calls log nothing. */
export class LateLog implements Log {
  readonly #make: () => Log
  #made: Log | undefined

  constructor(make: () => Log) {
    this.#make = make
  }

  get #log(): Log {
    return (this.#made ??= this.#make())
  }

  debug(message: string, fields?: object): void {
    this.#log.debug(message, fields)
  }

  info(message: string, fields?: object): void {
    this.#log.info(message, fields)
  }

  warn(message: string, fields?: object): void {
    this.#log.warn(message, fields)
  }

  error(message: string, fields?: object): void {
    this.#log.error(message, fields)
  }

  child(fields: object): Log {
    return this.#log.child(fields)
  }
}

/** What is logged also goes to `also`. */
export function tee(log: Log, also: LogListener | undefined): Log {
  if (!also) return log
  const both = (level: LogLevel) => (message: string, fields?: object) => {
    log[level](message, fields)
    also(level, message, fields)
  }
  return {
    debug: both('debug'),
    info: both('info'),
    warn: both('warn'),
    error: both('error'),
    child: (fields) => tee(log.child(fields), also),
  }
}
