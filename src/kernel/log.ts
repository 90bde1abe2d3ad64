import { pino } from 'pino'

export type LogLevel = 'debug' | 'info' | 'warn' | 'error'

/** A logger: one sentence, and fields beside it. */
export interface Log {
  debug(message: string, fields?: object): void
  info(message: string, fields?: object): void
  warn(message: string, fields?: object): void
  error(message: string, fields?: object): void
  /** A logger that adds these fields to every line. */
  child(fields: object): Log
}

/** The log of the hub. What `hide` was told never leaves it, whatever field or error text it stands in. */
export interface RootLog extends Log {
  hide(secret: string): void
  /** The text without what `hide` was told, for others who keep what they did not write. */
  clean(text: string): string
}

/** A secret shorter than this would blank out ordinary words. */
const SHORTEST_SECRET = 6

export interface LogOptions {
  level: LogLevel | 'silent'
  write: (line: string) => void
}

/** JSON lines (pino) to `write`. */
export function createLog({ level, write }: LogOptions): RootLog {
  const hidden = new Set<string>()
  const clean = (line: string) => {
    let out = line
    for (const secret of hidden) if (out.includes(secret)) out = out.replaceAll(secret, '[hidden]')
    return out
  }
  const root = pino(
    { level, base: null, timestamp: pino.stdTimeFunctions.isoTime, serializers: { error: pino.stdSerializers.err } },
    { write: (line: string) => write(clean(line)) },
  )
  return {
    ...wrap(root),
    clean,
    hide(secret) {
      if (secret.length < SHORTEST_SECRET) return
      hidden.add(secret)
      // As it stands inside a JSON string and inside a URL.
      hidden.add(JSON.stringify(secret).slice(1, -1))
      hidden.add(encodeURIComponent(secret))
    },
  }
}

function wrap(logger: pino.Logger): Log {
  return {
    debug: (message, fields) => logger.debug(fields ?? {}, message),
    info: (message, fields) => logger.info(fields ?? {}, message),
    warn: (message, fields) => logger.warn(fields ?? {}, message),
    error: (message, fields) => logger.error(fields ?? {}, message),
    child: (fields) => wrap(logger.child(fields)),
  }
}

/** Says nothing; for tests and tools. */
export const silentLog: RootLog = createLog({ level: 'silent', write: () => undefined })
