import type { JsonSchema } from './tool.ts'

/** As a word of a name: `apiKey`, `door_pin`, `one-time code`. */
const WORDS: ReadonlySet<string> = new Set(
  'auth authorization bearer code codes cookie cookies credential credentials jwt key keys otp passcode passphrase passwd password pin pins pwd secret secrets token tokens totp'.split(
    ' ',
  ),
)
/** Anywhere in a name: they stand in no ordinary word. */
const PARTS = /passw(?:or)?d|passphrase|passcode|secret|credential|authorization|apikey|privatekey|accesskey/

const known = new Map<string, boolean>()
const MOST_KNOWN = 2000

/** Whether what has this name is likely to be a secret, in whatever way its words are joined. */
export function looksSecret(name: string): boolean {
  const seen = known.get(name)
  if (seen !== undefined) return seen
  // Names come from outside: those that are long, or too many, are judged anew each time.
  const judged = judge(name.slice(0, 200))
  if (known.size >= MOST_KNOWN) known.clear()
  if (name.length <= 200) known.set(name, judged)
  return judged
}

function judge(name: string): boolean {
  const words = name.replaceAll(/(\p{Ll}|\d)(?=\p{Lu})/gu, '$1 ').toLowerCase()
  return words.split(/[^\p{L}\p{N}]+/u).some((word) => WORDS.has(word)) || PARTS.test(words.replaceAll(/[^a-z]/g, ''))
}

const DEEPEST_SCHEMA = 8
const MOST_NODES = 2000

/**
 * Paths of the members that a schema says are secrets: `writeOnly: true` (JSON Schema 2020-12, validation 9.4; Zod:
 * `.meta({ secret: true })`) or `format: 'password'`. Items of lists have the path of their list.
 */
export function secretPaths(schema: JsonSchema): ReadonlySet<string> {
  const paths = new Set<string>()
  let left = MOST_NODES
  const visit = (node: unknown, path: string, depth: number) => {
    if (typeof node !== 'object' || node === null || depth > DEEPEST_SCHEMA || left-- <= 0) return
    const { writeOnly, format, properties, items, anyOf, oneOf, allOf } = node as Record<string, unknown>
    if (writeOnly === true || format === 'password') paths.add(path)
    for (const [name, member] of Object.entries(properties ?? {}))
      visit(member, path === '' ? name : `${path}.${name}`, depth + 1)
    for (const same of [items, anyOf, oneOf, allOf].flat()) visit(same, path, depth + 1)
  }
  visit(schema, '', 0)
  return paths
}
