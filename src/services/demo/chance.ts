/**
 * Randomness as a function: the same seed and name always give the same number, in whatever order they are asked for.
 * So a day of the demo home can be looked at from any moment, and two runs agree.
 */
export interface Chance {
  /** In [0, 1). */
  of(...name: readonly (string | number)[]): number
  /** A curve through random points `periodMs` apart, in [-1, 1]. */
  drift(name: string, ms: number, periodMs: number): number
  /** Whether a thing is going on that happens with a probability once in each slot of time. */
  pulse(name: string, ms: number, pulse: Pulse): boolean
}

export interface Pulse {
  readonly slotMs: number
  readonly shortestMs: number
  readonly longestMs: number
  /** 0 to 1, that it happens in this slot. */
  readonly probability: number
}

export function createChance(seed: number): Chance {
  const of: Chance['of'] = (...name) => hash(`${seed} ${name.join(' ')}`) / 2 ** 32
  return {
    of,
    drift(name, ms, periodMs) {
      const slot = Math.floor(ms / periodMs)
      const from = of(name, slot)
      const part = ms / periodMs - slot
      // Smooth where the pieces meet.
      const eased = part * part * (3 - 2 * part)
      return (from + (of(name, slot + 1) - from) * eased) * 2 - 1
    },
    pulse(name, ms, { slotMs, shortestMs, longestMs, probability }) {
      const slot = Math.floor(ms / slotMs)
      if (of(name, slot, 'happens') >= probability) return false
      const lengthMs = shortestMs + of(name, slot, 'length') * (longestMs - shortestMs)
      const beginMs = of(name, slot, 'begin') * (slotMs - lengthMs)
      const atMs = ms - slot * slotMs
      return atMs >= beginMs && atMs < beginMs + lengthMs
    },
  }
}

/** FNV-1a, with the finish of MurmurHash3 so that neighbouring names differ in every bit. */
function hash(text: string): number {
  let value = 0x811c9dc5
  for (let at = 0; at < text.length; at++) value = Math.imul(value ^ text.charCodeAt(at), 0x01000193)
  value = Math.imul(value ^ (value >>> 16), 0x85ebca6b)
  value = Math.imul(value ^ (value >>> 13), 0xc2b2ae35)
  return (value ^ (value >>> 16)) >>> 0
}
