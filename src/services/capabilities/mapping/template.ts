import { asText } from './filters.ts'
import { compileExpression, MISSING, type Expression } from './expression.ts'

/** A template that was compiled: gives the value it makes of these variables, or undefined where there is none. */
export type Template = (variables: Readonly<Record<string, unknown>>) => unknown

const DEEPEST = 20

const MARK = /\{\{((?:"(?:[^"\\]|\\.)*"|[^"}]|\}(?!\}))*)\}\}/g

/**
 * Compiles any JSON value. In its texts, `{{expression}}` is replaced; a text that is nothing but one expression becomes
 * the value itself, with its type. A member whose value is missing is left out. Throws TypeError for a mistake, with its
 * place.
 */
export function compileTemplate(value: unknown, roots: readonly string[], place = ''): Template {
  const node = compileNode(value, roots, place)
  return (variables) => {
    const made = node(variables)
    return made === MISSING ? undefined : made
  }
}

function compileNode(value: unknown, roots: readonly string[], place: string): Expression {
  if (place.split(/[.[]/).length > DEEPEST) throw new TypeError(`${place} nests deeper than ${DEEPEST} levels`)
  if (typeof value === 'string') return compileText(value, roots, place)
  if (Array.isArray(value)) {
    const items = value.map((item, at) => compileNode(item, roots, `${place}[${at}]`))
    return (variables) => items.map((item) => item(variables)).filter((item) => item !== MISSING)
  }
  if (typeof value !== 'object' || value === null) return () => value
  const members = Object.entries(value).map(
    ([key, member]) => [key, compileNode(member, roots, place === '' ? key : `${place}.${key}`)] as const,
  )
  // `fromEntries` defines members: one called __proto__ is a member and nothing else.
  return (variables) =>
    Object.fromEntries(
      members.map(([key, member]) => [key, member(variables)]).filter(([, member]) => member !== MISSING),
    )
}

function compileText(text: string, roots: readonly string[], place: string): Expression {
  const parts: (string | Expression)[] = []
  let end = 0
  for (const match of text.matchAll(MARK)) {
    if (match.index > end) parts.push(literal(text.slice(end, match.index), place))
    parts.push(compileAt(match[1] ?? '', roots, place))
    end = match.index + match[0].length
  }
  if (end < text.length) parts.push(literal(text.slice(end), place))
  const [only] = parts
  if (parts.length === 0) return () => ''
  if (parts.length === 1 && only !== undefined) return typeof only === 'string' ? () => only : only
  return (variables) =>
    parts
      .map((part) => {
        if (typeof part === 'string') return part
        const value = part(variables)
        return value === MISSING || value === null ? '' : asText(value)
      })
      .join('')
}

function compileAt(source: string, roots: readonly string[], place: string): Expression {
  try {
    return compileExpression(source, roots)
  } catch (error) {
    throw new TypeError(`${place === '' ? '' : `${place}: `}${(error as Error).message}`, { cause: error })
  }
}

function literal(text: string, place: string): string {
  if (text.includes('{{')) throw new TypeError(`${place === '' ? '' : `${place}: `}a {{ is never closed by }}`)
  return text
}
