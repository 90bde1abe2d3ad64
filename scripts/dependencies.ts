/**
 * Holds what the lock file brings along against what `docs/reference/dependencies.md` says of it: packages that run a script when
 * they are installed, and licences. Ends with 1 and a line for each difference.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** A package of the lock file. */
export interface Locked {
  readonly name: string
  readonly hasInstallScript: boolean
  /** Not part of what runs: for tests and development. */
  readonly isDev: boolean
  /** As the package says it, in SPDX if it is one that does; undefined: it says none. */
  readonly licence: string | undefined
}

/** What the page says, in the first columns of its tables. */
export interface Page {
  /** Package to `yes` or `no`: whether its script may run. */
  readonly scripts: ReadonlyMap<string, string>
  /** Licence to `anywhere` or `development`: where packages under it may stand. */
  readonly licences: ReadonlyMap<string, string>
  /** Package to the licence that was found in it, where its own word is no SPDX. */
  readonly looked: ReadonlyMap<string, string>
}

interface LockFile {
  readonly packages: Readonly<
    Record<string, { name?: string; hasInstallScript?: boolean; dev?: boolean; license?: string }>
  >
}

/** Each package once, however often it is installed; one that runs anywhere is not for development alone. */
export function lockedIn({ packages }: LockFile): readonly Locked[] {
  const found = new Map<string, Locked>()
  for (const [path, entry] of Object.entries(packages)) {
    if (path === '') continue
    const name = entry.name ?? path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length)
    const key = `${name} ${entry.license}`
    const before = found.get(key)
    found.set(key, {
      name,
      licence: entry.license,
      hasInstallScript: entry.hasInstallScript === true || before?.hasInstallScript === true,
      isDev: entry.dev === true && before?.isDev !== false,
    })
  }
  return [...found.values()]
}

/** Throws TypeError for a page without one of the tables. */
export function pageIn(text: string): Page {
  return {
    scripts: table(text, 'Packages with an install script'),
    licences: table(text, 'Licences'),
    looked: table(text, 'Packages that were looked into'),
  }
}

/** First column to second, of the table below that heading. */
function table(text: string, heading: string): ReadonlyMap<string, string> {
  const [, below] = text.split(`\n## ${heading}\n`)
  if (below === undefined) throw new TypeError(`The page has no "## ${heading}".`)
  const lines = (below.split('\n## ')[0] ?? '').split('\n').filter((line) => line.startsWith('|'))
  // Head and rule.
  return new Map(lines.slice(2).map((line) => cellsOf(line)))
}

function cellsOf(line: string): [string, string] {
  const [first = '', second = ''] = line.slice(1).split(' | ')
  return [first.trim().replaceAll('`', ''), second.trim().replaceAll('`', '')]
}

/** Where the three differ: the lock file, the page, and `allowScripts` of package.json, by which npm lets a script run. */
export function scriptProblems(
  locked: readonly Locked[],
  { scripts }: Page,
  allowed: Readonly<Record<string, boolean>>,
): string[] {
  const running = new Set(locked.filter(({ hasInstallScript }) => hasInstallScript).map(({ name }) => name))
  return [
    ...[...running].filter((name) => !scripts.has(name)).map((name) => `${name} has an install script: say why.`),
    ...[...scripts].flatMap(([name, may]) => {
      if (!running.has(name)) return [`${name} has no install script (any more).`]
      const word = name in allowed ? (allowed[name] === true ? 'yes' : 'no') : 'nothing'
      return word === may ? [] : [`${name}: the page says ${may}, allowScripts says ${word}.`]
    }),
    ...Object.keys(allowed)
      .filter((name) => !running.has(name))
      .map((name) => `allowScripts names ${name}, which has no install script.`),
  ]
}

/** Packages whose licence nobody looked at, or that stand where theirs may not. */
export function licenceProblems(locked: readonly Locked[], { licences, looked }: Page): string[] {
  const used = new Set<string>()
  const problems = locked.flatMap(({ name, licence, isDev }) => {
    const known = licence !== undefined && licences.has(licence) ? licence : looked.get(name)
    if (known === undefined) return [`${name} is under ${licence ?? 'no licence that it says'}: may it be used?`]
    used.add(known)
    const where = licences.get(known)
    if (where === undefined) return [`${name} is under ${known}, which is not among the licences.`]
    return where === 'anywhere' || isDev ? [] : [`${name} is under ${known}, which is for development alone.`]
  })
  const idle = [...licences.keys()].filter((licence) => !used.has(licence))
  return [...problems, ...idle.map((licence) => `Nothing is under ${licence} (any more).`)]
}

export function problemsIn(root: string): string[] {
  const read = (path: string) => readFileSync(join(root, path), 'utf8')
  const locked = lockedIn(JSON.parse(read('package-lock.json')) as LockFile)
  const page = pageIn(read('docs/reference/dependencies.md'))
  const { allowScripts = {} } = JSON.parse(read('package.json')) as { allowScripts?: Record<string, boolean> }
  return [...scriptProblems(locked, page, allowScripts), ...licenceProblems(locked, page)]
}

if (import.meta.main) {
  const problems = problemsIn(join(import.meta.dirname, '..'))
  for (const problem of problems) console.error(problem)
  if (problems.length > 0) console.error('docs/reference/dependencies.md has to say what is so.')
  process.exitCode = problems.length > 0 ? 1 : 0
}
