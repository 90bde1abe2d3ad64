import type { Decoded } from './format.ts'
import { scalarOf } from './text.ts'

const LONGEST = 4096
const SEPARATORS = [/\s*,\s*/, /\s*;\s*/, /&/, /\s+/] as const
const PAIR = /^([A-Za-z_][\w.:/-]{0,63})\s?[=:]\s?("[^"]*"|[^\s"=,;&]*)$/

/** `temp=21.5 hum=40`, separated by spaces, commas, semicolons, ampersands or lines; two or more pairs, or undefined. */
export function readKeyValue(text: string): Decoded | undefined {
  if (text.length > LONGEST || !/[=:]/.test(text)) return undefined
  for (const separator of SEPARATORS) {
    const parts = text.trim().split(separator)
    const pairs = parts.flatMap((part) => pairOf(part))
    if (parts.length < 2 || pairs.length !== parts.length) continue
    const value: Record<string, unknown> = Object.fromEntries(pairs)
    const repeated = pairs.length - Object.keys(value).length
    return {
      format: 'key-value',
      value,
      confidence: 'likely',
      ...(repeated > 0 && { note: `${repeated} repeated: the last one counts` }),
    }
  }
  return undefined
}

function pairOf(part: string): [string, string | number | boolean][] {
  const [, key, raw] = PAIR.exec(part) ?? []
  if (key === undefined || raw === undefined) return []
  return [[key, raw.startsWith('"') ? raw.slice(1, -1) : scalarOf(raw)]]
}
