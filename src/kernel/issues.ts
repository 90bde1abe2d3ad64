import type { z } from 'zod'
import { nearest } from './nearest.ts'

/** One thing that is wrong with a value: where, and in words. */
export interface Issue {
  /** `payload`, `devices[2].name`; empty for the value as a whole. */
  path: string
  text: string
}

/** A thousand wrong elements make an answer longer than what was asked, and tell nobody more. */
const MOST_ISSUES = 20
const LONGEST_KEY = 100

/**
 * A schema's complaints as sentences that name the key, and for an unknown key the one that was meant: the first 20,
 * then how many more there are.
 */
export function describeIssues(error: z.ZodError, knownKeys: readonly string[] = []): Issue[] {
  const issues = error.issues.flatMap((issue) => describe(issue, knownKeys))
  const more = issues.length - MOST_ISSUES
  return more > 0 ? [...issues.slice(0, MOST_ISSUES), { path: '', text: `and ${more} more` }] : issues
}

function describe(issue: z.core.$ZodIssue, knownKeys: readonly string[]): Issue[] {
  const path = pathText(issue.path)
  if (issue.code === 'unrecognized_keys') return issue.keys.map((key) => unknownKey(path, key, knownKeys))
  if (path !== '' && isMissing(issue)) return [complaint(path, 'missing')]
  if (issue.code === 'invalid_union' && issue.errors.length > 0) return describeUnion(issue, knownKeys)
  return [complaint(path, lowerFirst(issue.message.replace(/^Invalid input: /, '')))]
}

/** Zod says in the message alone that there was nothing; the value itself is not kept, since it may be a secret. */
function isMissing(issue: z.core.$ZodIssue): boolean {
  if (issue.code === 'invalid_type') return issue.message.endsWith('received undefined')
  return issue.code === 'invalid_union' && issue.errors.length > 0 && issue.errors.flat().every(isMissing)
}

/** Of the alternative that fits but for a detail, that detail; where none does, what would be taken. */
function describeUnion({ path, errors }: z.core.$ZodIssueInvalidUnion, knownKeys: readonly string[]): Issue[] {
  const close = errors.find((issues) => issues.every((issue) => issue.path.length > 0 || !isMismatch(issue)))
  if (close) return close.flatMap((issue) => describe({ ...issue, path: [...path, ...issue.path] }, knownKeys))
  const wanted = [...new Set(errors.flat().flatMap(expectation))]
  return [complaint(pathText(path), `expected ${wanted.join(', ').replace(/, (?=[^,]*$)/, ' or ')}`)]
}

/** It is not that sort of value at all. */
const isMismatch = ({ code }: z.core.$ZodIssue) =>
  code === 'invalid_type' || code === 'invalid_value' || code === 'invalid_union'

function expectation(issue: z.core.$ZodIssue): string[] {
  if (issue.code === 'invalid_type') return [issue.expected]
  if (issue.code === 'invalid_value') return issue.values.map((value) => JSON.stringify(value) ?? String(value))
  return issue.code === 'invalid_union' ? issue.errors.flat().flatMap(expectation) : []
}

function unknownKey(parent: string, key: string, knownKeys: readonly string[]): Issue {
  const shown = key.slice(0, LONGEST_KEY)
  const meant = parent === '' ? nearest(shown, knownKeys) : undefined
  return complaint(
    parent === '' ? shown : `${parent}.${shown}`,
    meant === undefined ? 'unknown' : `unknown (did you mean ${meant}?)`,
  )
}

const complaint = (path: string, message: string): Issue => ({
  path,
  text: path === '' ? message : `${path}: ${message}`,
})

/** `devices[2].name` */
export function pathText(path: readonly PropertyKey[]): string {
  return path.reduce<string>((text, step) => {
    if (typeof step === 'number') return `${text}[${step}]`
    return text === '' ? String(step) : `${text}.${String(step)}`
  }, '')
}

const lowerFirst = (text: string) => text.charAt(0).toLowerCase() + text.slice(1)
