/** Lines of its standard error that explain a server's end. */
const MOST_WORDS = 3
/** A stack trace may stand behind what matters. */
const MOST_LINES = 60

/** The places in the code that a runtime shows with an error, its brackets, and who it is. */
const NOISE = /^\s|^[\^~{}[\](),;]+$|^Node\.js v\d/

/** What a program said last. */
export interface LastWords {
  add(line: string): void
  /** What of it tells why it ended: Node writes its stack trace behind the error, Python before it. */
  all(): readonly string[]
}

export function createLastWords(): LastWords {
  const lines: string[] = []
  return {
    add(line) {
      if (lines.push(line) > MOST_LINES) lines.shift()
    },
    all() {
      const telling = lines.filter((line) => !NOISE.test(line))
      return (telling.length > 0 ? telling : lines).slice(-MOST_WORDS)
    },
  }
}
