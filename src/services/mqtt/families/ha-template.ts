import { isObject, numberOf } from './values.ts'

/** Takes a payload to the value a template shows. Undefined: the payload has none, or the template is beyond this. */
export type Template = (payload: { readonly text: string; readonly value: unknown }) => unknown

type Filter = (value: unknown) => unknown

const PLAIN: Readonly<Record<string, Filter>> = {
  float: (value) => numberOf(value),
  int: (value) => {
    const number = numberOf(value)
    return number === undefined ? undefined : Math.trunc(number)
  },
  lower: (value) => (typeof value === 'string' ? value.toLowerCase() : value),
  upper: (value) => (typeof value === 'string' ? value.toUpperCase() : value),
  trim: (value) => (typeof value === 'string' ? value.trim() : value),
  string: (value) => value,
  is_defined: (value) => value,
}

const LONGEST = 300
const EXPRESSION =
  /^\{\{-?\s*(value_json|value)((?:\.\w+|\[\s*(?:'[^'\]]*'|"[^"\]]*"|\d+)\s*\])*)((?:\s*\|\s*\w+(?:\([^()|]*\))?)*)\s*-?\}\}$/
const STEP = /\.(\w+)|\[\s*(?:'([^']*)'|"([^"]*)"|(\d+))\s*\]/g

/**
 * Reads the simple templates that devices announce: `{{ value }}`, `{{ value_json.a['b'][0] | round(1) }}`. Anything
 * with logic in it is Jinja, which is a language: undefined, and what it would show stays unknown.
 */
export function readTemplate(source: string): Template | undefined {
  const text = source.trim()
  if (text.length > LONGEST) return undefined
  const [, root, path = '', pipes = ''] = EXPRESSION.exec(text) ?? []
  if (root === undefined || (root === 'value' && path !== '')) return undefined
  const steps = [...path.matchAll(STEP)].map(
    ([, name, single, double, index]) => name ?? single ?? double ?? Number(index),
  )
  const filters = pipes.split('|').slice(1).map(filterOf)
  if (filters.some((filter) => filter === undefined)) return undefined
  return ({ text: whole, value }) => {
    const start: unknown = root === 'value' ? whole : value
    const found = steps.reduce<unknown>(step, start)
    return filters.reduce((result, filter) => filter?.(result), found)
  }
}

function step(value: unknown, key: string | number): unknown {
  if (typeof key === 'number') return Array.isArray(value) ? value[key] : undefined
  return isObject(value) && Object.hasOwn(value, key) ? value[key] : undefined
}

function filterOf(pipe: string): Filter | undefined {
  const [, name = '', argument] = /^\s*(\w+)(?:\(([^()]*)\))?\s*$/.exec(pipe) ?? []
  if (name === 'round') {
    const digits = Math.min(10, numberOf(argument ?? '0') ?? 0)
    return (value) => {
      const number = numberOf(value)
      return number === undefined ? undefined : Number(number.toFixed(Math.max(0, digits)))
    }
  }
  // `float(0)` and `default(0)` say what to show where there is nothing: nothing is what we show.
  if (name === 'default') return (value) => value
  return Object.hasOwn(PLAIN, name) ? PLAIN[name] : undefined
}
