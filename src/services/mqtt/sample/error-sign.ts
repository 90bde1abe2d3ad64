import type { Decoded } from '../decode/format.ts'

/** That a message tells of an error, and how. */
export interface ErrorSign {
  /** What errors of one sort share: where in the message it stands, and its code or level. */
  readonly kind: string
  readonly text: string
}

/** Members looked at in one message, and how deep: a list of devices has thousands. */
const MOST_MEMBERS = 400
const DEEPEST = 5
const LONGEST_TEXT = 160

/**
 * Errors by their meaning: a level, a status, a member for errors, a device that is gone. Never a bare word: a topic
 * called `problem` or a text about an issue is none.
 */
export function errorSign(topic: string, { value }: Pick<Decoded, 'value'>): ErrorSign | undefined {
  if (typeof value === 'object' && value !== null) {
    const found = offlineIn(topic, value) ?? search(value, { depth: 0, left: { members: MOST_MEMBERS } })
    return found && { kind: found.kind, text: shortened(found.text) }
  }
  if (typeof value === 'boolean')
    return !value && /\/(?:online|connected)$/.test(topic) ? { kind: 'offline', text: 'offline' } : undefined
  return typeof value === 'string' ? signOfText(topic, value) : undefined
}

function signOfText(topic: string, value: string): ErrorSign | undefined {
  const text = value
    .slice(0, LONGEST_TEXT * 2)
    .replaceAll(COLOURS, '')
    .trim()
  if (isPresence(topic) && GONE.test(text)) return { kind: 'offline', text: text.toLowerCase() }
  const level = LOG_LINE.exec(text)
  if (!level) return undefined
  return { kind: `log ${(level[1] ?? level[2] ?? level[3] ?? '').toLowerCase()}`, text: shortened(text) }
}

/** What terminals take as colours; ESPHome logs with them. */
// oxlint-disable-next-line no-control-regex
const COLOURS = /\u001b\[[\d;]*m/g

/** Topics at which devices say whether they are there: the wills of the usual families, Homie's `$state`. */
const isPresence = (topic: string) =>
  /(?:^|\/)(?:availability|available|LWT|status|online|connected|connection|\$state|state|lwt)$/.test(topic)
const GONE = /^(?:offline|disconnected|lost|unavailable|dead)$/i

/** A level where log lines have theirs: `[E][wifi:120]`, `2026-01-01 12:00:00 ERROR …`, `error: …`. */
const LOG_LINE =
  /^(?:\[[\d:. ]+\])?\[(E|ERROR|FATAL|CRITICAL)\]|^(?:[\d-]+[T ])?[\d:.,]*Z?\s*(ERROR|FATAL|CRITICAL|PANIC)\b|^(error|fatal|exception|traceback)\s*[:(]/i

function offlineIn(topic: string, value: object): ErrorSign | undefined {
  const state: unknown = Reflect.get(value, 'state')
  return isPresence(topic) && typeof state === 'string' && GONE.test(state)
    ? { kind: 'offline', text: state.toLowerCase() }
    : undefined
}

interface Search {
  readonly depth: number
  readonly left: { members: number }
}

function search(value: object, { depth, left }: Search): ErrorSign | undefined {
  const inner: object[] = []
  for (const [name, member] of Object.entries(value)) {
    if (left.members-- <= 0) return undefined
    const kind = Array.isArray(value) ? undefined : memberSign(name, member)
    if (kind !== undefined) return { kind, text: textOf(value, name, member) }
    if (typeof member === 'object' && member !== null) inner.push(member)
  }
  if (depth >= DEEPEST) return undefined
  for (const each of inner) {
    const found = search(each, { depth: depth + 1, left })
    if (found) return found
  }
  return undefined
}

const LEVEL = /^(?:level|severity|log_?level|lvl|priority)$/i
const BAD_LEVEL = /^(?:error|err|critical|crit|fatal|alert|emergency|emerg|panic)$/i
const STATUS = /^(?:status|state|result|outcome)$/i
const BAD_STATUS = /^(?:error|failed|failure|fault|faulted|timeout|timed[ _]out)$/i
const CODE = /^(?:status|status_?code|http_?status|http_?code)$/i
const ERROR = /^(?:error|errors|err|exception|fault|faults|last_?error|error_?(?:code|message|msg)|err_?(?:code|msg))$/i
const SUCCESS = /^(?:success|succeeded|ok)$/i
const NOTHING = /^(?:|0|no|none|null|ok|false|no[ _]?error|success|undefined)$/i
/** Levels of bunyan and pino: 50 is error, 60 fatal. */
const BAD_NUMBER = 50

function memberSign(name: string, member: unknown): string | undefined {
  if (LEVEL.test(name) && isBadLevel(name, member)) return `${name} ${String(member).toLowerCase()}`
  if (STATUS.test(name) && typeof member === 'string' && BAD_STATUS.test(member))
    return `${name} ${member.toLowerCase()}`
  if (CODE.test(name) && typeof member === 'number' && member >= 400 && member < 600) return `${name} ${member}`
  if (SUCCESS.test(name) && member === false) return `${name} false`
  return ERROR.test(name) && tells(member) ? `${name}${codeOf(member)}` : undefined
}

const isBadLevel = (name: string, member: unknown) =>
  typeof member === 'string' ? BAD_LEVEL.test(member) : name === 'level' && (member === BAD_NUMBER || member === 60)

/** Something stands there, and it does not say that there is none. */
function tells(member: unknown): boolean {
  if (typeof member === 'string') return !NOTHING.test(member.trim())
  if (typeof member === 'number') return member !== 0
  if (typeof member === 'object' && member !== null) return Object.keys(member).length > 0
  return member === true
}

function codeOf(member: unknown): string {
  const code: unknown = typeof member === 'object' && member !== null ? Reflect.get(member, 'code') : member
  if (typeof code === 'number') return ` ${code}`
  return typeof code === 'string' ? ` ${code.slice(0, 24).toLowerCase()}` : ''
}

/** What says it best: the message beside it, or the member itself. */
function textOf(value: object, name: string, member: unknown): string {
  const beside = ['message', 'msg', 'error', 'reason', 'description', 'text']
    .map((each): unknown => Reflect.get(value, each))
    .find((each) => typeof each === 'string' && each !== '')
  if (typeof beside === 'string') return beside
  return `${name}: ${typeof member === 'string' ? member : JSON.stringify(member)}`
}

const shortened = (text: string) => {
  const line = text.replace(/\s+/g, ' ')
  return line.length > LONGEST_TEXT ? `${line.slice(0, LONGEST_TEXT - 1).toWellFormed()}…` : line
}
