import { looksSecret, secretPaths } from './secret-names.ts'
import type { JsonSchema } from './tool.ts'
import { visibleText } from './visible-text.ts'

export interface RedactionOptions {
  /**
   * Members that are secret besides those that look so: `payload.pin`. Each names the end of a path, so `pin` alone is a pin
   * anywhere; `*` is any one name; items of lists have the path of their list.
   */
  readonly paths?: readonly string[]
  /** Takes known secrets out of a text: the log's `clean`. */
  readonly clean?: (text: string) => string
}

/**
 * A copy of a value that can be kept and shown: bounded in depth, size and length of texts, without what a rule, a schema, a
 * name or its own form says is a secret, and without characters that people do not see. Never throws.
 */
export type Redact = (value: unknown, described?: { readonly inputSchema: JsonSchema }) => unknown

/** Stands where a secret stood. */
export const REDACTED = '[redacted]'

const DEEPEST = 8
/** Characters of all texts and names together, and members of all objects and lists. */
const MOST_CHARS = 2000
const MOST_MEMBERS = 200
const LONGEST_TEXT = 300
/** A longer text is not looked through: its length is shown alone, or half a secret could stay at the cut. */
const LONGEST_SEARCHED = 16_384

export function createRedaction({ paths = [], clean = (text) => text }: RedactionOptions = {}): Redact {
  const rules = paths.map((path) => path.split('.').reverse())
  const bySchema = new WeakMap<object, ReadonlySet<string>>()
  const secretsOf = (described: { readonly inputSchema: JsonSchema }): ReadonlySet<string> => {
    const known = bySchema.get(described) ?? secretPaths(described.inputSchema)
    bySchema.set(described, known)
    return known
  }
  return (value, described) => new Copying(rules, clean, described ? secretsOf(described) : NONE).copy(value)
}

const NONE: ReadonlySet<string> = new Set()

/** One value on its way. */
class Copying {
  readonly #rules: readonly (readonly string[])[]
  readonly #clean: (text: string) => string
  readonly #secrets: ReadonlySet<string>
  readonly #path: string[] = []
  #chars = MOST_CHARS
  #members = MOST_MEMBERS

  constructor(rules: readonly (readonly string[])[], clean: (text: string) => string, secrets: ReadonlySet<string>) {
    this.#rules = rules
    this.#clean = clean
    this.#secrets = secrets
  }

  copy(value: unknown, depth = 0): unknown {
    if (typeof value === 'string') return this.#text(value, depth)
    if (typeof value === 'number' || typeof value === 'boolean' || value === null) return value
    if (typeof value === 'bigint') return String(value).slice(0, 100)
    if (typeof value !== 'object') return undefined
    if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`
    if (value instanceof Date) return Number.isNaN(value.getTime()) ? null : value.toISOString()
    if (depth >= DEEPEST) return '[…]'
    return Array.isArray(value) ? this.#list(value, depth) : this.#object(value as Record<string, unknown>, depth)
  }

  #list(list: readonly unknown[], depth: number): unknown[] {
    const made: unknown[] = []
    for (const item of list) {
      if (!this.#hasRoom()) return [...made, `[${list.length - made.length} more]`]
      made.push(this.copy(item, depth + 1))
    }
    return made
  }

  #object(object: Readonly<Record<string, unknown>>, depth: number): Record<string, unknown> {
    // A member called `__proto__` is a member like any other.
    const made = Object.create(null) as Record<string, unknown>
    for (const name in object) {
      if (!Object.hasOwn(object, name)) continue
      if (!this.#hasRoom()) {
        made['…'] = '[more]'
        break
      }
      const value = object[name]
      this.#path.push(name)
      made[this.#plain(name)] = this.#isSecret(name, value) ? REDACTED : this.copy(value, depth + 1)
      this.#path.pop()
    }
    return made
  }

  #hasRoom(): boolean {
    return this.#chars > 0 && this.#members-- > 0
  }

  /** What says nothing is left: whether something is switched on is no secret, whatever it is called. */
  #isSecret(name: string, value: unknown): boolean {
    if (value === undefined || value === null || typeof value === 'boolean') return false
    if (looksSecret(name)) return true
    if (this.#rules.length > 0 && this.#rules.some((rule) => this.#ends(rule))) return true
    return this.#secrets.size > 0 && this.#secrets.has(this.#path.join('.'))
  }

  #ends(rule: readonly string[]): boolean {
    const path = this.#path
    return rule.length <= path.length && rule.every((name, at) => name === '*' || name === path[path.length - 1 - at])
  }

  #text(text: string, depth: number): string {
    const inner = this.#inner(text, depth)
    return inner === undefined ? this.#plain(text) : this.#spend(visibleText(inner))
  }

  /** A text that is JSON itself: what a payload on MQTT often is. */
  #inner(text: string, depth: number): string | undefined {
    if (depth >= DEEPEST || text.length > LONGEST_SEARCHED || !/^\s*[[{]/.test(text)) return undefined
    try {
      return JSON.stringify(this.copy(JSON.parse(text), depth + 1))
    } catch {
      return undefined
    }
  }

  #plain(text: string): string {
    if (text.length > LONGEST_SEARCHED) return `[${text.length} characters]`
    return this.#spend(visibleText(withoutSecrets(this.#clean(text))))
  }

  #spend(text: string): string {
    const most = Math.min(LONGEST_TEXT, Math.max(this.#chars, 0))
    this.#chars -= Math.min(text.length, most) + 1
    return text.length <= most ? text : `${text.slice(0, most).toWellFormed()}… [${text.length} characters]`
  }
}

/** Texts that are secrets by their form, within other text too. No pattern can take longer than the text is long. */
const FORMS: readonly (readonly [RegExp, string])[] = [
  [/-----BEGIN [A-Z ]{1,40}-----[\s\S]*/g, REDACTED],
  [/(?<![\w-])eyJ[\w-]{8,}\.[\w-]+(?:\.[\w-]*)*/g, REDACTED],
  [/\balicia_[\w-]{8,}/g, REDACTED],
  [/\b(?:gh[pousr]_|github_pat_|sk-|xox[abprs]-|glpat-|AKIA)[\w-]{12,}/g, REDACTED],
  [/\b(Bearer|Basic|Digest) +[\w.~+/=-]{6,}/gi, `$1 ${REDACTED}`],
  [/\b([a-z][a-z0-9+.-]{0,20}:\/\/)[^\s/?#]{1,1000}@/gi, `$1${REDACTED}@`],
  [
    /\b((?:[a-z]{1,20}[_-])?(?:passw(?:or)?d|passphrase|passcode|secret|token|api[_-]?key|code|pin|pwd|authorization|cookie))(["']?\s{0,3}[=:]\s{0,3})(?:"(?:[^"\\]|\\[^])+"?|'[^']+'?|[^\s"'&,;]+)/gi,
    `$1$2${REDACTED}`,
  ],
]
/** One look tells of most texts that none of the forms is in it. */
const MAY_HOLD = /-----BEGIN|eyJ|alicia_|gh[pousr]_|github_pat_|sk-|xox|glpat-|AKIA|bearer|basic|digest|:\/\/|[=:]/i

function withoutSecrets(text: string): string {
  if (!MAY_HOLD.test(text)) return text
  return FORMS.reduce((left, [form, instead]) => left.replace(form, instead), text)
}
