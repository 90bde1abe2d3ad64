import { randomBytes } from 'node:crypto'
import type { Caller } from '../../../kernel/caller.ts'
import type { Clock } from '../../../kernel/clock.ts'
import { Fault } from '../../../kernel/fault.ts'
import { isSameHolder } from '../../../kernel/same-holder.ts'

/** A result that was too large to show. */
export interface KeptResult {
  readonly id: string
  readonly text: string
  /** Characters of one part. */
  readonly partLength: number
}

/** Results that their callers may read on for a while, in memory. */
export interface KeptResults {
  /** Others that are older may go for it. Undefined: it is larger than all that may be kept. */
  keep(caller: Caller, text: string, partLength: number): KeptResult | undefined
  /** Throws Fault `not_found`, for another caller's too, and for what this one got with a credential that may more. */
  find(caller: Caller, id: string): KeptResult
  /** Forgets what these callers got. */
  forget(of: (caller: Caller) => boolean): void
  clear(): void
}

/** Milliseconds a result is kept, and characters: of one caller's, and of everybody's. */
export const KEPT_MS = 3_600_000
export const MOST_PER_CALLER = 16 * 1024 * 1024
export const MOST_OF_ALL = 64 * 1024 * 1024

interface Row extends KeptResult {
  readonly caller: Caller
  readonly untilMs: number
}

export function createKeptResults(clock: Clock): KeptResults {
  // In the order they came, which is the order in which they expire.
  const rows = new Map<string, Row>()
  let cancel: (() => void) | undefined

  const drop = (expired: (row: Row) => boolean) => {
    for (const row of rows.values()) if (expired(row)) rows.delete(row.id)
  }
  const sweep = () => {
    cancel?.()
    const nowMs = clock.monotonic()
    drop(({ untilMs }) => untilMs <= nowMs)
    const [oldest] = rows.values()
    cancel = oldest && clock.after(oldest.untilMs - nowMs, sweep)
  }
  /** Drops the oldest of these until there is room. */
  const makeRoom = (length: number, most: number, isOf: (row: Row) => boolean) => {
    let total = length
    for (const row of rows.values()) if (isOf(row)) total += row.text.length
    drop((row) => {
      if (total <= most || !isOf(row)) return false
      total -= row.text.length
      return true
    })
  }

  return {
    keep(caller, text, partLength) {
      if (text.length > MOST_PER_CALLER) return undefined
      makeRoom(text.length, MOST_PER_CALLER, (row) => row.caller.id === caller.id)
      makeRoom(text.length, MOST_OF_ALL, () => true)
      const id = randomBytes(12).toString('base64url')
      const row = { id, text, partLength, caller, untilMs: clock.monotonic() + KEPT_MS }
      rows.set(id, row)
      sweep()
      return row
    },
    find(caller, id) {
      sweep()
      const row = rows.get(id)
      if (row && isSameHolder(row.caller, caller)) return row
      throw new Fault('not_found', `There is no kept result ${JSON.stringify(id.slice(0, 50))} (any more).`, {
        hint: `Results are kept for ${KEPT_MS / 60_000} minutes, the latest ones. Make the call again, or ask for less.`,
      })
    },
    forget: (of) => drop(({ caller }) => of(caller)),
    clear() {
      cancel?.()
      rows.clear()
    },
  }
}

type Parted = Pick<KeptResult, 'text' | 'partLength'>

export const partCount = ({ text, partLength }: Parted): number => Math.ceil(text.length / partLength)

/** Characters of the text from `offset`; never half of a character that is two code units. */
export function sliceOf({ text }: Pick<KeptResult, 'text'>, offset: number, length: number): string {
  return text.slice(boundary(text, offset), boundary(text, offset + length))
}

/** The `part`th of its parts, from 1: one behind the other they are the text. Throws Fault `not_found`. */
export function partOf(result: Parted, part: number): string {
  if (Number.isInteger(part) && part >= 1 && part <= partCount(result))
    return sliceOf(result, (part - 1) * result.partLength, result.partLength)
  throw new Fault('not_found', `That result has parts 1 to ${partCount(result)}.`)
}

const boundary = (text: string, at: number): number => {
  const code = text.charCodeAt(at)
  return at > 0 && code >= 0xdc00 && code <= 0xdfff ? at - 1 : at
}
