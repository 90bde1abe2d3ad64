import type { z } from 'zod'
import { nearest } from './nearest.ts'

/** One thing that is wrong with a value: where, and in words. */
export interface Issue {
  /** `payload`, `devices[2].name`; empty for the value as a whole. */
  path: string
  text: string
}

/** A schema's complaints as sentences that name the key, and for an unknown key the one that was meant. */
export function describeIssues(error: z.ZodError, knownKeys: readonly string[] = []): Issue[] {
  return error.issues.flatMap((issue) => {
    const path = pathText(issue.path)
    if (issue.code === 'unrecognized_keys') return issue.keys.map((key) => unknownKey(path, key, knownKeys))
    const message = lowerFirst(issue.message.replace(/^Invalid input: /, ''))
    return [{ path, text: path === '' ? message : `${path}: ${message}` }]
  })
}

function unknownKey(parent: string, key: string, knownKeys: readonly string[]): Issue {
  const path = parent === '' ? key : `${parent}.${key}`
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
