import type { Device, Facts, FactValue } from './device.ts'
import type { Trait } from './family.ts'
import { VOCABULARY, type Term } from './vocabulary.ts'

/** In a summary; what comes after that is in `facts`. */
const MOST_WORDS = 7
const MINOR_RANK = 99
/** What was given a name for people, though nobody knows its kind. */
const LABELLED_RANK = 15
const UNKNOWN_RANK = 30
const LOW_BATTERY_PERCENT = 20

export type Traits = Readonly<Record<string, Trait>>

/** Facts as a person would tell them: "on, 12.4 W". */
export function wordsOf(facts: Facts, traits: Traits): string {
  const isOff = Object.entries(facts).some(([name, value]) => termOf(name, traits)?.rank === 0 && isOffWord(value))
  const said = Object.entries(facts).flatMap(([name, value]) => {
    const trait = traits[name]
    const term = termOf(name, traits)
    const rank = rankOf(trait, term)
    // A lamp that is off keeps the brightness it will have.
    if (rank >= MINOR_RANK || (isOff && classOf(name, trait) === 'brightness')) return []
    const text = say(name, value, trait, term)
    return text === '' ? [] : [{ rank, text }]
  })
  const sorted = said.sort((a, b) => a.rank - b.rank)
  // What nobody has a word for is told only where there is nothing better.
  const known = sorted.filter(({ rank }) => rank < 20)
  const chosen = known.length > 0 ? known : sorted
  if (chosen.length === 0 && typeof facts['battery'] === 'number') return `battery ${rounded(facts['battery'], 0)} %`
  return [...new Set(chosen.map(({ text }) => text))].slice(0, MOST_WORDS).join(', ')
}

function rankOf(trait: Trait | undefined, term: Term | undefined): number {
  if (trait?.minor === true) return MINOR_RANK
  return term?.rank ?? (trait?.label === undefined ? UNKNOWN_RANK : LABELLED_RANK)
}

/** "kitchen plug: on, 12.4 W, last seen 3 s ago". */
export function describeDevice(device: Device, nowMs: number): string {
  const parts = [
    device.online === false ? offlineText(device, nowMs) : undefined,
    device.text === '' ? undefined : device.text,
    errorText(device, nowMs),
    device.lastSeenMs === undefined ? undefined : `last seen ${ago(nowMs - device.lastSeenMs)}`,
    device.guessed === true ? 'a guess by its topic' : undefined,
  ].filter((part) => part !== undefined)
  return `${plainName(device.name)}: ${parts.length === 0 ? (device.online === true ? 'online' : 'nothing known yet') : parts.join(', ')}`
}

function offlineText({ offlineSinceMs }: Device, nowMs: number): string {
  return offlineSinceMs === undefined ? 'OFFLINE' : `OFFLINE for ${span(nowMs - offlineSinceMs)}`
}

/** What went wrong once is news for an hour. */
const OLD_ERROR_MS = 3_600_000

function errorText({ error, errorMs }: Device, nowMs: number): string | undefined {
  if (error === undefined || errorMs === undefined) return error === undefined ? undefined : `error: ${error}`
  const ageMs = nowMs - errorMs
  return ageMs > OLD_ERROR_MS ? undefined : `error ${ago(ageMs)}: ${error}`
}

export const plainName = (name: string) => name.replaceAll('_', ' ')

const ago = (ms: number) => (ms < 1000 ? 'just now' : `${span(ms)} ago`)

/** A length of time in its largest unit. A clock that went back gives zero, not a negative one. */
function span(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000))
  if (seconds < 120) return `${seconds} s`
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`
  return seconds < 172_800 ? `${Math.round(seconds / 3600)} h` : `${Math.round(seconds / 86_400)} days`
}

/** `state_2` and `power_l1` are a state and a power. */
function classOf(name: string, trait: Trait | undefined): string {
  if (trait?.class !== undefined) return trait.class
  if (Object.hasOwn(VOCABULARY, name)) return name
  const base = name.replace(/_(?:\d+|l\d|[abc]|left|right|center|top|bottom)$/, '')
  return Object.hasOwn(VOCABULARY, base) ? base : name
}

function termOf(name: string, traits: Traits): Term | undefined {
  const kind = classOf(name, traits[name])
  return Object.hasOwn(VOCABULARY, kind) ? VOCABULARY[kind] : undefined
}

/** The unit of a fact: as declared, else as usual for its kind. */
export function unitOf(name: string, trait: Trait | undefined): string | undefined {
  if (trait?.unit !== undefined) return trait.unit
  if (trait?.max !== undefined) return undefined
  const kind = classOf(name, trait)
  return Object.hasOwn(VOCABULARY, kind) ? VOCABULARY[kind]?.unit : undefined
}

const isOffWord = (value: FactValue) => value === false || (typeof value === 'string' && value.toLowerCase() === 'off')

function say(name: string, value: FactValue, trait: Trait | undefined, term: Term | undefined): string {
  const kind = classOf(name, trait)
  const label = trait?.label ?? plainName(name)
  // `state_2` and "outdoor temperature" need their names beside them, `state` does not.
  const prefix = kind === name || label.toLowerCase().replaceAll(' ', '_') === kind ? '' : `${label} `
  if (value === null) return `${label} unknown`
  if (typeof value === 'boolean') return sayBinary(value, { prefix, label, term })
  if (typeof value === 'string') return sayText(value, { prefix, label, term })
  if (kind === 'battery' && value > LOW_BATTERY_PERCENT) return ''
  const shown = kind === 'battery' ? 'low battery' : label
  return sayNumber(value, trait, { label: term?.bare === true ? prefix.trim() : shown, term, name })
}

interface Manner {
  readonly prefix: string
  readonly label: string
  readonly term: Term | undefined
}

function sayBinary(value: boolean, { prefix, label, term }: Manner): string {
  const word = term?.words?.[value ? 0 : 1]
  if (word === undefined) return `${label} ${value ? 'on' : 'off'}`
  return word === '' ? '' : prefix + word
}

/** Zigbee2MQTT calls the state of a lock by the command for it. */
const LOCKS = new Map([
  ['LOCK', 'locked'],
  ['UNLOCK', 'unlocked'],
])

function sayText(value: string, { prefix, label, term }: Manner): string {
  if (value === '') return ''
  const word = LOCKS.get(value) ?? (/^[A-Z_]+$/.test(value) ? value.toLowerCase().replaceAll('_', ' ') : value)
  const short = word.length > 60 ? `${word.slice(0, 59)}…` : word
  return term?.rank === 0 ? prefix + short : `${label} ${short}`
}

function sayNumber(
  value: number,
  trait: Trait | undefined,
  { label, term, name }: { label: string; term: Term | undefined; name: string },
): string {
  const percent = trait?.max !== undefined && trait.max > 0 && term?.unit === '%'
  const shown = percent ? (value / trait.max) * 100 : value
  const unit = percent ? '%' : unitOf(name, trait)
  const text = `${rounded(shown, percent ? 0 : term?.decimals)}${unit === undefined ? '' : ` ${unit}`}`
  return label === '' ? text : `${label} ${text}`
}

/** Three significant digits or the given decimals, whichever is fewer; whole numbers stay whole. */
function rounded(value: number, decimals: number | undefined): string {
  if (Number.isInteger(value)) return String(value)
  const size = Math.abs(value)
  const significant = size >= 100 ? 0 : size >= 10 ? 1 : 2
  return String(Number(value.toFixed(Math.min(decimals ?? significant, significant))))
}
