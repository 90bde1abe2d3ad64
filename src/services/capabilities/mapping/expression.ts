import { nearest } from '../../../kernel/nearest.ts'
import { FILTERS, type Filter } from './filters.ts'

/** What an expression can speak of. */
export type Variables = Readonly<Record<string, unknown>>

/** No such thing: a member that is left out, an empty text. `null` is a value like any other. */
export const MISSING = Symbol('missing')

export type Expression = (variables: Variables) => unknown

const PATH = /^[A-Za-z_]\w*(?:\.\w+|\[\d+\])*$/
const STEP = /\w+/g

/**
 * What stands between `{{` and `}}`: `input.voice ?? "alloy" | json`. Paths and JSON literals, the first of which that is
 * there counts; then filters. Compiled once; it ends for every input and throws for none. Throws TypeError for what is
 * not such an expression.
 */
export function compileExpression(source: string, roots: readonly string[]): Expression {
  const [chain = '', ...filterNames] = splitOutsideStrings(source, '|')
  const alternatives = splitOutsideStrings(chain, '??').map((term) => compileTerm(term.trim(), roots))
  const filters = filterNames.map((filter) => compileFilter(filter, roots))
  return (variables) => {
    let value: unknown = MISSING
    for (const alternative of alternatives) {
      value = alternative(variables)
      if (value !== MISSING && value !== null) break
    }
    for (const filter of filters) {
      if (value === MISSING) return MISSING
      value = filter(value, variables) ?? MISSING
    }
    return value
  }
}

function compileTerm(term: string, roots: readonly string[]): Expression {
  if (PATH.test(term) && !['true', 'false', 'null'].includes(term)) return compilePath(term, roots)
  try {
    const literal: unknown = JSON.parse(term)
    return () => literal
  } catch {
    throw new TypeError(`{{${term}}} is neither a path (input.text) nor a JSON value ("text", 1, true)`)
  }
}

function compilePath(path: string, roots: readonly string[]): Expression {
  const [root = '', ...steps] = path.match(STEP) ?? []
  if (!roots.includes(root)) {
    const meant = nearest(root, roots)
    const hint = meant === undefined ? `there is ${roots.join(', ')}` : `did you mean ${meant}?`
    throw new TypeError(`{{${path}}} speaks of ${root}, which there is not (${hint})`)
  }
  return (variables) => {
    let value = variables[root]
    for (const step of steps) {
      // Own members only: no path leads to a prototype, a constructor or a method.
      if (typeof value !== 'object' || value === null || !Object.hasOwn(value, step)) return MISSING
      value = (value as Readonly<Record<string, unknown>>)[step]
    }
    return value === undefined ? MISSING : value
  }
}

/** `name`, or `name: term`. */
function compileFilter(source: string, roots: readonly string[]): (value: unknown, variables: Variables) => unknown {
  const [name = '', ...rest] = splitOutsideStrings(source, ':')
  const filter = filterOf(name.trim())
  if (rest.length === 0) return (value) => filter(value, undefined)
  const argument = compileTerm(rest.join(':').trim(), roots)
  return (value, variables) => {
    const given = argument(variables)
    return filter(value, given === MISSING ? undefined : given)
  }
}

function filterOf(name: string): Filter {
  const filter = Object.hasOwn(FILTERS, name) ? FILTERS[name] : undefined
  if (filter) return filter
  throw new TypeError(`there is no filter ${JSON.stringify(name)} (there is ${Object.keys(FILTERS).join(', ')})`)
}

/** Splits at a separator that stands outside JSON strings. */
export function splitOutsideStrings(source: string, separator: string): string[] {
  const parts: string[] = []
  let start = 0
  let inString = false
  for (let at = 0; at < source.length; at++) {
    if (source[at] === '\\' && inString) at++
    else if (source[at] === '"') inString = !inString
    else if (!inString && source.startsWith(separator, at)) {
      parts.push(source.slice(start, at))
      start = at + separator.length
      at = start - 1
    }
  }
  return [...parts, source.slice(start)]
}
