import { Session, type Profiler } from 'node:inspector'

/** Which parts of some files have run, and how often at a time. */
export interface Coverage {
  /**
   * Whether what has run since the last call reached a place that nothing reached before, or reached one four times as often as
   * anything before.
   */
  isNew(): boolean
  /** Characters of source that have run. */
  reached(): number
}

let session: Session | undefined

/**
 * Begins to count, for as long as the process lives. Blocks are counted only in functions that V8 compiles from now on, so this
 * comes before whatever is to be counted is loaded; and what it counted once it cannot begin anew.
 */
export function startCoverage(): void {
  if (session) return
  session = new Session()
  session.connect()
  session.post('Profiler.enable')
  session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true })
}

/**
 * What runs of these files (paths from the repository's root). Functions of other files count nothing: a parser that is reached
 * through a framework would else look new with every answer of that framework. Throws TypeError without `startCoverage`.
 */
export function coverageOf(files: readonly string[]): Coverage {
  const ends = files.map((file) => `/${file}`)
  /** For each file and each character of it: the highest step so far. */
  const highest = new Map<string, Uint8Array>()
  take()
  return {
    isNew: () =>
      take()
        .filter(({ url }) => ends.some((end) => url.endsWith(end)))
        .reduce((isNew, script) => raise(highest, script) || isNew, false),
    reached: () => [...highest.values()].reduce((sum, steps) => sum + steps.filter((step) => step > 0).length, 0),
  }
}

/** What has run since the last time. */
function take(): readonly Profiler.ScriptCoverage[] {
  if (!session) throw new TypeError('Nothing is counted yet.')
  let taken: readonly Profiler.ScriptCoverage[] = []
  // In the same process it answers before `post` returns.
  session.post('Profiler.takePreciseCoverage', (error, answer) => {
    if (error) throw error
    taken = answer.result
  })
  return taken
}

function raise(highest: Map<string, Uint8Array>, { url, functions }: Profiler.ScriptCoverage): boolean {
  const end = Math.max(0, ...functions.flatMap(({ ranges }) => ranges.map(({ endOffset }) => endOffset)))
  const now = new Uint8Array(end)
  // Outer ranges come before the inner ones that differ from them; a function within one has its own list.
  for (const { ranges } of functions)
    for (const { startOffset, endOffset, count } of ranges) now.fill(stepOf(count), startOffset, endOffset)
  const before = highest.get(url)
  const known = before !== undefined && before.length >= end ? before : grown(before, end)
  highest.set(url, known)
  let isNew = false
  for (const [at, step] of now.entries()) {
    if (step <= (known[at] ?? 0)) continue
    known[at] = step
    isNew = true
  }
  return isNew
}

/** 0: did not run; 1: up to three times; 2: up to fifteen, and so on. */
const stepOf = (count: number): number => (count === 0 ? 0 : 1 + Math.floor(Math.log2(count) / 2))

function grown(before: Uint8Array | undefined, length: number): Uint8Array {
  const more = new Uint8Array(length)
  if (before) more.set(before)
  return more
}
