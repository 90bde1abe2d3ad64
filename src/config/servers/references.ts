import { nearest } from '../../kernel/nearest.ts'
import { didYouMean } from '../explain.ts'
import { isSensitive } from './sensitive.ts'
import { Unusable } from './unusable.ts'

/** What references are resolved from. Each function returns undefined for what there is not. */
export interface References {
  variable(name: string): string | undefined
  secret(name: string): string | undefined
  input(id: string): { readonly value: string; readonly isSecret: boolean } | undefined
  /** The text of a file, without the line feed at its end. */
  file(path: string): string | undefined
  readonly userHome: string
  readonly workspaceFolder: string
  readonly cwd: string
  readonly pathSeparator: string
}

/** Collects what must never be shown, while references are resolved. */
export type Secrets = Set<string>

const PLAIN = /^([A-Za-z_][A-Za-z0-9_]*)(?::-(.*))?$/s
const KIND = /^([a-zA-Z]+):(?![-=?+])(.*)$/s
/** Defaults in defaults; who needs more has made a mistake. */
const DEEPEST = 16

/**
 * The text with `${VAR}`, `${env:VAR}`, both with `:-default`, `${input:id}`, `${secret:name}`, `${file:path}`,
 * `${userHome}` and `${workspaceFolder}` replaced. `$${` stands for `${`, and what is none of these stays: it may be
 * meant for a shell. What comes from secrets, or from variables named like one, is added to `secrets`. Values are not
 * searched again, defaults are. Throws `Unusable`.
 */
export function resolveText(text: string, from: References, secrets: Secrets): string {
  return resolveBelow(text, from, secrets, 0)
}

function resolveBelow(text: string, from: References, secrets: Secrets, depth: number): string {
  if (!text.includes('${')) return text
  if (depth > DEEPEST) throw new Unusable('wrong', `there are defaults in defaults, more than ${DEEPEST} deep`)
  const closings = closingsIn(text)
  let result = ''
  let at = 0
  for (let start = text.indexOf('${'); start !== -1; start = text.indexOf('${', at)) {
    const end = closings.get(start + 1)
    const isEscaped = end !== undefined && start > at && text[start - 1] === '$'
    const value =
      end === undefined || isEscaped ? undefined : valueOf(text.slice(start + 2, end), { from, secrets, depth })
    result += text.slice(at, isEscaped ? start - 1 : start) + (value ?? '${')
    at = end === undefined || value === undefined ? start + 2 : end + 1
  }
  return result + text.slice(at)
}

/** Where each bracket that opens is closed. */
function closingsIn(text: string): Map<number, number> {
  const open: number[] = []
  const closings = new Map<number, number>()
  for (const { 0: bracket, index } of text.matchAll(/[{}]/g)) {
    const opening = bracket === '{' ? void open.push(index) : open.pop()
    if (opening !== undefined) closings.set(opening, index)
  }
  return closings
}

interface Resolving {
  readonly from: References
  readonly secrets: Secrets
  readonly depth: number
}

function valueOf(inside: string, resolving: Resolving): string | undefined {
  const fixed = fixedValue(inside, resolving.from)
  if (fixed !== undefined) return fixed
  if (PLAIN.test(inside)) return RESOLVERS.env(inside, resolving)
  const [, kind, rest = ''] = KIND.exec(inside) ?? []
  if (kind === undefined) return undefined
  if (Object.hasOwn(RESOLVERS, kind)) return RESOLVERS[kind as keyof typeof RESOLVERS](rest, resolving)
  const meant = didYouMean(nearest(kind, Object.keys(RESOLVERS)))
  throw new Unusable('wrong', `\${${kind}:…} is not known here${meant}`)
}

/** By what stands before the colon; each throws `Unusable` where there is no value. */
const RESOLVERS = {
  env(reference: string, { from, secrets, depth }: Resolving): string {
    const [, name = reference, otherwise] = PLAIN.exec(reference) ?? []
    // An empty variable counts as absent, as Compose makes them.
    const value =
      from.variable(name) || (otherwise === undefined ? undefined : resolveBelow(otherwise, from, secrets, depth + 1))
    if (value === undefined) throw new Unusable('missing', `the variable ${name} is not set`)
    if (isSensitive(name)) secrets.add(value)
    return value
  },
  secret(name: string, { from, secrets }: Resolving): string {
    const value = from.secret(name)
    if (value === undefined) throw notSet('secret', name)
    secrets.add(value)
    return value
  },
  input(id: string, { from, secrets }: Resolving): string {
    const input = from.input(id)
    if (input === undefined) throw notSet('input', id)
    if (input.isSecret) secrets.add(input.value)
    return input.value
  },
  file(path: string, { from, secrets }: Resolving): string {
    const value = from.file(path)
    if (value === undefined) throw new Unusable('missing', `the file ${path} cannot be read`)
    secrets.add(value)
    return value
  },
} as const

const notSet = (what: string, name: string) =>
  new Unusable('missing', `the ${what} ${name} is not set; set it with: alicia secret set ${name}`)

function fixedValue(inside: string, from: References): string | undefined {
  switch (inside) {
    case 'userHome':
      return from.userHome
    case 'workspaceFolder':
      return from.workspaceFolder
    case 'cwd':
      return from.cwd
    case 'pathSeparator':
    case '/':
      return from.pathSeparator
    default:
      return undefined
  }
}
