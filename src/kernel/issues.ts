import type { z } from 'zod'
import { nearest } from './nearest.ts'

/** One thing that is wrong with a value: where, and in words. */
export interface Issue {
  /** `payload`, `devices[2].name`; empty for the value as a whole. */
  path: string
  text: string
}

/** Nobody reads more; and an input with a hundred thousand wrong keys must not cost an answer ten times its size. */
const MOST_ISSUES = 20
/** Characters that are shown of an unknown key. */
const LONGEST_KEY = 100

/** A schema's first complaints as sentences that name the key, and for an unknown key the one that was meant. */
export function describeIssues(error: z.ZodError, knownKeys: readonly string[] = []): Issue[] {
  const told = error.issues.slice(0, MOST_ISSUES).flatMap((issue) => {
    const path = pathText(issue.path)
    if (issue.code === 'unrecognized_keys')
      return issue.keys.slice(0, MOST_ISSUES).map((key) => unknownKey(path, key, knownKeys))
    const message = lowerFirst(issue.message.replace(/^Invalid input: /, ''))
    return [{ path, text: path === '' ? message : `${path}: ${message}` }]
  })
  const issues = told.slice(0, MOST_ISSUES)
  const left = count(error) - issues.length
  return left > 0 ? [...issues, { path: '', text: `and ${left} more` }] : issues
}

const count = ({ issues }: z.ZodError) =>
  issues.reduce((sum, issue) => sum + (issue.code === 'unrecognized_keys' ? issue.keys.length : 1), 0)

function unknownKey(parent: string, key: string, knownKeys: readonly string[]): Issue {
  const shown = key.slice(0, LONGEST_KEY)
  const path = parent === '' ? shown : `${parent}.${shown}`
  const meant = parent === '' ? nearest(key, knownKeys) : undefined
  return { path, text: meant === undefined ? `${path}: unknown` : `${path}: unknown, did you mean ${meant}?` }
}

function pathText(path: readonly PropertyKey[]): string {
  return path.reduce<string>((text, step) => {
    if (typeof step === 'number') return `${text}[${step}]`
    return text === '' ? String(step) : `${text}.${String(step)}`
  }, '')
}

const lowerFirst = (text: string) => text.charAt(0).toLowerCase() + text.slice(1)
