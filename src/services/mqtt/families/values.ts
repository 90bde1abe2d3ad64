import type { Facts, FactValue } from './device.ts'

export type JsonObject = Readonly<Record<string, unknown>>

export const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Own members only: a payload may well have one called `constructor`. */
export const member = (value: unknown, key: string): unknown =>
  isObject(value) && Object.hasOwn(value, key) ? value[key] : undefined

/** A text that is not empty, shortened to what a name or a word may take. */
export function wordOf(value: unknown, longest = 100): string | undefined {
  if (typeof value !== 'string' || value.trim() === '') return undefined
  return value.trim().slice(0, longest).toWellFormed()
}

/** The value as a fact, or undefined where it is none. Long texts are cut. */
export function factOf(value: unknown): FactValue | undefined {
  if (value === null || typeof value === 'boolean') return value
  if (typeof value === 'number') return Number.isFinite(value) ? value : undefined
  return typeof value === 'string' ? value.slice(0, LONGEST_TEXT).toWellFormed() : undefined
}

const LONGEST_TEXT = 200
const NUMBER = /^[-+]?\d{1,15}(?:\.\d{1,15})?$/

/** A bare payload as a fact: a number, true or false where it is written as one, else the text. */
export function scalarOf(text: string): FactValue | undefined {
  if (NUMBER.test(text)) return Number(text)
  const word = text.toLowerCase()
  if (word === 'true' || word === 'false') return word === 'true'
  return text === '' ? undefined : (factOf(text) ?? undefined)
}

/** A number, also one written as text. */
export function numberOf(value: unknown): number | undefined {
  const number = typeof value === 'string' && NUMBER.test(value.trim()) ? Number(value) : value
  return typeof number === 'number' && Number.isFinite(number) ? number : undefined
}

const DEEPEST = 4
const MOST_FACTS = 128

/** The members of an object as facts; those of an inner one under `outer_inner`. Arrays are left out. */
export function flatten(value: JsonObject, name = (key: string) => key): Facts {
  const facts: Facts = Object.create(null) as Facts
  let left = MOST_FACTS
  const walk = (object: JsonObject, prefix: string, depth: number) => {
    for (const [key, inner] of Object.entries(object)) {
      if (left <= 0) return
      const path = prefix + name(key.slice(0, 60).toWellFormed())
      if (isObject(inner)) {
        if (depth < DEEPEST) walk(inner, `${path}_`, depth + 1)
        continue
      }
      const fact = factOf(inner)
      if (fact === undefined) continue
      facts[path] = fact
      left--
    }
  }
  walk(value, '', 1)
  return facts
}

/** `CarbonDioxide` and `PM 2.5` as `carbon_dioxide` and `pm_2_5`. */
export function slug(text: string): string {
  return text
    .slice(0, 60)
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, '_')
    .replace(/^_+|_+$/g, '')
}

const ONLINE = new Map([
  ['online', true],
  ['offline', false],
  ['true', true],
  ['false', false],
  ['connected', true],
  ['disconnected', false],
  ['1', true],
  ['0', false],
])

/** Online or offline, in the words that firmwares use. */
export const onlineOf = (word: string): boolean | undefined => ONLINE.get(word.toLowerCase())

/** A moment as ISO text, seconds or milliseconds since 1970; what cannot be one is undefined. */
export function timeOf(value: unknown): number | undefined {
  const ms =
    typeof value === 'string'
      ? Date.parse(value)
      : typeof value === 'number'
        ? value < 1e11
          ? value * 1000
          : value
        : NaN
  return Number.isFinite(ms) && ms > Date.UTC(2000) && ms < Date.UTC(2200) ? ms : undefined
}
